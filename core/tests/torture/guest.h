/* SPDX-License-Identifier: MIT */
/*
 * One vCPU with memory of its own that random guests take turns on. Nothing they do is meant to
 * reach the hardware: what a policy lets pass is what a guest may have.
 */
#ifndef EXITMETER_CORE_TESTS_TORTURE_GUEST_H
#define EXITMETER_CORE_TESTS_TORTURE_GUEST_H

#include "program.h"

#include "../../vmx/vcpu.h"

struct torture {
    uint8_t *block;  /* a guard page, the guest's memory, a guard page */
    uint8_t *memory; /* of the guest, GUEST_BYTES of it */
    struct ept ept;
    struct mmio mmio;
    struct ports ports;
    struct vcpu *vcpu;
    struct vcpu_policy policy; /* in force */
    bool beyond;               /* policies with an APIC-access page, too */
    uint8_t *apic_page;
    uint8_t *ring; /* TORTURE_RING bytes, small enough to be full now and then */
};

#define TORTURE_RING 2048u

/* What a guest is, all of it from the seed and its number. */
struct guest_kind {
    enum program_kind program;
    enum vcpu_mode mode;
    bool state; /* its VMCS has random guest state, within and beyond the SDM's rules */
};

/* NULL, or why not. */
const char *torture_create(struct torture *torture, const struct vmx_capability *capability);

/* A random policy for the guests that follow; false, with the vCPU's stop, if it cannot be had. */
bool torture_policy(struct torture *torture, struct random *random);

/*
 * Makes a guest and runs it until it stops, waking it a few times if it has halted. Returns its
 * stop, valid until the next call.
 */
const struct vcpu_stop *torture_run(struct torture *torture, struct random *random,
                                    struct guest_kind *kind);

/* What of the guest's block has changed that no guest may change; NULL: nothing. */
const char *torture_escaped(const struct torture *torture);

/* VM exits of all guests so far, on any CPU, as the probes have counted them. */
extern uint64_t torture_exits;

#endif
