/* SPDX-License-Identifier: MIT */
/*
 * What the host's scheduler did to this thread, as far as the kernel counts it. A single
 * interruption of a sample cannot be seen from here; that there were some can.
 */
#ifndef EXITMETER_BENCH_KVM_SCHEDULE_H
#define EXITMETER_BENCH_KVM_SCHEDULE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts since the thread began, or between two such. */
struct kvm_schedule {
    uint64_t involuntary; /* context switches that took the CPU from it */
    uint64_t voluntary;   /* waits of its own: a HLT is one */
    uint64_t wall;        /* ns */
    uint64_t waited;      /* ns in which it could have run and did not */
    uint64_t stolen;      /* clock ticks in which the hypervisor had the CPU it is pinned to */
    bool has_waited, has_stolen;
};

void kvm_schedule_read(int cpu, struct kvm_schedule *now);

struct kvm_schedule kvm_schedule_between(const struct kvm_schedule *before,
                                         const struct kvm_schedule *after);

/*
 * The number-th CPU, from 0 on, of those that we may run on, `first` being number 0; -1 if there is
 * no such CPU. first -1: the lowest.
 */
int kvm_schedule_cpu(const cpu_set_t *allowed, int first, unsigned number);

/* Keeps this thread on the CPU. False with errno set if it cannot be. */
bool kvm_schedule_pin(int cpu);

#endif
