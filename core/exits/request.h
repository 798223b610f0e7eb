/* SPDX-License-Identifier: MIT */
/*
 * VM exits that a guest asks for by a hypercall (core/hypercall.h), to measure them. Each is of a
 * kind that the core uses for something else too; what was asked for is in vcpu->requested, and its
 * handler looks there first.
 */
#ifndef EXITMETER_CORE_EXITS_REQUEST_H
#define EXITMETER_CORE_EXITS_REQUEST_H

#include "../vmx/dispatch.h"

/* vcpu->requested */
#define REQUEST_STEP      1u
#define REQUEST_EXPIRE    2u
#define REQUEST_INTERRUPT 4u

/* HYPERCALL_NMI to HYPERCALL_INTERRUPT, RIP being behind the VMCALL. Sets RAX. */
enum exit_outcome request_exit(struct vcpu *vcpu, unsigned hypercall);

/* Whether the exit at hand is this one that was asked for; it is then over and done with. */
bool request_is_met(struct vcpu *vcpu, uint32_t request);

/* Before a start: what was asked for and has not come does not come any more. */
void request_drop(struct vcpu *vcpu);

#endif
