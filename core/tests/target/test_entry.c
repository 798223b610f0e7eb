/* SPDX-License-Identifier: MIT */
/* The three ways a VM entry fails (SDM Vol. 3C 27.1, 31.4), as the CPU itself fails it. */
#include "guest.h"
#include "target.h"

#include "../../../probes/probe_cpu.h"
#include "../../boot/cpu.h"
#include "../../vmx/exit_reason.h"
#include "../../x86/control_registers.h"
#include "../../x86/msr.h"

#include <string.h>

/* The same guest goes on after the failure, the cause being mended. */
static bool goes_on(struct guest *guest, uint64_t count)
{
    return vcpu_run(guest->vcpu)->cause == STOP_PHASE_DONE && guest->vcpu->rbx == count;
}

void test_entry_vmfail_invalid(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(goes_on(&guest, 1));
    EXPECT(vmcs_unbind(&guest.vcpu->vmcs)); /* behind the vCPU's back: no VMCS is current */
    const struct vcpu_stop *stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_INVALID);
    EXPECT(goes_on(&guest, 2));
    EXPECT(guest_destroy(&guest));
}

void test_entry_vmfail_valid(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(goes_on(&guest, 1));
    guest.vcpu->launched = false;
    const struct vcpu_stop *stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 4);
    EXPECT(goes_on(&guest, 2));

    guest.vcpu->launched = false;
    EXPECT(vmcs_unbind(&guest.vcpu->vmcs) && vmcs_bind(&guest.vcpu->vmcs));
    guest.vcpu->launched = true;
    stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 5);
    EXPECT(goes_on(&guest, 3));

    vmwrite(VMCS_CR3_TARGET_COUNT, 5);
    stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 7);
    vmwrite(VMCS_CR3_TARGET_COUNT, 0);
    EXPECT(goes_on(&guest, 4));

    uint64_t cr4 = vmread(VMCS_HOST_CR4);
    vmwrite(VMCS_HOST_CR4, cr4 & ~CR4_PAE);
    stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 8);
    vmwrite(VMCS_HOST_CR4, cr4);
    EXPECT(goes_on(&guest, 5));
    EXPECT(guest_destroy(&guest));
}

void test_entry_fails_on_guest_state(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(goes_on(&guest, 1));
    uint64_t flags = vmread(VMCS_GUEST_RFLAGS);
    vmwrite(VMCS_GUEST_RFLAGS, flags & ~RFLAGS_FIXED);
    const struct vcpu_stop *stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_FAILED);
    EXPECT(stop->exit_reason == (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_ENTRY_GUEST_STATE));
    EXPECT(stop->value == 0);
    vmwrite(VMCS_GUEST_RFLAGS, flags);
    EXPECT(goes_on(&guest, 2));

    /* The one rule of the guest state whose breach has a qualification of its own. */
    vmwrite(VMCS_GUEST_VMCS_LINK, 0x123);
    stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_FAILED);
    EXPECT(stop->exit_reason == (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_ENTRY_GUEST_STATE));
    EXPECT(stop->value == 4);
    vmwrite(VMCS_GUEST_VMCS_LINK, UINT64_MAX);
    EXPECT(goes_on(&guest, 3));
    EXPECT(guest_destroy(&guest));
}

/* Where the level "counts" puts what has no line in the dispatch table. */
void test_failed_entries_are_counted(void)
{
    struct probe_totals *totals = &cpu_probes()->totals;
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    vcpu_set_path(guest.vcpu, VCPU_PATH_COUNTS);
    memset(totals, 0, sizeof(*totals));
    uint64_t flags = vmread(VMCS_GUEST_RFLAGS);
    vmwrite(VMCS_GUEST_RFLAGS, flags & ~RFLAGS_FIXED);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_ENTRY_FAILED);
    EXPECT(totals->exits[PROBE_REASONS - 1] == 1);
    vmwrite(VMCS_GUEST_RFLAGS, flags);
    EXPECT(goes_on(&guest, 1));
    EXPECT(totals->exits[EXIT_REASON_VMCALL] == 1);
    for (unsigned reason = 0; reason < PROBE_REASONS - 1; reason++)
        EXPECT(totals->exits[reason] == (reason == EXIT_REASON_VMCALL));
    EXPECT(guest_destroy(&guest));
}

/* The qualification is the number of the entry, from 1 on. */
void test_entry_fails_on_msr_loading(void)
{
    static const struct {
        uint32_t index, reserved;
        uint64_t value;
    } area[] __attribute__((aligned(16))) = {
        {IA32_KERNEL_GS_BASE, 0, 0}, {IA32_FS_BASE, 0, 0}, /* not to be loaded by an entry */
    };
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(goes_on(&guest, 1));
    vmwrite(VMCS_ENTRY_MSR_LOAD, platform_physical(area));
    vmwrite(VMCS_ENTRY_MSR_LOAD_COUNT, 2);
    const struct vcpu_stop *stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_FAILED);
    EXPECT(stop->exit_reason == (EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_ENTRY_MSR_LOADING));
    EXPECT(stop->value == 2);
    vmwrite(VMCS_ENTRY_MSR_LOAD_COUNT, 1);
    EXPECT(goes_on(&guest, 2));
    EXPECT(guest_destroy(&guest));
}
