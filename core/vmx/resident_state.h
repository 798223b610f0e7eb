/* SPDX-License-Identifier: MIT */
/*
 * The state of a guest that VM entries and exits leave alone: extended state with XCR0 and
 * IA32_XSS, CR2, DR0 to DR3, DR6, and the MSRs below. The host's own code touches none of it, so it
 * stays in the CPU from exit to entry, and handlers access the guest's by accessing the CPU's.
 *
 * Each CPU holds it for one at a time: the host, or a vCPU. It moves when another needs the CPU for
 * its own: vcpu_run() takes the CPU for its vCPU, resident_to_host() gives it back to the host.
 * Each register is written only if what is there is another value. Until the host takes it back it
 * runs under the guest's, IA32_SPEC_CTRL included: a host for which that matters calls
 * resident_to_host() after vcpu_run().
 */
#ifndef EXITMETER_CORE_VMX_RESIDENT_STATE_H
#define EXITMETER_CORE_VMX_RESIDENT_STATE_H

#include "capability.h"

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

enum resident_register {
    RESIDENT_CR2,
    RESIDENT_DR0,
    RESIDENT_DR1,
    RESIDENT_DR2,
    RESIDENT_DR3,
    RESIDENT_DR6,
    RESIDENT_STAR,
    RESIDENT_LSTAR,
    RESIDENT_CSTAR,
    RESIDENT_FMASK,
    RESIDENT_KERNEL_GS_BASE,
    RESIDENT_TSC_AUX,
    RESIDENT_SPEC_CTRL,
    RESIDENT_XSS,
    RESIDENT_XFD,
    RESIDENT_XFD_ERR,
    RESIDENT_REGISTERS
};

#define RESIDENT_NOWHERE UINT32_MAX

/* A vCPU's, or the host's. While a CPU holds it, what is in here is out of date. */
struct resident_state {
    uint64_t value[RESIDENT_REGISTERS]; /* 0 for what this CPU has not got */
    void *area;                         /* extended_state.h's, owned */
    uint32_t cpu;                       /* the CPU that holds it, or RESIDENT_NOWHERE */
};

/*
 * Prepares this CPU, which the host holds: NULL, or why not, in words. For vmx_enable(), once
 * CR4.OSXSAVE is set; capability must stay until resident_end().
 */
const char *resident_start(const struct vmx_capability *capability);

/* The host takes this CPU back for good. A vCPU that it held keeps its state. */
void resident_end(void);

/* As after RESET, held nowhere. False if there is no memory. */
bool resident_create(struct vcpu *vcpu);

/* Gives up everything of a vCPU whose state no CPU holds. */
void resident_destroy(struct vcpu *vcpu);

/* As after RESET again, for a vCPU that this CPU or none holds; held nowhere then. */
void resident_reset(struct vcpu *vcpu);

/*
 * This CPU shall hold the vCPU's state; what it holds of another's is saved. False, with vcpu->stop
 * saying why, if it cannot, and then the vCPU's state is as it was. For vcpu_run(), which has found
 * that it does not hold it yet.
 */
bool resident_take(struct vcpu *vcpu);

/*
 * If this CPU holds the vCPU's state, it is saved, and another CPU can take it. To be called where
 * a vCPU is unbound from its CPU.
 */
void resident_leave(struct vcpu *vcpu);

/* This CPU shall hold the host's own. Nothing if it does. */
void resident_to_host(void);

#endif
