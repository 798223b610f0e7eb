/* SPDX-License-Identifier: MIT */
#include "simulated_performance.h"

#include "../vmx/performance.h"
#include "../x86/msr.h"
#include "tests.h"

#define SELECTOR_RESERVED 0xffffffff00000000ull
#define NUMBER(fixed)     (32 + (fixed))

static const struct simulated_performance *pmu(void)
{
    return &simulated_cpu.performance;
}

static uint64_t width_mask(void)
{
    return (1ull << pmu()->width) - 1;
}

static uint64_t global_mask(void)
{
    return ((1ull << pmu()->general) - 1) | (uint64_t)pmu()->fixed << 32;
}

static uint64_t value_of(uint32_t index)
{
    const struct simulated_msr *msr = simulated_msr(index);
    return msr ? msr->value : 0;
}

static void add_leaf(uint8_t version, uint8_t general, uint16_t fixed)
{
    unsigned run = 0; /* of fixed counters from 0 on */
    while (fixed >> run & 1)
        run++;
    *simulated_leaf(0xa, 0) = (struct cpuid_registers){
        .eax = (version >= 5 ? 8u : 7u) << 24 | 48u << 16 | (uint32_t)general << 8 | version,
        .ecx = version >= 5 ? fixed : 0,
        .edx = version >= 2 ? 48u << 5 | run : 0,
    };
}

void simulated_performance_add(uint8_t version, uint8_t general, uint16_t fixed, bool full_width)
{
    simulated_cpu.performance = (struct simulated_performance){
        .present = true,
        .version = version,
        .general = general,
        .width = 48,
        .fixed = fixed,
        .full_width = full_width,
    };
    add_leaf(version, general, fixed);
    for (uint32_t i = 0; i < general; i++) {
        simulated_msr_set(IA32_PERFEVTSEL0 + i, 0);
        simulated_msr_set(IA32_PMC0 + i, 0);
        if (full_width)
            simulated_msr_set(IA32_A_PMC0 + i, 0);
    }
    simulated_msr_set(IA32_PERF_CAPABILITIES, full_width ? 1 << 13 : 0);
    if (version < 2)
        return;
    simulated_msr_set(IA32_PERF_GLOBAL_CTRL, 0);
    simulated_msr_set(IA32_FIXED_CTR_CTRL, 0);
    for (uint32_t i = 0; i < 16; i++)
        if (fixed >> i & 1)
            simulated_msr_set(IA32_FIXED_CTR0 + i, 0);
}

void simulated_performance_hollow(void)
{
    simulated_performance_add(3, 4, 7, false);
    simulated_cpu.performance.dropping_last = UINT32_MAX;
    simulated_cpu.performance.rdpmc_faults = 7ull << 32;
}

bool simulated_access_faults(uint32_t index, bool write)
{
    struct simulated_accesses *accesses = &simulated_cpu.accesses;
    if (!accesses->countdown || --accesses->countdown)
        return false;
    accesses->failed = index;
    accesses->failed_write = write;
    return true;
}

static bool in(uint32_t index, uint32_t first, uint32_t count)
{
    return index - first < count;
}

/* Bits of IA32_FIXED_CTR_CTRL that there are: four a counter, AnyThread from version 3 on. */
static uint64_t fixed_control_mask(void)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 16; i++)
        if (pmu()->fixed >> i & 1)
            mask |= (pmu()->version >= 3 ? 0xfull : 0xbull) << 4 * i;
    return mask;
}

static bool write_pmu(uint32_t index, uint64_t *value)
{
    if (in(index, IA32_PERFEVTSEL0, pmu()->general))
        return !(*value & SELECTOR_RESERVED) &&
               !(*value & PERFEVTSEL_ANY_THREAD && pmu()->version < 3);
    if (in(index, IA32_PMC0, pmu()->general)) {
        *value = (uint64_t)(int64_t)(int32_t)*value & width_mask();
        if (pmu()->full_width)
            simulated_msr(IA32_A_PMC0 + index - IA32_PMC0)->value = *value;
        return true;
    }
    if (pmu()->full_width && in(index, IA32_A_PMC0, pmu()->general)) {
        if (*value & ~width_mask())
            return false;
        simulated_msr(IA32_PMC0 + index - IA32_A_PMC0)->value = *value;
        return true;
    }
    if (in(index, IA32_FIXED_CTR0, 16)) {
        *value &= width_mask();
        return true;
    }
    if (index == IA32_PERF_GLOBAL_CTRL)
        return !(*value & ~global_mask());
    if (index == IA32_FIXED_CTR_CTRL)
        return !(*value & ~fixed_control_mask());
    return true;
}

bool simulated_performance_write(uint32_t index, uint64_t *value, bool *keep)
{
    *keep = true;
    if (!pmu()->present)
        return true;
    if (pmu()->dropping_last && index >= pmu()->dropping_first && index <= pmu()->dropping_last) {
        *keep = false;
        return true;
    }
    return write_pmu(index, value);
}

bool simulated_performance_rdpmc(uint32_t counter, uint64_t *value)
{
    uint32_t index = counter & 0x3fffffff;
    bool fixed = counter & 0x40000000;
    unsigned number = fixed ? NUMBER(index) : index;

    if (fixed ? counter >> 31 || index > 15 || !(pmu()->fixed >> index & 1)
              : counter >= pmu()->general)
        return false;
    if (pmu()->rdpmc_faults >> number & 1)
        return false;
    *value =
        value_of((fixed ? IA32_FIXED_CTR0 : IA32_PMC0) + index) + (pmu()->rdpmc_lies >> number & 1);
    return true;
}

static void advance(uint32_t index, unsigned number, uint64_t by)
{
    if (pmu()->version >= 2 && !(value_of(IA32_PERF_GLOBAL_CTRL) >> number & 1))
        return;
    if (pmu()->frozen >> number & 1)
        return;
    simulated_msr(index)->value = (simulated_msr(index)->value + by) & width_mask();
}

/* At CPL 0; a cycle an instruction. */
void x86_spin(uint32_t rounds)
{
    for (unsigned i = 0; i < pmu()->general; i++) {
        uint64_t selector = value_of(IA32_PERFEVTSEL0 + i);
        uint16_t event = (uint16_t)selector;
        if (selector & PERFEVTSEL_EN && selector & PERFEVTSEL_OS &&
            (event == 0xc0 || event == 0x3c))
            advance(IA32_PMC0 + i, i, 2ull * rounds);
    }
    for (unsigned i = 0; i < 16; i++)
        if (pmu()->fixed >> i & 1 && value_of(IA32_FIXED_CTR_CTRL) >> 4 * i & 1)
            advance(IA32_FIXED_CTR0 + i, NUMBER(i), 2ull * rounds);
}
