/* SPDX-License-Identifier: MIT */
/*
 * Runs a vCPU and answers its exits to userspace: ports, the device, and MSRs that the policy's
 * filter leaves to us.
 */
#ifndef EXITMETER_BENCH_KVM_EXIT_H
#define EXITMETER_BENCH_KVM_EXIT_H

#include "../guests/results.h"
#include "kvm_machine.h"

/* How a phase ended on one vCPU. */
struct kvm_stop {
    bool done;                       /* the blob says that it has completed it */
    char reason[RESULT_REASON_SIZE]; /* else: what this KVM, or the guest on it, did instead */
};

/* Until the blob leaves, or cannot go on. A guest that hangs does so here: the caller is guarded.
 */
void kvm_run(struct kvm_machine *machine, struct kvm_vcpu *vcpu, struct kvm_stop *stop);

/* The device's first page and its ports, in bytes; true if they have the address. */
bool kvm_device_memory(struct kvm_machine *machine, uint64_t address, void *data, uint32_t bytes,
                       bool write);

#endif
