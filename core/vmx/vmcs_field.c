/* SPDX-License-Identifier: MIT */
#include "vmcs_field.h"

static const struct vmcs_field_description fields[] = {
#define VMCS_FIELD(encoding, symbol, name) {encoding, name},
#include "vmcs_field_list.h"
#undef VMCS_FIELD
};

const struct vmcs_field_description *vmcs_fields(size_t *count)
{
    *count = sizeof(fields) / sizeof(fields[0]);
    return fields;
}

const char *vmcs_field_name(uint32_t encoding)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].encoding == encoding)
            return fields[i].name;
    return "unknown field";
}
