/* SPDX-License-Identifier: MIT */
/*
 * Performance events of a phase by perf_event_open(), in the host and in the guest apart, on the
 * thread that runs the first vCPU. Named and encoded by libpfm4. No counter is ever shared in time:
 * what finds none is absent.
 */
#ifndef EXITMETER_BENCH_KVM_PERF_H
#define EXITMETER_BENCH_KVM_PERF_H

#include "../guests/plan.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#define KVM_PERF_EVENTS_MAX 8u
#define KVM_PERF_NAME_SIZE  64u

/* What to count, on each side. */
struct kvm_perf {
    unsigned count;
    struct kvm_perf_event {
        char name[KVM_PERF_NAME_SIZE]; /* as asked for */
        struct perf_event_attr attr;
        bool encoded;
        char absent[96]; /* why it is not encoded */
    } events[KVM_PERF_EVENTS_MAX];
};

/* Why an event is not counted on a side (enum plan_side); empty: it is. */
struct kvm_perf_absent {
    char why[PLAN_SIDES][KVM_PERF_EVENTS_MAX][96];
};

struct kvm_perf_counts {
    bool known[PLAN_SIDES][KVM_PERF_EVENTS_MAX];
    uint64_t counts[PLAN_SIDES][KVM_PERF_EVENTS_MAX];
};

struct kvm_perf_counters {
    unsigned count;
    int files[PLAN_SIDES][KVM_PERF_EVENTS_MAX]; /* -1: none */
};

/*
 * Encodes EVENT[,EVENT]...; one that this machine's libpfm4 does not know is absent with the
 * reason, and no error. Returns 0, or -1 with *error; free() that.
 */
int kvm_perf_make(const char *events, struct kvm_perf *perf, char **error);

/* Opens their counters for this thread, none if perf is NULL. */
void kvm_perf_open(const struct kvm_perf *perf, struct kvm_perf_counters *counters,
                   struct kvm_perf_absent *absent);

/* Counts from 0 on; and stops. One that did not have its counter all the time is not known. */
void kvm_perf_start(struct kvm_perf_counters *counters);
void kvm_perf_stop(struct kvm_perf_counters *counters, struct kvm_perf_counts *counts);

#endif
