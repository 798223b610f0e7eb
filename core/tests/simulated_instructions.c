/* SPDX-License-Identifier: MIT */
/* Debug registers, extended state and the smaller instructions of the simulated CPU. */
#include "simulated_cpu.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

/* What a write of DR6 can change without RTM and bus-lock detection; the rest reads as ones or 0.
 */
#define DR6_WRITABLE 0xe00full
#define DR6_ONES     0xffff0ff0ull

#define XCR0_SSE 2u
#define XCR0_AVX 4u

#define DEBUG_REGISTER(n)                \
    uint64_t x86_read_dr##n(void)        \
    {                                    \
        return simulated_cpu.dr[n];      \
    }                                    \
    void x86_write_dr##n(uint64_t value) \
    {                                    \
        simulated_cpu.dr[n] = value;     \
    }
DEBUG_REGISTER(0)
DEBUG_REGISTER(1)
DEBUG_REGISTER(2)
DEBUG_REGISTER(3)

uint64_t x86_read_dr6(void)
{
    return simulated_cpu.dr6;
}

void x86_write_dr6(uint64_t value)
{
    if (value >> 32)
        simulated_fault("MOV of 0x%llx to DR6 raised #GP", (unsigned long long)value);
    simulated_cpu.dr6 = (value & (DR6_WRITABLE | simulated_cpu.dr6_clearable)) |
                        (DR6_ONES & ~simulated_cpu.dr6_clearable);
}

static void needs_osxsave(const char *instruction)
{
    if (!(simulated_cpu.cr4 & CR4_OSXSAVE))
        simulated_fault("%s with CR4.OSXSAVE clear raised #UD", instruction);
}

uint64_t x86_xgetbv(uint32_t index)
{
    needs_osxsave("XGETBV");
    if (index)
        simulated_fault("XGETBV of %u raised #GP", index);
    return simulated_cpu.xcr0;
}

bool x86_xsetbv_checked(uint32_t index, uint64_t value)
{
    const struct cpuid_registers *can = simulated_leaf(0xd, 0);

    needs_osxsave("XSETBV");
    simulated_cpu.xsetbvs++;
    if (index || !(value & 1) || value & ~((uint64_t)can->edx << 32 | can->eax) ||
        (value & XCR0_AVX && !(value & XCR0_SSE)))
        return false;
    simulated_cpu.xcr0 = value;
    return true;
}

uint64_t x86_rdtscp(uint32_t *aux)
{
    *aux = (uint32_t)simulated_msr(IA32_TSC_AUX)->value;
    return simulated_cpu.tsc++;
}

bool x86_rdpmc_checked(uint32_t counter, uint32_t *low, uint32_t *high)
{
    uint64_t value = 0;

    if (simulated_access_faults(counter, false))
        return false;
    if (simulated_cpu.performance.present) {
        if (!simulated_performance_rdpmc(counter, &value))
            return false;
        *low = (uint32_t)value;
        *high = (uint32_t)(value >> 32);
        return true;
    }
    if (counter >= sizeof(simulated_cpu.counter) / sizeof(simulated_cpu.counter[0]))
        return false;
    *low = (uint32_t)simulated_cpu.counter[counter];
    *high = (uint32_t)(simulated_cpu.counter[counter] >> 32);
    return true;
}

static bool next_random(uint64_t *value)
{
    *value = simulated_cpu.random_absent ? 0 : simulated_cpu.random;
    return !simulated_cpu.random_absent;
}

bool x86_rdrand(uint64_t *value)
{
    simulated_cpu.rdrands++;
    return next_random(value);
}

bool x86_rdseed(uint64_t *value)
{
    simulated_cpu.rdseeds++;
    return next_random(value);
}

void x86_wbinvd(void)
{
    simulated_cpu.wbinvds++;
}
