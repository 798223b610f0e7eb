/* SPDX-License-Identifier: MIT */
#include "msr_area.h"

#include "../x86/msr.h"
#include "vcpu.h"

#define IA32_SMM_MONITOR_CTL 0x9bu
#define IA32_SMBASE          0x9eu

#define LOADS  (1u << MSR_AREA_EXIT_LOAD | 1u << MSR_AREA_ENTRY_LOAD)
#define STORES (1u << MSR_AREA_EXIT_STORE)

static const struct {
    enum vmcs_field count;
    enum vmcs_field address;
} fields[MSR_AREAS] = {
    [MSR_AREA_EXIT_STORE] = {VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_STORE},
    [MSR_AREA_EXIT_LOAD] = {VMCS_EXIT_MSR_LOAD_COUNT, VMCS_EXIT_MSR_LOAD},
    [MSR_AREA_ENTRY_LOAD] = {VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD},
};

/* MSRs that a transition does not take (27.4, 28.4, 28.6). */
static const struct {
    uint32_t first;
    uint32_t last;
    unsigned areas;
    const char *text;
} refusals[] = {
    {IA32_FS_BASE, IA32_GS_BASE, LOADS, "MSR area: FS and GS bases have VMCS fields of their own"},
    {X2APIC_MSR_FIRST, X2APIC_MSR_LAST, LOADS | STORES, "MSR area: no MSR of the x2APIC"},
    {IA32_SMM_MONITOR_CTL, IA32_SMM_MONITOR_CTL, LOADS, "MSR area: IA32_SMM_MONITOR_CTL is SMM's"},
    {IA32_SMBASE, IA32_SMBASE, STORES, "MSR area: IA32_SMBASE is SMM's"},
};

static const char *refuses(enum msr_area area, const struct msr_area_entry *entry)
{
    uint32_t low, high;

    if (entry->reserved)
        return "MSR area: bits 63:32 of an entry must be 0";
    for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].areas >> area & 1 && entry->msr >= refusals[i].first &&
            entry->msr <= refusals[i].last)
            return refusals[i].text;
    if (!x86_rdmsr_checked(entry->msr, &low, &high))
        return "MSR area: this CPU lacks the MSR";
    return NULL;
}

static bool refused(struct vcpu *vcpu, const char *text, uint64_t value)
{
    vcpu->stop = (struct vcpu_stop){.cause = STOP_CONTROL_REFUSED, .value = value, .text = text};
    return false;
}

bool msr_area_set(struct vcpu *vcpu, enum msr_area area, const struct msr_area_entry *entries,
                  uint32_t count)
{
    uint32_t failure = VMCS_NO_FIELD;

    if (count > msr_area_limit(vcpu->capability))
        return refused(vcpu, "MSR area: more entries than IA32_VMX_MISC[27:25] allows", count);
    if (count && (uintptr_t)entries % sizeof(*entries))
        return refused(vcpu, "MSR area: not 16-byte aligned", (uintptr_t)entries);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = refuses(area, &entries[i]);
        if (text)
            return refused(vcpu, text, entries[i].msr);
    }
    /* Empty until it is whole: with a count, the CPU writes to whatever address is there. */
    if (vmcs_write(fields[area].count, 0, &failure) && count &&
        vmcs_write(fields[area].address, platform_physical(entries), &failure))
        vmcs_write(fields[area].count, count, &failure);
    return vcpu_written(vcpu, failure);
}
