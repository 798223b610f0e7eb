/* SPDX-License-Identifier: MIT */
/*
 * What the guest's instructions invalidate in the TLB. With a VPID no VM exit or entry does it for
 * them (SDM Vol. 3C 29.4.3.1): a handler that emulates one owes it. Both calls may invalidate more
 * than they must.
 */
#ifndef EXITMETER_CORE_EXITS_INVALIDATION_H
#define EXITMETER_CORE_EXITS_INVALIDATION_H

#include "../vmx/vcpu.h"

/* Everything that is cached of the guest's translations. */
void guest_invalidate_all(struct vcpu *vcpu);

/* ... but what is global. */
void guest_invalidate_non_global(struct vcpu *vcpu);

#endif
