/* SPDX-License-Identifier: MIT */
/*
 * This CPU's performance-monitoring counters, by architectural performance monitoring (SDM Vol. 3B
 * chapter 20): what CPUID offers, a list of raw events put on counters, and all of it put back.
 *
 * Which event has which selector is not known here: the harness encodes them. What is known here is
 * whether a counter can be believed: each is written, read back by RDMSR and RDPMC, and made to
 * count instructions before it is given to an event. An event that gets none is absent, in words;
 * its count is never 0 for that.
 *
 * While events count, the CPU's PMU is theirs, and a guest can disturb it: under a policy that
 * passes the PMU's MSRs (0xc1-0xc8, 0x186-0x18d, 0x309-0x318, 0x38d-0x391, 0x4c1-0x4c8), by writing
 * them; under one that intercepts them likewise, as an intercepted access has the effect it would
 * have had (core/exits/msr.c). Where IA32_PERF_GLOBAL_CTRL is loaded on VM entry and VM exit, a
 * guest's change of that one lasts until its next exit; selectors and counters stay as the guest
 * left them. RDPMC lets the guest read what is counted, unless the policy has RDPMC exit, and the
 * handler then reads it for the guest. Both shipped policies let a guest do all of this; the guests
 * that measure touch none of it, so a guest that does spoils its own figures, not another's:
 * performance_start() sets everything anew.
 */
#ifndef EXITMETER_CORE_VMX_PERFORMANCE_H
#define EXITMETER_CORE_VMX_PERFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

#define PERFORMANCE_EVENTS_MAX  8u
#define PERFORMANCE_GENERAL_MAX 8u
#define PERFORMANCE_FIXED_MAX   16u
#define PERFORMANCE_EXTRAS      3u /* MSRs that may be written for an event */

/*
 * A counter is known by its bit in IA32_PERF_GLOBAL_CTRL: 0 to 7 are general-purpose, 32 to 47
 * fixed-function ones.
 */
#define PERFORMANCE_FIXED   32u
#define PERFORMANCE_NUMBERS (PERFORMANCE_FIXED + PERFORMANCE_FIXED_MAX)
#define PERFORMANCE_GENERAL ((1ull << PERFORMANCE_GENERAL_MAX) - 1)

/* IA32_PERFEVTSELx (SDM Vol. 3B 20.2.1.1, 20.2.3): event in bits 7:0, unit mask in 15:8. */
#define PERFEVTSEL_USR         (1ull << 16)
#define PERFEVTSEL_OS          (1ull << 17)
#define PERFEVTSEL_EDGE        (1ull << 18)
#define PERFEVTSEL_PIN_CONTROL (1ull << 19)
#define PERFEVTSEL_INT         (1ull << 20)
#define PERFEVTSEL_ANY_THREAD  (1ull << 21)
#define PERFEVTSEL_EN          (1ull << 22)
#define PERFEVTSEL_INV         (1ull << 23)

/* CPUID leaf 0xa, as far as this file goes along with it. */
struct performance_capability {
    const char *absent;    /* why there is no PMU; NULL if there is one */
    uint8_t version;       /* 1 has neither IA32_PERF_GLOBAL_CTRL nor fixed-function counters */
    uint64_t counters;     /* by number */
    uint64_t general_mask; /* the bits of a general-purpose counter */
    uint64_t fixed_mask;
    uint32_t unavailable; /* pre-defined events (table 20-1) that this CPU lacks, a bit each */
    bool any_thread;      /* PERFEVTSEL_ANY_THREAD is there */
    bool full_width;      /* IA32_A_PMCx are there */
};

/* Where an event counts. */
enum performance_where {
    PERFORMANCE_HOST = 1,  /* VMX root operation */
    PERFORMANCE_GUEST = 2, /* VMX non-root operation */
    PERFORMANCE_BOTH = 3,
};

struct performance_event {
    bool fixed;        /* a fixed-function counter; at all privilege levels */
    uint64_t selector; /* IA32_PERFEVTSELx without EN; of a fixed one the counter's index */
    uint64_t counters; /* general-purpose counters that can count it, a bit each; 0: all can */
    enum performance_where where;
    uint32_t extra_msr; /* must hold extra_value while it counts; 0: none is needed */
    uint64_t extra_value;
};

/* What became of an event. */
struct performance_counter {
    const char *absent; /* why it is not counted; NULL if it is */
    uint32_t msr;       /* the MSR at which that showed; 0: at none */
    uint32_t rdpmc;     /* ECX of the RDPMC that reads it */
    uint64_t mask;      /* between two readings: (later - earlier) & mask */
};

/* An MSR that events need beside their selector. */
struct performance_extra {
    bool is_saved;
    bool is_set;
    uint64_t saved;
    uint64_t value;
};

/* A PMU in use. Zeroed, it is one that is not. */
struct performance {
    struct performance_capability capability;
    uint32_t count;
    struct performance_counter events[PERFORMANCE_EVENTS_MAX];
    uint64_t host;  /* IA32_PERF_GLOBAL_CTRL in VMX root operation, as the CPU has it now; ... */
    uint64_t guest; /* ... in VMX non-root operation: for vcpu_set_performance() */
    /* How it was before. */
    struct {
        uint64_t selector;
        uint64_t value;
    } saved[PERFORMANCE_GENERAL_MAX + PERFORMANCE_FIXED_MAX];
    struct performance_extra extras[PERFORMANCE_EXTRAS];
    uint64_t saved_counters; /* numbers of those that are to be put back */
    uint64_t saved_fixed_control;
    uint64_t saved_global;
    bool fixed_control_is_saved;
    bool global_is_saved;
    const char *lost; /* what could not be put back, so far */
};

/* Fills *capability, absent included. */
void performance_detect(struct performance_capability *capability);

/* Why this event cannot be asked of such a PMU, whatever its counters are worth; NULL if it can. */
const char *performance_refuses(const struct performance_capability *capability,
                                const struct performance_event *event);

/*
 * Puts count events (PERFORMANCE_EVENTS_MAX at most) on counters and starts these, in the order of
 * the SDM: everything off, selectors, counters from 0, everything on. performance->events says what
 * became of each. apart_absent is vcpu_performance_absent()'s answer: if it is a reason, events
 * that count in the host or the guest alone are absent for it. A counter that no event got is as it
 * was before. Every access may fault; none of that is an error, but of the event it happened to.
 */
void performance_start(struct performance *performance,
                       const struct performance_capability *capability, const char *apart_absent,
                       const struct performance_event *events, uint32_t count);

/*
 * Stops the counters and puts the PMU back to how performance_start() found it. NULL, or what could
 * not be put back. Without full-width writes, a counter's bits above 31 are not. Safe to call
 * twice.
 */
const char *performance_stop(struct performance *performance);

#endif
