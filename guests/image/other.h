/* SPDX-License-Identifier: MIT */
/*
 * The second CPU: a second vCPU of the same guest, for rows that require it. It runs while the
 * first runs a round, without probes, and is bound to nothing in between.
 */
#ifndef EXITMETER_GUESTS_IMAGE_OTHER_H
#define EXITMETER_GUESTS_IMAGE_OTHER_H

#include "../../core/exits/apic_bus.h"
#include "../../core/vmx/vcpu.h"
#include "../../core/vmx/vmxon.h"

#define OTHER_CPU 1u

struct other {
    struct vmx_cpu vmx;
    struct vcpu *vcpu;  /* NULL: there is no second CPU */
    struct vcpu *first; /* on the CPU that booted */
    struct apic_bus bus;
    const struct vcpu_policy *policy;
    struct vcpu_start start;
    uint64_t time_limit; /* TSC ticks of a round */
    struct vcpu_stop stop;
    const char *refusal; /* of vmx_enable() */
};

/*
 * Puts the second CPU, which has been started, into VMX operation, and makes its vCPU on what the
 * first one's is on. NULL, or why not.
 */
const char *other_create(struct other *other, struct vcpu *first);

/* And takes it out again; nothing if there is none. */
void other_destroy(struct other *other);

/* For a job, once the first vCPU's APIC is reset: a fresh one for the second, and each reaches the
 * other. */
void other_connect(struct other *other);

/*
 * For a round: the second CPU applies the policy, starts its vCPU and runs it; does not wait. If it
 * stops for anything but the end of the phase, the first is kicked.
 */
void other_begin(struct other *other);

/*
 * Behind the first's run, which has ended its phase or not: waits for the second's end; if not, it
 * is kicked. Both local APICs are the host's then. True if the second has ended its phase too;
 * else other->stop says why, its registers being on the console.
 */
bool other_end(struct other *other, bool first_is_done);

#endif
