/* SPDX-License-Identifier: MIT */
/* The three ways a VM entry fails (SDM Vol. 3C 27.1, 31.4), as the CPU itself fails it. */
#include "guest.h"
#include "target.h"

#include "../../../probes/probe_cpu.h"
#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../vmx/exit_reason.h"
#include "../../x86/control_registers.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#include <string.h>

/* The records that a guest's run leaves behind, at the level "full". */
static struct packet_header packet[8] __attribute__((aligned(64)));

static const struct record *record_at(uint32_t index)
{
    return (const struct record *)(packet + 1) + index;
}

/* What came of one run, and that its last record says the same. */
static uint32_t failing_records(struct guest *guest, const struct vcpu_stop **stop)
{
    vcpu_set_path(guest->vcpu, VCPU_PATH_FULL);
    ring_open(cpu_probes(), packet, sizeof(packet), (struct packet_origin){0}, x86_rdtsc());
    *stop = vcpu_run(guest->vcpu);
    return ring_close(cpu_probes(), x86_rdtsc());
}

/* A VM entry that VMfailed, in between the packet's two time stamps. */
static bool is_vmfail(const struct record *record, uint64_t error)
{
    return record->reason == RECORD_REASON_VMFAIL && !record->reason_flags &&
           record->flags == (RECORD_VMFAIL | RECORD_LEFT) && record->detail == error &&
           record->entered > packet->timestamp_begin && record->entered < packet->timestamp_end &&
           record->dispatched == record->entered && record->handled == record->entered &&
           !record->entering;
}

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
    guest.vcpu->path = VCPU_PATH_COUNTS;
    cpu_probes()->totals = (struct probe_totals){0};
    EXPECT(vmcs_unbind(&guest.vcpu->vmcs)); /* behind the vCPU's back: no VMCS is current */
    const struct vcpu_stop *stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_INVALID);
    EXPECT(cpu_probes()->totals.exits[PROBE_REASON_VMFAIL] == 1);
    vcpu_set_path(guest.vcpu, VCPU_PATH_FULL);
    EXPECT(vmcs_unbind(&guest.vcpu->vmcs));
    ring_open(cpu_probes(), packet, sizeof(packet), (struct packet_origin){0}, x86_rdtsc());
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_ENTRY_INVALID);
    EXPECT(ring_close(cpu_probes(), x86_rdtsc()) == 1 && is_vmfail(record_at(0), 0));
    EXPECT(goes_on(&guest, 2));
    EXPECT(guest_destroy(&guest));
}

void test_entry_vmfail_valid(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(goes_on(&guest, 1));
    guest.vcpu->launched = false;
    const struct vcpu_stop *stop;
    EXPECT(failing_records(&guest, &stop) == 1 && is_vmfail(record_at(0), 4));
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 4);
    EXPECT(goes_on(&guest, 2));

    guest.vcpu->launched = false;
    EXPECT(vmcs_unbind(&guest.vcpu->vmcs) && vmcs_bind(&guest.vcpu->vmcs));
    guest.vcpu->launched = true;
    stop = vcpu_run(guest.vcpu);
    EXPECT(stop->cause == STOP_ENTRY_VALID && stop->value == 5);
    EXPECT(goes_on(&guest, 3));

    vmwrite(VMCS_CR3_TARGET_COUNT, 5);
    EXPECT(failing_records(&guest, &stop) == 1 && is_vmfail(record_at(0), 7));
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
    const struct vcpu_stop *stop;
    EXPECT(failing_records(&guest, &stop) == 1);
    EXPECT(record_at(0)->reason == EXIT_REASON_ENTRY_GUEST_STATE);
    EXPECT(record_at(0)->reason_flags == EXIT_REASON_ENTRY_FAILURE >> 16);
    EXPECT(record_at(0)->flags == (RECORD_LEFT | RECORD_HAS_COUNTS));
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
