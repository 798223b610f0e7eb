/* SPDX-License-Identifier: MIT */
/* A stopped guest's whole state, for a person to read. */
#ifndef EXITMETER_CORE_VMX_DUMP_H
#define EXITMETER_CORE_VMX_DUMP_H

#include "vcpu.h"

/*
 * Prints why the vCPU stopped, its registers, controls, and the bytes at RIP as far as they can be
 * reached, with platform_log(). The VMCS must be current; nothing is changed.
 */
void vcpu_dump(const struct vcpu *vcpu);

#endif
