/* SPDX-License-Identifier: MIT */
#include "vcpu.h"

#include "../exits/apic_virtual.h"
#include "check_entry.h"
#include "entry_record.h"
#include "event.h"
#include "vpid.h"

/* entry.S */
extern const char vmx_exit_off[], vmx_exit_counts[], vmx_exit_stamps[], vmx_exit_full[];
extern const char vmx_exit_hardware[], vmx_exit_pmu[], vmx_exit_floor[];
enum vmx_failure vmx_enter(struct vcpu *vcpu);

struct vcpu *vcpu_create(const struct vmx_capability *capability, const struct ept *ept)
{
    char *block = platform_pages_allocate(VCPU_BLOCK_PAGES, PAGE_SIZE);
    if (!block) {
        platform_log("vCPU: no memory for it\n");
        return NULL;
    }
    struct vcpu *vcpu = (struct vcpu *)(block + VCPU_OFFSET);
    vcpu->capability = capability;
    if (!resident_create(vcpu)) {
        platform_log("vCPU: no memory for its extended state\n");
        platform_pages_free(block, VCPU_BLOCK_PAGES);
        return NULL;
    }
    vcpu->vpid = vpid_allocate();
    if (!vcpu->vpid || !vmcs_create(&vcpu->vmcs, vmx_revision(capability))) {
        platform_log("vCPU: no %s for it\n", vcpu->vpid ? "VMCS" : "VPID");
        vpid_free(vcpu->vpid);
        resident_destroy(vcpu);
        platform_pages_free(block, VCPU_BLOCK_PAGES);
        return NULL;
    }
    vcpu->ept = ept;
    vcpu->cpu = vcpu->host.cpu = VCPU_UNBOUND;
    local_apic_reset(&vcpu->apic, platform_cpu_number());
    return vcpu;
}

bool vcpu_destroy(struct vcpu *vcpu)
{
    if (!vcpu)
        return true;
    bool held = vcpu->resident.cpu == platform_cpu_number();
    /* Memory that the CPU may still write to is not to be freed. */
    if (!vcpu_unbind(vcpu))
        return false;
    if (held)
        resident_to_host();
    resident_destroy(vcpu);
    vmcs_destroy(&vcpu->vmcs);
    vpid_free(vcpu->vpid);
    platform_pages_free((char *)vcpu - VCPU_OFFSET, VCPU_BLOCK_PAGES);
    return true;
}

/* What the vCPU itself needs, before a policy adds to it. What it wants clear, a policy may set. */
static const struct control_wish basis[CONTROL_GROUPS] = {
    [CONTROL_PIN_BASED] = {.set = PIN_BASED_NMI_EXITING,
                           .optional = PIN_BASED_EXTERNAL_INTERRUPT_EXITING |
                                       PIN_BASED_VIRTUAL_NMIS | PIN_BASED_PREEMPTION_TIMER},
    [CONTROL_PRIMARY] = {.set =
                             PRIMARY_IO_BITMAPS | PRIMARY_MSR_BITMAPS | (uint32_t)PRIMARY_SECONDARY,
                         .clear = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING},
    [CONTROL_SECONDARY] = {.set = SECONDARY_EPT,
                           .optional = SECONDARY_VPID | SECONDARY_RDTSCP | SECONDARY_INVPCID |
                                       SECONDARY_UNRESTRICTED_GUEST | SECONDARY_XSAVES},
    [CONTROL_EXIT] = {.set = EXIT_HOST_64_BIT | EXIT_SAVE_DEBUG_CONTROLS |
                             EXIT_ACKNOWLEDGE_INTERRUPT | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
                             EXIT_SAVE_EFER | EXIT_LOAD_EFER,
                      /* The limit is of the guest's time as a whole, not of each entry's. */
                      .optional = EXIT_SAVE_PREEMPTION_TIMER},
    /* vcpu_start() clears IA-32e mode guest where the guest starts outside of it. */
    [CONTROL_ENTRY] = {.set = ENTRY_IA32E_GUEST | ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_PAT |
                              ENTRY_LOAD_EFER},
};

static const enum vmcs_field control_field[CONTROL_GROUPS] = {
    [CONTROL_PIN_BASED] = VMCS_PIN_BASED_CONTROLS, [CONTROL_PRIMARY] = VMCS_PRIMARY_CONTROLS,
    [CONTROL_SECONDARY] = VMCS_SECONDARY_CONTROLS, [CONTROL_EXIT] = VMCS_EXIT_CONTROLS,
    [CONTROL_ENTRY] = VMCS_ENTRY_CONTROLS,
};

/* PAUSEs this close belong to one loop, and a loop this long exits: ticks of the TSC. */
#define PLE_GAP    128u
#define PLE_WINDOW 4096u

/* A machine check is the machine's: no guest may take it for its own. */
#define EXCEPTIONS_ALWAYS (1u << 18)

static bool refused(struct vcpu *vcpu, enum control_group group,
                    const struct control_refusal *refusal)
{
    platform_log("%s: this CPU cannot %s bit %u (%s)\n", control_group_name(group),
                 refusal->wanted ? "set" : "clear", refusal->bit,
                 control_name(group, refusal->bit));
    vcpu->stop = (struct vcpu_stop){.cause = STOP_CONTROL_REFUSED,
                                    .value = refusal->bit,
                                    .text = control_name(group, refusal->bit)};
    return false;
}

bool vcpu_written(struct vcpu *vcpu, uint32_t first_failure)
{
    if (first_failure == VMCS_NO_FIELD)
        return true;
    vcpu->stop = (struct vcpu_stop){
        .cause = STOP_VMCS_REFUSED,
        .value = first_failure,
        .text = vmcs_field_name(first_failure),
    };
    return false;
}

/* IA32_VMX_MISC[24:16]: the CR3-target values that the CPU has. */
static bool choose_cr3_targets(struct vcpu *vcpu, const struct vcpu_policy *policy)
{
    uint32_t available = vcpu->capability->misc >> 16 & 0x1ff;

    if (available > CR3_TARGETS)
        available = CR3_TARGETS;
    if (policy->cr3_target_count > available) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_CONTROL_REFUSED,
                                        .value = available,
                                        .text = "more CR3-target values asked for than it has"};
        return false;
    }
    vcpu->cr3_target_count = policy->cr3_target_count;
    return true;
}

static void write_path(struct vcpu *vcpu, enum vcpu_path path, uint32_t *failure)
{
    static const char *const stubs[VCPU_PATHS] = {
        [VCPU_PATH_OFF] = vmx_exit_off,           [VCPU_PATH_COUNTS] = vmx_exit_counts,
        [VCPU_PATH_STAMPS] = vmx_exit_stamps,     [VCPU_PATH_FULL] = vmx_exit_full,
        [VCPU_PATH_HARDWARE] = vmx_exit_hardware, [VCPU_PATH_PMU] = vmx_exit_pmu,
        [VCPU_PATH_FLOOR] = vmx_exit_floor,
    };
    vcpu->path = path;
    vmcs_write(VMCS_HOST_RIP, (uintptr_t)stubs[path], failure);
}

static void write_time_limit(struct vcpu *vcpu, uint64_t ticks, uint32_t *failure)
{
    uint64_t units = ticks >> (vcpu->capability->misc & 0x1f); /* IA32_VMX_MISC[4:0] */

    if (vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_PREEMPTION_TIMER)
        vmcs_write(VMCS_PREEMPTION_TIMER, !ticks || units > UINT32_MAX ? UINT32_MAX : units,
                   failure);
}

/* The VMCS is current. */
static bool apply(struct vcpu *vcpu, const struct vcpu_policy *policy)
{
    uint32_t failure = VMCS_NO_FIELD;

    vcpu->stale =
        true; /* without a VPID, the guest's own invalidations have not reached its VPID */
    for (int group = 0; group < CONTROL_GROUPS; group++) {
        struct control_wish wish = basis[group];
        struct control_refusal refusal;
        wish.set |= policy->controls[group].set;
        wish.clear &= ~policy->controls[group].set;
        wish.clear |= policy->controls[group].clear;
        wish.optional |= policy->controls[group].optional;
        wish.clear &= ~policy->controls[group].optional;
        /* A device's interrupt stays in its controller until the guest can take it. */
        if (group == CONTROL_EXIT && policy->machine)
            wish.set &= ~(uint32_t)EXIT_ACKNOWLEDGE_INTERRUPT;
        if (group == CONTROL_PRIMARY && !apic_virtual_choose(vcpu, policy, &wish))
            return false;
        if (!control_choose(vcpu->capability->controls[group], &wish, &vcpu->controls[group],
                            &refusal))
            return refused(vcpu, (enum control_group)group, &refusal);
        vcpu->absent[group] = wish.optional & ~wish.clear & ~vcpu->controls[group];
        vmcs_write(control_field[group], vcpu->controls[group], &failure);
    }
    if (!choose_cr3_targets(vcpu, policy))
        return false;
    vcpu->unpaged.active = false;
    vcpu->cr0_mask = policy->cr0_mask;
    vcpu->cr4_mask = policy->cr4_mask;
    vcpu->has_machine = policy->machine;

    cpuid_policy_set(&vcpu->cpuid, policy->cpuid);
    msr_policy_set(&vcpu->msrs, policy->msr_answers);
    msr_policy_intercept(policy->msr_bitmap);
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } state[] = {
        {VMCS_MSR_BITMAP, platform_physical(policy->msr_bitmap)},
        {VMCS_IO_BITMAP_A, platform_physical(policy->io_bitmap_a)},
        {VMCS_IO_BITMAP_B, platform_physical(policy->io_bitmap_b)},
        {VMCS_EPT_POINTER, vcpu->ept->pointer},
        {VMCS_EXCEPTION_BITMAP, policy->exception_bitmap | EXCEPTIONS_ALWAYS},
        {VMCS_PAGE_FAULT_ERROR_MASK, 0},
        {VMCS_PAGE_FAULT_ERROR_MATCH, 0},
        {VMCS_CR3_TARGET_COUNT, vcpu->cr3_target_count},
        {VMCS_EXIT_MSR_STORE_COUNT, 0},
        {VMCS_EXIT_MSR_LOAD_COUNT, 0},
        {VMCS_ENTRY_MSR_LOAD_COUNT, 0},
        {VMCS_HOST_RSP, (uintptr_t)vcpu + VCPU_FRAME_END},
    };
    for (unsigned i = 0; i < sizeof(state) / sizeof(state[0]); i++)
        vmcs_write(state[i].field, state[i].value, &failure);
    /* The CPU looks at no more than count; those that it has not got cannot be written. */
    for (uint32_t i = 0; i < vcpu->cr3_target_count; i++)
        vmcs_write(VMCS_CR3_TARGET_0 + 2 * i, policy->cr3_targets[i], &failure);
    if (vcpu->controls[CONTROL_SECONDARY] & SECONDARY_VPID)
        vmcs_write(VMCS_VIRTUAL_PROCESSOR_ID, vcpu->vpid, &failure);
    /* Supervisor state components that do not move with the guest are not its to save either. */
    if (vcpu->controls[CONTROL_SECONDARY] & SECONDARY_XSAVES)
        vmcs_write(VMCS_XSS_EXITING_BITMAP, ~vcpu->capability->xss, &failure);
    if (vcpu->controls[CONTROL_SECONDARY] & SECONDARY_PAUSE_LOOP_EXITING) {
        vmcs_write(VMCS_PLE_GAP, PLE_GAP, &failure);
        vmcs_write(VMCS_PLE_WINDOW, PLE_WINDOW, &failure);
    }
    apic_virtual_write(vcpu, &failure);
    write_path(vcpu, VCPU_PATH_OFF, &failure);
    write_time_limit(vcpu, 0, &failure);
    if (!vcpu_written(vcpu, failure))
        return false;
    platform_apic_is_guests(local_apic_is_hardware(&vcpu->apic), true);
    return true;
}

bool vcpu_part_is(struct vcpu *vcpu, enum vcpu_part part, bool whole)
{
    vcpu->unmade[part] = vcpu->stop;
    if (whole)
        vcpu->unmade[part] = (struct vcpu_stop){.cause = STOP_NONE};
    return whole;
}

/* False, with vcpu->stop, if something that was to be written for the guest was not. */
static bool is_whole(struct vcpu *vcpu)
{
    for (int part = 0; part < VCPU_PARTS; part++)
        if (vcpu->unmade[part].cause != STOP_NONE) {
            vcpu->stop = vcpu->unmade[part];
            return false;
        }
    return true;
}

bool vcpu_apply_policy(struct vcpu *vcpu, const struct vcpu_policy *policy)
{
    if (vcpu_bind(vcpu))
        return false;
    bool whole = apply(vcpu, policy);
    vcpu_part_is(vcpu, VCPU_PART_PATH, whole);
    vcpu_part_is(vcpu, VCPU_PART_TIME_LIMIT, whole);
    return vcpu_part_is(vcpu, VCPU_PART_POLICY, whole);
}

void vcpu_set_path(struct vcpu *vcpu, enum vcpu_path path)
{
    uint32_t failure = VMCS_NO_FIELD;

    write_path(vcpu, path, &failure);
    vcpu_part_is(vcpu, VCPU_PART_PATH, vcpu_written(vcpu, failure));
}

void vcpu_set_time_limit(struct vcpu *vcpu, uint64_t ticks)
{
    uint32_t failure = VMCS_NO_FIELD;

    write_time_limit(vcpu, ticks, &failure);
    vcpu_part_is(vcpu, VCPU_PART_TIME_LIMIT, vcpu_written(vcpu, failure));
}

static struct vcpu_stop entry_failure(enum vmx_failure failure)
{
    if (failure == VMX_FAIL_INVALID)
        return (struct vcpu_stop){.cause = STOP_ENTRY_INVALID};
    uint64_t error = vmx_instruction_error();
    return (struct vcpu_stop){
        .cause = STOP_ENTRY_VALID,
        .value = error,
        .text = vmx_instruction_error_name(error),
    };
}

/* The guest's mode may have changed without the core. */
static void follow_entry_controls(struct vcpu *vcpu)
{
    uint32_t failure = VMCS_NO_FIELD;
    uint64_t controls;

    if (vmcs_read(VMCS_ENTRY_CONTROLS, &controls, &failure))
        vcpu->controls[CONTROL_ENTRY] = (uint32_t)controls;
    else
        vcpu_written(vcpu, failure);
}

const struct vcpu_stop *vcpu_run(struct vcpu *vcpu)
{
    const struct vcpu_stop *refusal = vcpu_bind(vcpu);

    if (refusal)
        return refusal;
    if (!is_whole(vcpu))
        return &vcpu->stop;
    /* As the policy has it, on this CPU too. It may drop a kick: its wish is looked at behind. */
    platform_apic_is_guests(local_apic_is_hardware(&vcpu->apic), false);
    if (__atomic_exchange_n(&vcpu->kicked, false, __ATOMIC_ACQ_REL)) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_KICKED};
        return &vcpu->stop;
    }
    if (!vcpu_invalidate_stale(vcpu))
        return &vcpu->stop;
    if (vcpu->resident.cpu != platform_cpu_number() && !resident_take(vcpu))
        return &vcpu->stop;
    if (!event_begin(vcpu))
        return &vcpu->stop;
    enum vmx_failure failure = vmx_enter(vcpu);
    event_end(vcpu);

    if (failure != VMX_SUCCEED) {
        vcpu->stop = entry_failure(failure);
        entry_record_failure(vcpu->path, vcpu->stop.value);
    } else
        follow_entry_controls(vcpu);
    check_entry(vcpu);
    vcpu->launched = failure == VMX_SUCCEED && vcpu->stop.cause != STOP_ENTRY_FAILED;
    /* It may have been any entry of this run that failed: VMCLEAR makes the launch state known. */
    if (!vcpu->launched)
        vcpu_clear(vcpu);
    return &vcpu->stop;
}

/* In this order: what looks at the wish is a VM exit by the kick, or a vcpu_run() yet to come. */
void vcpu_kick(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->kicked, true, __ATOMIC_SEQ_CST);
    uint32_t cpu = __atomic_load_n(&vcpu->cpu, __ATOMIC_SEQ_CST);
    if (cpu != VCPU_UNBOUND && cpu != platform_cpu_number())
        platform_kick(cpu);
}
