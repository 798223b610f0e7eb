/* SPDX-License-Identifier: MIT */
/*
 * The VMCS: its memory, its life cycle, and access to its fields.
 *
 * vmread() and vmwrite() are for the exit path: the VMCS is current there and the field known to
 * exist, so they cannot fail and check nothing. Set-up code uses vmcs_write(), which does check.
 */
#ifndef EXITMETER_CORE_VMX_VMCS_H
#define EXITMETER_CORE_VMX_VMCS_H

#include "vmcs_field.h"

#include "../../probes/count.h"
#include "../platform.h"
#include "../x86/instructions.h"

#include <stdbool.h>

/* Guest interruptibility state, SDM Vol. 3C table 25-3. */
#define BLOCKING_BY_STI    (1u << 0)
#define BLOCKING_BY_MOV_SS (1u << 1)
#define BLOCKING_BY_SMI    (1u << 2)
#define BLOCKING_BY_NMI    (1u << 3)

/* Guest activity state, SDM Vol. 3C 25.4.2. */
#define ACTIVITY_ACTIVE 0u
#define ACTIVITY_HLT    1u

struct vmcs {
    void *region; /* one page, owned; starts with the revision identifier */
    uint64_t physical;
};

static inline uint64_t vmread(enum vmcs_field field)
{
    PROBE_COUNT(vmreads);
    return x86_vmread(field);
}

static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
    PROBE_COUNT(vmwrites);
    x86_vmwrite(field, value);
}

/* Allocates and VMCLEARs a region; false if memory or the instruction fails. VMXON first. */
bool vmcs_create(struct vmcs *vmcs, uint32_t revision);

/* VMCLEARs (so that nothing of it stays in this CPU) and frees. Safe on a zeroed struct. */
void vmcs_destroy(struct vmcs *vmcs);

/* VMPTRLD: makes it current on this CPU. */
bool vmcs_bind(const struct vmcs *vmcs);

/* VMCLEAR: not current and not active any more; launch state "clear". */
bool vmcs_unbind(const struct vmcs *vmcs);

/*
 * Writes a field of the current VMCS, checked: a failure is logged with field, value and error, and
 * *first_failure, if it was VMCS_NO_FIELD, becomes the field. Returns success.
 */
bool vmcs_write(enum vmcs_field field, uint64_t value, uint32_t *first_failure);

/* Reads likewise; *value is 0 if it fails. */
bool vmcs_read(enum vmcs_field field, uint64_t *value, uint32_t *first_failure);

/* Name of a VM-instruction error (SDM Vol. 3C 31.4), 1 to 28. Never NULL. */
const char *vmx_instruction_error_name(uint64_t number);

/* The number in the current VMCS, of the VMX instruction that VMfailed last; 0 if none is there. */
uint64_t vmx_instruction_error(void);

/* Why the VMX instruction that has just failed did so. Never NULL. */
const char *vmx_failure_name(enum vmx_failure failure);

/* Logs that the instruction failed, and why. */
void vmx_log_failure(const char *instruction, enum vmx_failure failure);

/* Whether it succeeded; if not, that is logged. */
static inline bool vmx_succeeded(const char *instruction, enum vmx_failure failure)
{
    if (__builtin_expect(failure != VMX_SUCCEED, 0))
        vmx_log_failure(instruction, failure);
    return failure == VMX_SUCCEED;
}

#endif
