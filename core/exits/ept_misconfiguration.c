/* SPDX-License-Identifier: MIT */
/* EPT misconfigurations: an entry that the host wrote wrongly. No guest can bring one about. */
#include "../vmx/dispatch.h"
#include "../vmx/ept_check.h"

enum exit_outcome exit_ept_misconfiguration(struct vcpu *vcpu)
{
    uint64_t physical = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
    struct ept_fault fault;

    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    PROBE_DETAIL(physical);
    ept_misconfigured(vcpu->ept, physical, &fault);
    platform_log("EPT misconfiguration: guest-physical 0x%llx, level %d, entry 0x%llx\n",
                 (unsigned long long)physical, fault.level + 1, (unsigned long long)fault.entry);
    return vcpu_stop(vcpu, STOP_EPT_ENTRY, fault.entry, fault.text);
}
