/* SPDX-License-Identifier: MIT */
/*
 * A function in a process of its own that cannot outlive us or its time: what a virtual machine may
 * do to the thread that runs it, hang included, it does there.
 */
#ifndef EXITMETER_BENCH_KVM_GUARD_H
#define EXITMETER_BENCH_KVM_GUARD_H

enum kvm_guard_how {
    KVM_GUARD_ENDED,
    KVM_GUARD_TIMED_OUT,   /* and was killed */
    KVM_GUARD_INTERRUPTED, /* we were told to stop, and it was killed; code: the signal */
    KVM_GUARD_DIED,        /* code: the signal that killed it */
    KVM_GUARD_NOT_STARTED, /* code: errno */
};

struct kvm_guard_end {
    enum kvm_guard_how how;
    int code;
};

/*
 * Runs it to its end, or until monotonic_seconds() is past *deadline, which lies in memory that
 * both share: the function may put it off. When this returns there is no such process.
 */
struct kvm_guard_end kvm_guard(void (*function)(const void *), const void *argument,
                               const _Atomic double *deadline);

#endif
