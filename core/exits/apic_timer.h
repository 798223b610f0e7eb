/* SPDX-License-Identifier: MIT */
/*
 * The timer of the guest's local APIC (SDM Vol. 3A 11.5.4): one-shot, periodic and TSC-deadline.
 *
 * It counts at the rate of the TSC, divided by what the divide configuration says, and CPUID leaf
 * 15H tells the guest so. Nothing counts: there is the TSC of the next expiry, and the host's timer
 * (platform_timer()) makes an external-interrupt exit then, after which event_prepare() looks. A
 * vCPU that does not run asks for no such exit; its timer is looked at when it runs next.
 *
 * A periodic timer wakes the host no sooner than TIMER_PERIOD_LEAST ticks after the last time, or a
 * guest with a short period would do nothing but exit; what expires in between is one interrupt,
 * as it is for a guest that is slow to take it.
 */
#ifndef EXITMETER_CORE_EXITS_APIC_TIMER_H
#define EXITMETER_CORE_EXITS_APIC_TIMER_H

#include "local_apic.h"

#define TIMER_PERIOD_LEAST 5000u

/* IA32_TSC_DEADLINE; a fault where the CPU has no such mode. */
enum local_apic_result local_apic_read_deadline(const struct local_apic *apic, uint64_t *value);
enum local_apic_result local_apic_write_deadline(struct local_apic *apic, uint64_t value);

/* Requests the interrupt if the timer has expired, and asks the host for the next exit. */
void local_apic_look_at_timer(struct local_apic *apic);

/*
 * The vCPU starts or ends to run on this CPU. Asks the host for exits from now on, if can_exit:
 * if external interrupts exit.
 */
void local_apic_timer_begin(struct local_apic *apic, bool can_exit);
void local_apic_timer_end(struct local_apic *apic);

/* Whether an exit by the host's timer is to come that will request an interrupt. */
static inline bool local_apic_timer_will_wake(const struct local_apic *apic)
{
    return apic->host_timer && apic->armed;
}

#endif
