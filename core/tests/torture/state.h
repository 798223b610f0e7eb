/* SPDX-License-Identifier: MIT */
/* The guest-state area and the registers of a random guest, the VMCS being current. */
#ifndef EXITMETER_CORE_TESTS_TORTURE_STATE_H
#define EXITMETER_CORE_TESTS_TORTURE_STATE_H

#include "random.h"

#include "../../vmx/vcpu.h"

/* GDTR, IDTR and RFLAGS.IF, most of the time as a guest would have set them up. */
void state_tables(enum vcpu_mode mode, struct random *random);

/* General registers, and events that wait. */
void state_registers(struct vcpu *vcpu, struct random *random);

/*
 * A few fields of the guest-state area that are anything at all, but for what would hang the CPU
 * itself, as it is meant to: the activity state wait-for-SIPI.
 */
void state_random(struct random *random);

#endif
