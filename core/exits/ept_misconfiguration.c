/* SPDX-License-Identifier: MIT */
/*
 * EPT misconfigurations: a page that traps (ept_trap()) is a device's, and the access is emulated.
 * Any other is an entry that the host wrote wrongly, and no guest can bring one about.
 */
#include "../vmx/ept_check.h"
#include "mmio.h"

static __attribute__((noinline, cold)) enum exit_outcome explain(struct vcpu *vcpu,
                                                                 uint64_t physical)
{
    struct ept_fault fault;

    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    ept_misconfigured(vcpu->ept, physical, &fault);
    platform_log("EPT misconfiguration: guest-physical 0x%llx, level %d, entry 0x%llx\n",
                 (unsigned long long)physical, fault.level + 1, (unsigned long long)fault.entry);
    return vcpu_stop(vcpu, STOP_EPT_ENTRY, fault.entry, fault.text);
}

enum exit_outcome exit_ept_misconfiguration(struct vcpu *vcpu)
{
    uint64_t physical = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
    const struct mmio_range *range = mmio_find(vcpu->mmio, physical);

    PROBE_DETAIL(physical);
    if (!range || !ept_traps(vcpu->ept, physical))
        return explain(vcpu, physical);
    return exit_mmio(vcpu, range, physical, VIOLATION_LINEAR | VIOLATION_FINAL | VIOLATION_UNSAID);
}
