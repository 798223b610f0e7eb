/* SPDX-License-Identifier: MIT */
#include "kvm_row.h"

#include "../core/x86/cpuid.h"
#include "policy.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum output { EAX, EBX, ECX, EDX };

/* As the image has them; of the core's controls there are none here. */
static const struct {
    uint32_t bit, leaf;
    enum output output;
    uint32_t mask;
    const char *lacking;
} requirements[] = {
#define REQUIREMENT(bit, leaf, output, mask, secondary, lacking) {bit, leaf, output, mask, lacking},
#include "../guests/image/requirement_list.h"
#undef REQUIREMENT
};

/* Whatever the policy. */
static const struct {
    uint32_t flags, requires;
    const char *why;
} never[] = {
    {ROW_CHECK, 0, "not under KVM: it proves what our own core does"},
    {ROW_ROOT, 0, "not under KVM: VMX root operation is KVM's"},
    {ROW_FLOOR, 0, "not under KVM: its exit stub is our own core's"},
    {ROW_START_MODE, 0, "not under KVM: the row does not start in 64-bit mode"},
    {ROW_DEMAND_2M | ROW_DEMAND_1G, 0,
     "not under KVM: so many large pages, all backed by one page of the host's"},
    {0, ROW_REQUIRES_REQUESTS, "not under KVM: it asks for its exits by our own hypercalls"},
};

static bool is_unfiltered(uint32_t msr)
{
    return msr >= KVM_UNFILTERED_FIRST && msr <= KVM_UNFILTERED_LAST;
}

static bool names_control(const struct row_exit *exit)
{
    return exit->when_on[0] || exit->when_off[0];
}

/* Why an exit of the row is not as the policy has it. */
static const char *exit_differs(const struct row_exit *exit, const struct plan_policy *policy)
{
    switch (exit->gate) {
    case GATE_MSR_READ:
    case GATE_MSR_WRITE:
        if (is_unfiltered(exit->index))
            return "not under KVM: the MSRs of the x2APIC are never filtered";
        return policy_msr_exits(policy, exit->index, exit->gate == GATE_MSR_WRITE)
                   ? NULL
                   : "not under KVM: a filter has MSRs exit to userspace, but none pass";
    case GATE_IO:
        return policy_io_exits(policy, exit->index, exit->width)
                   ? NULL
                   : "not under KVM: it passes no port to a guest";
    case GATE_EXCEPTION:
        return "not under KVM: the exception bitmap is its own";
    case GATE_CR0:
    case GATE_CR4:
        return "not under KVM: the masks of CR0 and CR4 are its own";
    default:
        return names_control(exit) ? "not under KVM: the VM-execution controls are its "
                                     "own"
                                   : NULL;
    }
}

const char *kvm_row_not_applicable(const struct blob_row *row, const struct plan_policy *policy)
{
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (row->flags & never[i].flags || row->requires & never[i].requires)
            return never[i].why;
    if (strcmp(policy->name, KVM_OWN_POLICY) == 0)
        return NULL;
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++) {
        const char *why = exit_differs(&row->exits[i], policy);
        if (why)
            return why;
    }
    return NULL;
}

#define WORDS(pages)  WORDS_(pages)
#define WORDS_(pages) "takes a fresh page a sample: at most " #pages " samples"

const char *kvm_row_too_many(const struct blob_row *row, uint32_t samples)
{
    bool fresh = row->flags & (ROW_DEMAND | ROW_LOGGED);
    return fresh && samples > GUEST_DEMAND_PAGES ? WORDS(GUEST_DEMAND_PAGES) : NULL;
}

const char *kvm_row_lacks(const struct blob_row *row, const struct kvm_machine *machine)
{
    if (row->requires & ROW_REQUIRES_APIC_MSRS && *machine->irqchip_absent)
        return machine->irqchip_absent;
    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++)
        if (row->requires & requirements[i].bit && requirements[i].mask &&
            !(kvm_machine_cpuid(machine, requirements[i].leaf, requirements[i].output) &
              requirements[i].mask))
            return requirements[i].lacking;
    if (row->requires & ROW_REQUIRES_DEADLINE &&
        !(kvm_machine_cpuid(machine, 1, ECX) & CPUID_1_ECX_TSC_DEADLINE))
        return "this KVM's local APIC has no TSC-deadline mode";
    if (row->requires & ROW_REQUIRES_TWO_CPUS && machine->vcpu_count < 2)
        return "one CPU only; run with --cpus 2";
    return NULL;
}

json_t *kvm_policy_json(const struct plan_policy *policy)
{
    struct kvm_filter filter;
    unsigned hidden = 0;

    if (strcmp(policy->name, KVM_OWN_POLICY) == 0)
        return json_pack("{s:s, s:s, s:[]}", "name", policy->name, "in_force",
                         "KVM's own: no MSR is filtered", "not_applicable");
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        hidden += policy->cpuid[i].bits != 0;
    bool filters = kvm_filter_make(policy, &filter);
    char *force = filters ? text("MSR filter: reads of %u and writes of %u MSRs go to userspace",
                                 filter.reads, filter.writes)
                          : text("no MSR filter");
    json_t *whole = hidden ? json_sprintf("%s; bits hidden in %u registers of CPUID", force, hidden)
                           : json_string(force);
    free(force);
    return json_pack("{s:s, s:o, s:[s, s, s, s, s]}", "name", policy->name, "in_force", whole,
                     "not_applicable", "MSRs that pass", "I/O bitmaps", "exception bitmap",
                     "masks of CR0 and CR4", "VM-execution controls");
}
