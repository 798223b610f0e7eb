/* SPDX-License-Identifier: MIT */
#ifndef EXITMETER_GUESTS_IMAGE_MACHINE_H
#define EXITMETER_GUESTS_IMAGE_MACHINE_H

#include "../../core/vmx/capability.h"
#include "../results.h"

/* Fills in what CPUID and the capability MSRs say of this CPU; memory_bytes is left alone. */
void machine_describe(struct machine_facts *facts, const struct vmx_capability *capability);

#endif
