/* SPDX-License-Identifier: MIT */
/* What CPUID says of the PMU, and which events can be asked of it. */
#include "performance.h"

#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "performance_extra.h"

#include <stddef.h>

#define VERSION_GLOBAL_CTRL 2 /* and fixed-function counters */
#define VERSION_ANY_THREAD  3
#define VERSION_FIXED_BITS  5 /* CPUID.0AH:ECX tells of fixed-function counters too */

#define EDX_ANY_THREAD_DEPRECATED (1u << 15)
#define CAPABILITIES_FULL_WIDTH   (1ull << 13)

#define SELECTOR_EVENT 0xffffull /* event and unit mask */

/* Pre-defined events by their bit of CPUID.0AH:EBX (SDM Vol. 3B table 20-1). */
static const uint16_t predefined[] = {
    0x003c, /* core cycles */
    0x00c0, /* instructions retired */
    0x013c, /* reference cycles */
    0x4f2e, /* last-level cache references */
    0x412e, /* last-level cache misses */
    0x00c4, /* branches retired */
    0x00c5, /* branches mispredicted */
    0x01a4, /* slots; this and what follows came with version 5 */
    0x02a4, /* back-end bound */
    0x0073, /* bad speculation */
    0x019c, /* front-end bound */
    0x02c2, /* retiring */
};
#define PREDEFINED_COUNT  (sizeof(predefined) / sizeof(predefined[0]))
#define PREDEFINED_ALWAYS 7 /* of these, one that the vector is too short for is missing */

static uint64_t bits(unsigned count)
{
    return count < 64 ? (1ull << count) - 1 : UINT64_MAX;
}

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

void performance_detect(struct performance_capability *capability)
{
    *capability = (struct performance_capability){0};
    if (x86_cpuid(0, 0).eax < CPUID_PERFORMANCE) {
        capability->absent = "no PMU: this CPU has no CPUID leaf 0xa";
        return;
    }
    struct cpuid_registers leaf = x86_cpuid(CPUID_PERFORMANCE, 0);
    capability->version = (uint8_t)leaf.eax;
    if (!capability->version) {
        capability->absent = "no PMU: CPUID leaf 0xa says version 0 (none, or hidden by a "
                             "hypervisor)";
        return;
    }
    unsigned vector_length = leaf.eax >> 24;
    capability->general_mask = bits(leaf.eax >> 16 & 0xff);
    if (capability->general_mask)
        capability->counters = bits(at_most(leaf.eax >> 8 & 0xff, PERFORMANCE_GENERAL_MAX));
    capability->unavailable = (leaf.ebx & (uint32_t)bits(vector_length)) |
                              (uint32_t)(bits(PREDEFINED_ALWAYS) & ~bits(vector_length));

    capability->fixed_mask = bits(leaf.edx >> 5 & 0xff);
    if (capability->version >= VERSION_GLOBAL_CTRL && capability->fixed_mask) {
        uint64_t fixed = bits(leaf.edx & 0x1f);
        if (capability->version >= VERSION_FIXED_BITS)
            fixed |= leaf.ecx;
        capability->counters |= (fixed & bits(PERFORMANCE_FIXED_MAX)) << PERFORMANCE_FIXED;
    }
    capability->any_thread =
        capability->version >= VERSION_ANY_THREAD && !(leaf.edx & EDX_ANY_THREAD_DEPRECATED);

    uint32_t low = 0, high = 0;
    if (x86_cpuid(1, 0).ecx & CPUID_1_ECX_PDCM &&
        x86_rdmsr_checked(IA32_PERF_CAPABILITIES, &low, &high))
        capability->full_width = low & CAPABILITIES_FULL_WIDTH;
    if (!capability->counters)
        capability->absent = "no PMU: CPUID leaf 0xa offers no counters";
}

static const char *refuses_selector(const struct performance_capability *capability,
                                    uint64_t selector)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } never[] = {
        {0xffffffff00000000, "selector: bits 63:32 are reserved"},
        {PERFEVTSEL_EN, "selector: EN (bit 22) is the core's to set"},
        {PERFEVTSEL_INT, "selector: INT (bit 20): the core takes no interrupt from a counter"},
        {PERFEVTSEL_PIN_CONTROL, "selector: PC (bit 19): the CPU's pins are not a plan's to drive"},
    };

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (selector & never[i].bits)
            return never[i].text;
    if (selector & PERFEVTSEL_ANY_THREAD && !capability->any_thread)
        return "selector: AnyThread (bit 21): this CPU has not got it";
    if (!(selector & (PERFEVTSEL_OS | PERFEVTSEL_USR)))
        return "selector: neither OS nor USR (bits 17:16): it would count at no privilege level";
    if (!(selector & 0xff))
        return "selector: event 0 is no event of a general-purpose counter";
    for (size_t i = 0; i < PREDEFINED_COUNT; i++)
        if (predefined[i] == (selector & SELECTOR_EVENT) && capability->unavailable >> i & 1)
            return "CPUID leaf 0xa says that this CPU has not got this pre-defined event";
    return NULL;
}

const char *performance_refuses(const struct performance_capability *capability,
                                const struct performance_event *event)
{
    if (capability->absent)
        return capability->absent;
    if (event->where < PERFORMANCE_HOST || event->where > PERFORMANCE_BOTH)
        return "it is to count neither in the host nor in the guest";
    if (event->where != PERFORMANCE_BOTH && capability->version < VERSION_GLOBAL_CTRL)
        return "host and guest cannot be told apart: PMU version 1 has no IA32_PERF_GLOBAL_CTRL";
    if (event->fixed) {
        if (event->selector >= PERFORMANCE_FIXED_MAX ||
            !(capability->counters >> (PERFORMANCE_FIXED + event->selector) & 1))
            return "CPUID leaf 0xa offers no such fixed-function counter";
        return performance_extra_refuses(event);
    }
    uint64_t counters = event->counters ? event->counters : PERFORMANCE_GENERAL;
    if (!(counters & PERFORMANCE_GENERAL & capability->counters))
        return "CPUID leaf 0xa offers none of the counters that can count it";
    const char *refusal = refuses_selector(capability, event->selector);
    return refusal ? refusal : performance_extra_refuses(event);
}
