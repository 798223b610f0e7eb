/* SPDX-License-Identifier: MIT */
/*
 * What may have disturbed a job without a trace in its samples, as the image leaves it in the
 * results: readings of this CPU's clocks and of its counts of SMIs and NMIs around the two measured
 * phases, and the verdict on them. Little-endian, fixed layout.
 */
#ifndef EXITMETER_GUESTS_VALIDITY_H
#define EXITMETER_GUESTS_VALIDITY_H

#include <stdint.h>

enum validity_moment {
    VALIDITY_BEFORE_CONTROL = 0,
    VALIDITY_BEFORE_OP = 1, /* and behind the control phase, all of its rounds */
    VALIDITY_AFTER_OP = 2,
    VALIDITY_MOMENTS
};

/* validity_reading.flags: which values are there; one that is not means nothing. */
#define VALIDITY_HAS_CLOCKS    1u /* aperf, mperf */
#define VALIDITY_HAS_SMI_COUNT 2u
#define VALIDITY_HAS_NMI_COUNT 4u

struct validity_reading {
    uint64_t tsc;
    uint64_t aperf; /* IA32_APERF: core cycles while not halted */
    uint64_t mperf; /* IA32_MPERF: the same at the TSC's fixed rate */
    uint32_t smi_count;
    uint32_t nmi_count; /* taken by the host outside of guests, since the CPU was started */
    uint32_t flags;
    uint32_t reserved;
};

/* job_validity.verdict */
#define VALIDITY_JUDGED    1u  /* all readings were taken; without it nothing here means anything */
#define VALIDITY_SMI       2u  /* disturbed: system-management interrupts struck */
#define VALIDITY_FREQUENCY 4u  /* disturbed: the core clock was another in the op phase */
#define VALIDITY_TSC       8u  /* disturbed: the TSC went backwards, or slower than IA32_MPERF */
#define VALIDITY_NMI       16u /* disturbed: NMIs came while the host ran */
#define VALIDITY_ALL       31u

/*
 * How far the core clocks of the two phases may be apart, and how far IA32_MPERF may outrun the
 * TSC, in core cycles of 1000 of the TSC's. One percent is well above what reading the clocks one
 * after another adds, and below one step of a CPU's frequency (100 MHz).
 */
#define VALIDITY_TOLERANCE_PER_MILLE 10u

#define VALIDITY_TEXT_SIZE 64u

struct job_validity {
    struct validity_reading readings[VALIDITY_MOMENTS];
    uint32_t core_per_mille[2];  /* core cycles of 1000 of the TSC's while not halted: by phase */
    uint32_t awake_per_mille[2]; /* of 1000 TSC ticks, those not halted: by phase */
    uint32_t smis;               /* from the first reading to the last */
    uint32_t nmis;               /* likewise */
    uint32_t verdict;            /* VALIDITY_* */
    uint32_t reserved;
    char clocks_absent[VALIDITY_TEXT_SIZE]; /* why there are no such ratios; empty: there are */
    char smis_absent[VALIDITY_TEXT_SIZE];   /* why there is no count; empty: there is */
};

_Static_assert(sizeof(struct validity_reading) == 40, "wire format");
_Static_assert(sizeof(struct job_validity) == 3 * 40 + 32 + 2 * 64, "wire format");

#endif
