/* SPDX-License-Identifier: MIT */
/* What a field's value may have to satisfy, wherever the field is. */
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "check_rule.h"

#define CPUID_7_1_EAX_LAM (1u << 26)
#define CR3_LAM           (3ull << 61)

bool wants_clear(const struct check *check, uint64_t value, uint64_t mask)
{
    (void)check;
    return !(value & mask);
}

bool wants_set(const struct check *check, uint64_t value, uint64_t mask)
{
    (void)check;
    return (value & mask) == mask;
}

bool wants_equal(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    return value == operand;
}

bool wants_not_zero(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    return value;
}

bool wants_address(const struct check *check, uint64_t value, uint64_t mask)
{
    return !(value & mask) && !(value >> check->physical_width);
}

bool wants_rip(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t beyond = value >> check->linear_width;
    (void)operand;
    return !beyond || beyond == UINT64_MAX >> check->linear_width;
}

bool wants_canonical(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t beyond = value >> (check->linear_width - 1);
    (void)operand;
    return !beyond || beyond == UINT64_MAX >> (check->linear_width - 1);
}

bool wants_cr3(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    if (x86_cpuid(7, 0).eax >= 1 && x86_cpuid(7, 1).eax & CPUID_7_1_EAX_LAM)
        value &= ~CR3_LAM;
    return !(value >> check->physical_width);
}

bool wants_cr4(const struct check *check, uint64_t value, uint64_t operand)
{
    const struct vmx_capability *capability = check->capability;
    (void)operand;
    return !(~value & capability->cr4_fixed0) && !(value & ~capability->cr4_fixed1);
}

bool wants_pat(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    for (; value; value >>= 8)
        if ((value & 0xff) > 7 || (value & 0xfe) == 2)
            return false;
    return true;
}

bool wants_efer(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    return !(value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE));
}

/* Bits for the counters there are (CPUID 0AH), and bit 48, which no CPUID bit tells of. */
bool wants_perf_global_ctrl(const struct check *check, uint64_t value, uint64_t operand)
{
    struct cpuid_registers pmu = {0};
    (void)check;
    (void)operand;
    if (x86_cpuid(0, 0).eax >= 0xa)
        pmu = x86_cpuid(0xa, 0);
    uint64_t general = (1ull << (pmu.eax >> 8 & 0x1f)) - 1;
    uint64_t fixed = ((1ull << (pmu.edx & 0x1f)) - 1) | (pmu.ecx & 0xffff);
    return !(value & ~(general | (fixed & 0xffff) << 32 | 1ull << 48));
}

/* Bits 9:6 are reserved, SUPPRESS and TRACKER (10, 11) exclude each other. */
bool wants_s_cet(const struct check *check, uint64_t value, uint64_t operand)
{
    return !(value & 0x3c0) && (value & 0xc00) != 0xc00 &&
           wants_canonical(check, value & ~0xfffull, operand);
}

bool wants_settings(const struct check *check, uint64_t value, uint64_t group)
{
    uint64_t capability = check->capability->controls[group];
    return !((uint32_t)capability & ~value) && !(value & ~(capability >> 32));
}
