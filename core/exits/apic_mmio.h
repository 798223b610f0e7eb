/* SPDX-License-Identifier: MIT */
/* The local APIC's page in xAPIC mode, as a device: for guests whose CPU does not virtualize it. */
#ifndef EXITMETER_CORE_EXITS_APIC_MMIO_H
#define EXITMETER_CORE_EXITS_APIC_MMIO_H

#include "../vmx/mmio.h"

/*
 * For a range of one page at IA32_APIC_BASE; takes no context, as each vCPU finds its own. Refuses
 * while the guest has the CPU's own APIC.
 */
mmio_handler apic_mmio;

#endif
