/* SPDX-License-Identifier: MIT */
/*
 * A guest with paging off where "unrestricted guest" is not in force. VM entry then wants CR0.PG
 * set, so the guest runs under an identity map of 4 MiB pages (SDM Vol. 3A 4.3) and sees none of
 * it: PG is clear in the read shadow, and what the CPU needs otherwise in CR3, CR4 and IA32_EFER is
 * the guest's in struct unpaged, in the read shadow, or behind VM exits that no policy asked for
 * (MOV to and from CR3, every MSR). Protected mode alone: real mode cannot be had so.
 */
#ifndef EXITMETER_CORE_EXITS_UNPAGED_H
#define EXITMETER_CORE_EXITS_UNPAGED_H

#include "../vmx/vcpu.h"

/* Writes the identity map into that page of the guest's. False if it is none to be used. */
bool unpaged_prepare(struct vcpu *vcpu, uint64_t identity_map);

/*
 * From paging to none, and back to what the guest has loaded since. CR0 and its shadow, EFER.LMA
 * and invalidations are the caller's affair. unpaged_end() does nothing if the guest has paging.
 */
void unpaged_begin(struct vcpu *vcpu);
void unpaged_end(struct vcpu *vcpu);

/* The guest's registers, wherever they are. guest_set_cr4() writes the read shadow too. */
uint64_t guest_cr3(const struct vcpu *vcpu);
uint64_t guest_efer(const struct vcpu *vcpu);
void guest_set_cr3(struct vcpu *vcpu, uint64_t value);
void guest_set_cr4(struct vcpu *vcpu, uint64_t value);
void guest_set_efer(struct vcpu *vcpu, uint64_t value);

static inline bool vcpu_is_unrestricted(const struct vcpu *vcpu)
{
    return vcpu->controls[CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST;
}

#endif
