/* SPDX-License-Identifier: MIT */
/*
 * One job of a plan on a virtual machine of its own: the phases that guests/results.h names, into
 * the same place of the results region as the image's driver puts them.
 */
#ifndef EXITMETER_BENCH_KVM_JOB_H
#define EXITMETER_BENCH_KVM_JOB_H

#include "../guests/results.h"
#include "kvm_machine.h"
#include "kvm_perf.h"
#include "kvm_schedule.h"
#include "kvm_stats.h"

#include <stdatomic.h>

/* What a measured phase cost the host, all of its rounds. */
struct kvm_phase_facts {
    bool ran;
    bool has_stats;
    uint64_t stats[KVM_STATS_MAX];
    struct kvm_schedule schedule;
    struct kvm_perf_counts counts;
};

/* What becomes of a job. Lies in memory that the process that runs it shares with its parent. */
struct kvm_job_facts {
    uint32_t status;                 /* enum result_status */
    char reason[RESULT_REASON_SIZE]; /* empty unless skipped or failed */
    char at[64];                     /* what it is doing, in words: the last, if it never ends */
    double seconds;                  /* that it has for that */
    _Atomic double deadline;         /* until when, by monotonic_seconds() */
    char stats_absent[96];           /* why there are no statistics; empty: there are */
    struct kvm_stats stats;
    struct kvm_perf_absent events_absent;
    struct kvm_phase_facts phases[PHASE_COUNT];
};

struct kvm_job {
    int kvm;
    const void *blob; /* has passed blob_check() */
    const struct blob_row *row;
    uint32_t row_index;
    const struct plan_job *plan;
    const struct plan_policy *policy;
    unsigned cpus;               /* vCPUs, if the row wants two */
    int pinned[KVM_VCPUS_MAX];   /* CPU of each; -1: any */
    const struct kvm_perf *perf; /* events to count; NULL: none */
    char *results;               /* the region, shared */
    struct kvm_job_facts *facts;
};

/* What making the machine, or a first run of any code, may take. */
#define KVM_JOB_SECONDS 4.0

/* Runs it, and fills in *facts. May hang with the guest, and ends the process if a vCPU fails. */
void kvm_job_run(const struct kvm_job *job);

#endif
