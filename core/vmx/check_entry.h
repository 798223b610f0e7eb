/* SPDX-License-Identifier: MIT */
/* A VM entry that failed, explained: check.h's checks on a vCPU that has just stopped. */
#ifndef EXITMETER_CORE_VMX_CHECK_ENTRY_H
#define EXITMETER_CORE_VMX_CHECK_ENTRY_H

#include "vcpu.h"

/*
 * If vcpu->stop is a VM entry that failed on controls, host state or guest state (VM-instruction
 * errors 7 and 8, exit reason 33), and a rule is found broken there: logs field, value and rule,
 * and adds field and rule to vcpu->stop.text. Else does nothing. To be called before anything
 * changes the VMCS, which must be current. The text lives until the next such entry, of any vCPU.
 */
void check_entry(struct vcpu *vcpu);

#endif
