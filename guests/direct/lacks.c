/* SPDX-License-Identifier: MIT */
#include "lacks.h"

#include "../../core/vmx/exit_reason.h"
#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"
#include "../image/pm_timer.h"

#define HYPERVISOR_PRESENT (1u << 31) /* CPUID.1:ECX */

enum output { EAX, EBX, ECX, EDX };

/* As the image on the core has them; of its controls there are none here. */
static const struct {
    uint32_t bit, leaf;
    enum output output;
    uint32_t mask;
    const char *lacking;
} requirements[] = {
#define REQUIREMENT(bit, leaf, output, mask, secondary, lacking) {bit, leaf, output, mask, lacking},
#include "../image/requirement_list.h"
#undef REQUIREMENT
    {ROW_REQUIRES_DEADLINE, 1, ECX, CPUID_1_ECX_TSC_DEADLINE,
     "this CPU's local APIC has no TSC-deadline mode"},
};

#define REQUIREMENTS (sizeof(requirements) / sizeof(requirements[0]))

/* Whatever the machine. */
static const struct {
    uint32_t flags, requires;
    const char *why;
} never[] = {
    {ROW_CHECK, 0, "it proves what our own core does, and another monitor runs here"},
    {ROW_ROOT, 0, "it is measured in VMX root operation, which is the monitor's"},
    {ROW_FLOOR, 0, "it measures an exit stub of our own core"},
    {ROW_START_MODE, 0, "it does not start in 64-bit mode"},
    {ROW_PORTS, 0, "it needs a device of our own core's, at ports 0x300 to 0x30f"},
    {ROW_LOGGED, 0, "it needs our own core's log of dirty pages"},
    {ROW_DEMAND_2M | ROW_DEMAND_1G, 0, "it needs large pages that our own core maps on demand"},
    {ROW_CR3_TARGET, 0, "CR3-target values are the monitor's to set"},
    {0, ROW_REQUIRES_REQUESTS, "it asks for its exits by hypercalls that only our own core has"},
    {0, ROW_REQUIRES_TWO_CPUS, "it takes two CPUs, and this image runs on one"},
};

static bool has(uint32_t leaf, enum output output, uint32_t mask)
{
    const struct cpuid_registers r = x86_cpuid(leaf, 0);
    const uint32_t outputs[] = {[EAX] = r.eax, [EBX] = r.ebx, [ECX] = r.ecx, [EDX] = r.edx};

    return leaf <= x86_cpuid(leaf & 0x80000000, 0).eax && outputs[output] & mask;
}

static bool has_tsx_ctrl(void)
{
    uint32_t low, high;
    return x86_rdmsr_checked(IA32_ARCH_CAPABILITIES, &low, &high) &&
           low & ARCH_CAPABILITIES_TSX_CTRL;
}

static const char *requirement_lacking(uint32_t bits)
{
    for (size_t i = 0; i < REQUIREMENTS; i++)
        if (bits & requirements[i].bit && requirements[i].mask &&
            !has(requirements[i].leaf, requirements[i].output, requirements[i].mask))
            return requirements[i].lacking;
    uint32_t known = ROW_REQUIRES_OF_POLICY;
    for (size_t i = 0; i < REQUIREMENTS; i++)
        known |= requirements[i].bit;
    if (bits & ~known)
        return "the row requires what this image does not know of";
    if (bits & ROW_REQUIRES_TSX_CTRL && !has_tsx_ctrl())
        return "this CPU has no IA32_TSX_CTRL";
    if (bits & ROW_REQUIRES_PM_TIMER && !pm_timer_is_there())
        return "no ACPI power-management timer at port 0xb008";
    return NULL;
}

static bool expects(const struct blob_row *row, uint32_t reason)
{
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        if (row->exits[i].reason == reason)
            return true;
    return false;
}

/* An EPT violation whatever controls are in force is a device's, unless memory is on demand. */
static bool takes_device(const struct blob_row *row)
{
    const struct row_exit *exit = &row->exits[0];

    return exit->times && exit->reason == EXIT_REASON_EPT_VIOLATION && !exit->when_on[0] &&
           !exit->when_off[0] && !(row->flags & ROW_DEMAND);
}

enum direct_turn direct_turn(const struct blob_row *row)
{
    if (expects(row, EXIT_REASON_VMCALL))
        return DIRECT_LAST;
    if (expects(row, EXIT_REASON_HLT) || expects(row, EXIT_REASON_MWAIT))
        return DIRECT_LATE;
    return DIRECT_FIRST;
}

const char *direct_lacks(const struct blob_row *row, const struct plan_job *job,
                         const struct direct *direct)
{
    if (job->probe_level != PROBE_OFF)
        return "there are no probes in another's monitor";
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (row->flags & never[i].flags || row->requires & never[i].requires)
            return never[i].why;
    if (expects(row, EXIT_REASON_EPT_MISCONFIGURATION))
        return "how a device's pages are marked is the monitor's to say";
    if (takes_device(row) && !direct->space->device)
        return "no HPET here, whose registers stand for the device's";
    if (row->flags & ROW_DEMAND && phase_samples(job, PHASE_OP) > GUEST_DEMAND_PAGES)
        return "it takes a fresh page a sample: at most 2048 samples";
    if (expects(row, EXIT_REASON_INVD) && !has(1, ECX, HYPERVISOR_PRESENT))
        return "no hypervisor says that it is here, and INVD on a bare CPU loses memory";
    return requirement_lacking(row->requires);
}
