/* SPDX-License-Identifier: MIT */
/* VMREAD and VMWRITE of the simulated CPU (SDM Vol. 3C chapter 31). */
#include "simulated_cpu.h"

#include "../vmx/vmcs_field.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "tests.h"

#define MISC_WRITES_ANY (1ull << 29)

static bool exists[SIMULATED_FIELDS] = {
#define VMCS_FIELD(encoding, symbol, name) [SIMULATED_FIELD_AT(encoding)] = true,
#include "../vmx/vmcs_field_list.h"
#undef VMCS_FIELD
};

/* Bit 0 takes the upper half, of a 64-bit field only. Bit 12 and bits 15 and up are reserved. */
bool simulated_field_exists(uint64_t encoding)
{
    if (encoding & ~0x6fffull)
        return false;
    if (encoding & 1 && VMCS_FIELD_WIDTH(encoding) != VMCS_WIDTH_64)
        return false;
    return exists[SIMULATED_FIELD_AT(encoding)];
}

uint64_t *simulated_field(uint32_t encoding)
{
    assert_non_null(simulated_cpu.current);
    assert_true(simulated_field_exists(encoding));
    return &simulated_cpu.current->fields[SIMULATED_FIELD_AT(encoding)];
}

void simulated_vmcs_current(void)
{
    static struct simulated_vmcs none;
    struct simulated_vmcs *vmcs = &simulated_cpu.vmcs[0];

    *vmcs = none;
    vmcs->physical = 1ull << 46; /* of no memory */
    simulated_cpu.cr4 |= CR4_VMXE;
    simulated_cpu.vmx_operation = true;
    simulated_cpu.current = vmcs;
}

static enum vmx_failure vmfail_valid(uint64_t error)
{
    *simulated_field(VMCS_INSTRUCTION_ERROR) = error;
    return VMX_FAIL_VALID;
}

/* What VMREAD and VMWRITE check first; counted as executed whether or not they succeed. */
static enum vmx_failure check(enum simulated_instruction instruction, uint64_t field)
{
    struct simulated_cpu *cpu = &simulated_cpu;

    cpu->executed[instruction]++;
    if (!cpu->vmx_operation) {
        simulated_fault("VMREAD or VMWRITE outside VMX operation raised #UD");
        return VMX_FAIL_INVALID;
    }
    if (!cpu->current)
        return VMX_FAIL_INVALID;
    if (cpu->failing[instruction].countdown && !--cpu->failing[instruction].countdown) {
        cpu->failed.times++;
        cpu->failed.field = field;
        cpu->failed.how = cpu->failing[instruction].failure;
        return cpu->failing[instruction].failure == VMX_FAIL_VALID
                   ? vmfail_valid(cpu->failing[instruction].error)
                   : cpu->failing[instruction].failure;
    }
    return simulated_field_exists(field) ? VMX_SUCCEED : vmfail_valid(12);
}

enum vmx_failure x86_vmread_checked(uint64_t field, uint64_t *value)
{
    enum vmx_failure failure = check(SIMULATED_VMREAD, field);

    *value = 0;
    if (failure != VMX_SUCCEED)
        return failure;
    *value = *simulated_field((uint32_t)field);
    if (field & 1)
        *value >>= 32;
    return VMX_SUCCEED;
}

enum vmx_failure x86_vmwrite_checked(uint64_t field, uint64_t value)
{
    enum vmx_failure failure = check(SIMULATED_VMWRITE, field);

    simulated_cpu.host_state_writes += VMCS_FIELD_GROUP(field) == VMCS_GROUP_HOST;
    if (failure != VMX_SUCCEED)
        return failure;
    if (VMCS_FIELD_GROUP(field) == VMCS_GROUP_EXIT_INFORMATION &&
        !(simulated_msr(IA32_VMX_MISC)->value & MISC_WRITES_ANY))
        return vmfail_valid(13);
    uint64_t *at = simulated_field((uint32_t)field);
    if (field & 1)
        *at = (*at & 0xffffffff) | value << 32;
    else if (VMCS_FIELD_WIDTH(field) == VMCS_WIDTH_16)
        *at = (uint16_t)value;
    else if (VMCS_FIELD_WIDTH(field) == VMCS_WIDTH_32)
        *at = (uint32_t)value;
    else
        *at = value;
    return VMX_SUCCEED;
}

uint64_t x86_vmread(uint64_t field)
{
    unsigned times = simulated_cpu.failed.times;
    uint64_t value;
    if (x86_vmread_checked(field, &value) != VMX_SUCCEED)
        simulated_fault("unchecked VMREAD of 0x%llx failed", (unsigned long long)field);
    simulated_cpu.failed.unchecked |= simulated_cpu.failed.times != times;
    return value;
}

void x86_vmwrite(uint64_t field, uint64_t value)
{
    unsigned times = simulated_cpu.failed.times;
    if (x86_vmwrite_checked(field, value) != VMX_SUCCEED)
        simulated_fault("unchecked VMWRITE of 0x%llx failed", (unsigned long long)field);
    simulated_cpu.failed.unchecked |= simulated_cpu.failed.times != times;
}
