/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine of KVM's that is laid out as guests/blob.h asks: memory, the region on demand,
 * the device, and up to two vCPUs that start in a row. It lives as long as the process that makes
 * it, which does nothing else and ends by itself or by a signal: nothing is taken down.
 */
#ifndef EXITMETER_BENCH_KVM_MACHINE_H
#define EXITMETER_BENCH_KVM_MACHINE_H

#include "../guests/blob.h"
#include "../guests/plan.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>

#define KVM_VCPUS_MAX PLAN_CPUS_MAX

/* Where the blob goes at the end of a phase: OUT to this port, with RAX and RDI as it left them. */
#define KVM_LEAVE_PORT 0xf4u
#define KVM_LEAVE_PAGE (GUEST_SAMPLES_BASE - 0x1000)

_Static_assert(KVM_LEAVE_PAGE >= GUEST_BLOB_LIMIT, "in nobody's way");

struct kvm_vcpu {
    int fd;
    struct kvm_run *run;
    struct kvm_sregs start; /* as each phase begins with them */
    struct kvm_debugregs debug;
};

struct kvm_machine {
    int kvm, vm;
    char *memory;             /* GUEST_MEMORY_SIZE */
    char *demand;             /* GUEST_DEMAND_SIZE, unbacked until touched */
    struct kvm_cpuid2 *cpuid; /* as the guests see it; the second differs in its APIC's id */
    char irqchip_absent[96];  /* why there is no interrupt controller in the kernel; empty: it is */
    unsigned vcpu_count;
    struct kvm_vcpu vcpus[KVM_VCPUS_MAX];
    const struct plan_policy *policy;
    uint8_t registers[4096]; /* the device's first page */
    uint8_t ports[GUEST_PORTS_SIZE];
};

/* What a row starts with. */
struct kvm_start {
    uint64_t rip, rsp, rdi, rsi, rdx;
};

/*
 * Makes it with so many vCPUs, loads the blob, and puts of the policy in force what KVM can. NULL,
 * or why not, in words; free() it.
 */
char *kvm_machine_make(struct kvm_machine *machine, int kvm, unsigned vcpus, const void *blob,
                       const struct plan_policy *policy);

/* Whether the pages that are logged are written for the first time again, from now on. */
bool kvm_machine_log(struct kvm_machine *machine);

/* Takes back what has been touched of the memory on demand. */
bool kvm_machine_take_back(struct kvm_machine *machine);

/* Puts a vCPU where a row starts, in 64-bit mode. NULL, or why not; free() it. */
char *kvm_vcpu_start(struct kvm_vcpu *vcpu, const struct kvm_start *start);

/* One output register of a CPUID leaf as the guest sees it: 0 to 3 are EAX to EDX; 0 if none. */
uint32_t kvm_machine_cpuid(const struct kvm_machine *machine, uint32_t leaf, unsigned output);

#endif
