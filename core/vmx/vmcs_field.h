/* SPDX-License-Identifier: MIT */
/* VMCS fields: encodings, and what an encoding says of its field (SDM Vol. 3C 25.11.2). */
#ifndef EXITMETER_CORE_VMX_VMCS_FIELD_H
#define EXITMETER_CORE_VMX_VMCS_FIELD_H

#include <stddef.h>
#include <stdint.h>

enum vmcs_field {
#define VMCS_FIELD(encoding, symbol, name) VMCS_##symbol = (encoding),
#include "vmcs_field_list.h"
#undef VMCS_FIELD
};

/* No field at all: 0 is one, the VPID. */
#define VMCS_NO_FIELD UINT32_MAX

enum vmcs_field_width {
    VMCS_WIDTH_16 = 0,
    VMCS_WIDTH_64 = 1,
    VMCS_WIDTH_32 = 2,
    VMCS_WIDTH_NATURAL = 3,
};

enum vmcs_field_group {
    VMCS_GROUP_CONTROL = 0,
    VMCS_GROUP_EXIT_INFORMATION = 1, /* read-only unless IA32_VMX_MISC[29] */
    VMCS_GROUP_GUEST = 2,
    VMCS_GROUP_HOST = 3,
};

#define VMCS_FIELD_WIDTH(encoding) ((enum vmcs_field_width)((encoding) >> 13 & 3))
#define VMCS_FIELD_GROUP(encoding) ((enum vmcs_field_group)((encoding) >> 10 & 3))

struct vmcs_field_description {
    uint32_t encoding;
    const char *name;
};

/* Every architectural field; ends before *count. */
const struct vmcs_field_description *vmcs_fields(size_t *count);

/* Name of the field, "unknown field" where there is none. Never NULL. */
const char *vmcs_field_name(uint32_t encoding);

#endif
