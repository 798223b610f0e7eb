/* SPDX-License-Identifier: MIT */
/* Random policies that let a guest have nothing of the host's. */
#ifndef EXITMETER_CORE_TESTS_TORTURE_POLICY_H
#define EXITMETER_CORE_TESTS_TORTURE_POLICY_H

#include "random.h"

#include "../../vmx/vcpu.h"

/* Makes the bitmaps, once. False if there is no memory. */
bool policy_prepare(void);

struct vcpu_policy policy_random(struct random *random);

/* The xAPIC by an APIC-access page in place of what the policy has, in one of the forms there are.
 */
void policy_use_access_page(struct vcpu_policy *policy, struct random *random);

/* A bit a port, all of them set: they read ones. */
const uint8_t *policy_ports(void);

#endif
