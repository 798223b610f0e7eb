/* SPDX-License-Identifier: MIT */
/*
 * What disturbs a measurement without a trace in it: system-management interrupts, NMIs that the
 * host takes between a VM exit and the VM entry, and a core clock that is not the TSC's. Read
 * before and after, and judged as a pair.
 */
#ifndef EXITMETER_CORE_VMX_DISTURBANCE_H
#define EXITMETER_CORE_VMX_DISTURBANCE_H

#include <stdbool.h>
#include <stdint.h>

/* As read at one moment; what has a flag means nothing while that is clear. */
struct disturbance_facts {
    uint64_t tsc;
    uint64_t aperf; /* IA32_APERF: core cycles while not halted (SDM Vol. 3B 15.5) */
    uint64_t mperf; /* IA32_MPERF: the same at the TSC's fixed rate */
    uint32_t smi_count;
    uint32_t nmi_count; /* NMIs taken by the host, outside of guests */
    bool has_clocks;    /* aperf and mperf are there */
    bool has_smi_count;
    bool has_nmi_count;
};

/* Why a part is absent, in words; NULL: it is there. */
struct disturbance {
    const char *clocks_absent;
    uint64_t core_per_mille;  /* core cycles per 1000 of the TSC's, while not halted */
    uint64_t awake_per_mille; /* TSC ticks not halted, of 1000 in between */
    const char *smis_absent;
    uint32_t smis; /* that struck in between */
    uint32_t nmis; /* likewise; 0 where they are not counted */
};

/*
 * Reads them on this CPU. MSR_SMI_COUNT is only asked of an Intel CPU of family 6, and a count of 0
 * believed only if the MSR refuses to be written, as that one does: there are emulators on which
 * every MSR reads 0.
 */
void disturbance_read(struct disturbance_facts *facts);

/* What the two say of the time in between. Both are of the same CPU; pure. */
void disturbance_judge(const struct disturbance_facts *before,
                       const struct disturbance_facts *after, struct disturbance *disturbance);

#endif
