/* SPDX-License-Identifier: MIT */
#include "apic.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"

#include <stdbool.h>

#define SVR_ENABLED     (1u << 8)
#define COMMAND_PENDING (1u << 12)

static bool x2apic_wanted;

static bool in_x2apic_mode(uint64_t base)
{
    return base & APIC_BASE_X2APIC;
}

static volatile uint32_t *page(uint64_t base)
{
    return platform_at(base & APIC_BASE_ADDRESS);
}

void apic_start(void)
{
    uint64_t base = x86_rdmsr(IA32_APIC_BASE);

    /* From disabled to x2APIC mode the way is by xAPIC mode. */
    if (!(base & APIC_BASE_ENABLE))
        x86_wrmsr(IA32_APIC_BASE, base |= APIC_BASE_ENABLE);
    if (x2apic_wanted && x86_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC && !(base & APIC_BASE_X2APIC))
        x86_wrmsr(IA32_APIC_BASE, base | APIC_BASE_X2APIC);
    apic_write(APIC_REGISTER_SVR, SVR_ENABLED | APIC_SPURIOUS_VECTOR);
}

void apic_use_x2apic(void)
{
    x2apic_wanted = true;
    apic_start();
}

uint32_t apic_read(enum apic_register which)
{
    uint64_t base = x86_rdmsr(IA32_APIC_BASE);

    return in_x2apic_mode(base) ? (uint32_t)x86_rdmsr(X2APIC_MSR_FIRST + (uint32_t)which)
                                : page(base)[4 * which];
}

void apic_write(enum apic_register which, uint32_t value)
{
    uint64_t base = x86_rdmsr(IA32_APIC_BASE);

    if (in_x2apic_mode(base))
        x86_wrmsr(X2APIC_MSR_FIRST + (uint32_t)which, value);
    else
        page(base)[4 * which] = value;
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_REGISTER_ID);

    return in_x2apic_mode(x86_rdmsr(IA32_APIC_BASE)) ? id : id >> 24;
}

void apic_command(uint32_t destination, uint32_t command)
{
    if (in_x2apic_mode(x86_rdmsr(IA32_APIC_BASE))) {
        x86_wrmsr(X2APIC_MSR_FIRST + APIC_REGISTER_COMMAND, (uint64_t)destination << 32 | command);
        return;
    }
    apic_write(APIC_REGISTER_COMMAND_HIGH, destination << 24);
    apic_write(APIC_REGISTER_COMMAND, command);
    while (apic_read(APIC_REGISTER_COMMAND) & COMMAND_PENDING)
        __builtin_ia32_pause();
}
