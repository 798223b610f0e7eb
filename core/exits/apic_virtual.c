/* SPDX-License-Identifier: MIT */
#include "apic_virtual.h"

#include "../vmx/dispatch.h"
#include "apic_mmio.h"
#include "apic_registers.h"
#include "mmio.h"

#define CR8_EXITING (PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING)
#define VIRTUALIZATION                                                  \
    (SECONDARY_VIRTUALIZE_APIC_ACCESSES | SECONDARY_VIRTUALIZE_X2APIC | \
     SECONDARY_APIC_REGISTER_VIRTUALIZATION | SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)

#define NEEDS_TPR_SHADOW                                                    \
    (SECONDARY_VIRTUALIZE_X2APIC | SECONDARY_APIC_REGISTER_VIRTUALIZATION | \
     SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)

/* Quarters of the MSR bitmap, SDM Vol. 3C 25.6.9. */
#define BITMAP_READ_LOW  0u
#define BITMAP_WRITE_LOW 2048u

static bool exits(const uint8_t *quarter, uint32_t msr)
{
    return quarter[msr / 8] >> msr % 8 & 1;
}

/* What does not exit and the CPU does on the page, SDM Vol. 3C 30.5. */
static bool is_virtualized(uint32_t controls, uint32_t msr, bool write)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (!(controls & SECONDARY_VIRTUALIZE_X2APIC) || number >= LOCAL_APIC_REGISTERS)
        return false;
    if (number == APIC_TPR)
        return true;
    if (!write)
        return controls & SECONDARY_APIC_REGISTER_VIRTUALIZATION;
    return controls & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY &&
           (number == APIC_EOI || number == APIC_SELF_IPI);
}

static bool passes(const uint8_t *bitmap, uint32_t controls, uint32_t msr)
{
    return (!exits(bitmap + BITMAP_READ_LOW, msr) && !is_virtualized(controls, msr, false)) ||
           (!exits(bitmap + BITMAP_WRITE_LOW, msr) && !is_virtualized(controls, msr, true));
}

static bool any_passes(const uint8_t *bitmap, uint32_t controls)
{
    bool any = passes(bitmap, 0, IA32_APIC_BASE) || passes(bitmap, 0, IA32_TSC_DEADLINE);

    for (uint32_t i = 0; i < LOCAL_APIC_REGISTERS; i++)
        any |= passes(bitmap, controls, X2APIC_MSR_FIRST + i);
    return any;
}

/* Of the rules of SDM Vol. 3C 27.2.1.1 that a policy breaks, the first; a VM entry would VMfail. */
static const char *broken_rule(uint32_t pin_based, uint32_t primary, uint32_t secondary)
{
    if (!(primary & PRIMARY_TPR_SHADOW) && secondary & NEEDS_TPR_SHADOW)
        return "APIC virtualization, without TPR shadow";
    if (secondary & SECONDARY_VIRTUALIZE_X2APIC && secondary & SECONDARY_VIRTUALIZE_APIC_ACCESSES)
        return "virtualize x2APIC mode, and virtualize APIC accesses with it";
    if (secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY &&
        !(pin_based & PIN_BASED_EXTERNAL_INTERRUPT_EXITING))
        return "virtual-interrupt delivery, without external-interrupt exiting";
    return NULL;
}

bool apic_virtual_choose(struct vcpu *vcpu, const struct vcpu_policy *policy,
                         struct control_wish *primary)
{
    uint32_t secondary = policy->controls[CONTROL_SECONDARY].set;
    const char *broken =
        broken_rule(vcpu->controls[CONTROL_PIN_BASED], policy->controls[CONTROL_PRIMARY].set,
                    secondary & ~policy->controls[CONTROL_SECONDARY].clear);

    vcpu->apic.attention &= ~LOCAL_APIC_HARDWARE;
    if (broken) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_CONTROL_REFUSED, .text = broken};
        return false;
    }
    if (secondary & SECONDARY_VIRTUALIZE_APIC_ACCESSES && !vcpu->apic_access_page) {
        vcpu->stop = (struct vcpu_stop){
            .cause = STOP_CONTROL_REFUSED,
            .text = "virtualize APIC accesses, with no page mapped for them",
        };
        return false;
    }
    if (!policy->machine && !any_passes(policy->msr_bitmap, secondary)) {
        if (!(primary->set & PRIMARY_TPR_SHADOW))
            primary->set |= CR8_EXITING;
        return true;
    }
    if (primary->set & PRIMARY_TPR_SHADOW || secondary & VIRTUALIZATION) {
        vcpu->stop = (struct vcpu_stop){
            .cause = STOP_CONTROL_REFUSED,
            .text = "APIC virtualization, while MSRs of the CPU's own local APIC (0x1b, 0x6e0, "
                    "0x800-0x83f) pass through",
        };
        return false;
    }
    vcpu->apic.attention |= LOCAL_APIC_HARDWARE;
    return true;
}

static uint64_t interrupt_status(const struct local_apic *apic)
{
    int requested = apic_highest(apic, APIC_IRR), in_service = apic_highest(apic, APIC_ISR);

    return (in_service < 0 ? 0 : (uint64_t)in_service << 8) |
           (requested < 0 ? 0 : (uint64_t)requested);
}

void apic_virtual_write(struct vcpu *vcpu, uint32_t *failure)
{
    struct local_apic *apic = &vcpu->apic;
    uint32_t secondary = vcpu->controls[CONTROL_SECONDARY];

    if (secondary & SECONDARY_VIRTUALIZE_APIC_ACCESSES)
        vmcs_write(VMCS_APIC_ACCESS_PAGE, vcpu->apic_access_page, failure);
    if (!(vcpu->controls[CONTROL_PRIMARY] & PRIMARY_TPR_SHADOW))
        return;
    apic->threshold = 0;
    vmcs_write(VMCS_VIRTUAL_APIC_PAGE, platform_physical(apic->page), failure);
    vmcs_write(VMCS_TPR_THRESHOLD, 0, failure);
    if (!(secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY))
        return;
    for (int i = 0; i < 4; i++) /* none is level-triggered */
        vmcs_write((enum vmcs_field)(VMCS_EOI_EXIT_0 + 2 * i), 0, failure);
    vmcs_write(VMCS_GUEST_INTERRUPT_STATUS, interrupt_status(apic), failure);
}

/*
 * The guest's TPR falls below the class of an interrupt that it holds back. Above it there is no
 * threshold to have: VM entry wants one that the TPR is not below (27.2.1.1).
 */
static uint32_t threshold(const struct local_apic *apic)
{
    int requested = apic_highest(apic, APIC_IRR);
    uint32_t class = requested < 0 ? 0 : (uint32_t)requested >> 4;

    return class <= local_apic_priority(apic) ? class : 0;
}

/*
 * Outside x2APIC mode its registers are no MSRs, but the CPU would virtualize what passes all the
 * same: then no MSR passes.
 */
static void follow_mode(struct vcpu *vcpu)
{
    uint32_t *controls = &vcpu->controls[CONTROL_PRIMARY];
    bool x2apic = apic_in_x2apic_mode(&vcpu->apic);

    if (!(vcpu->controls[CONTROL_SECONDARY] & SECONDARY_VIRTUALIZE_X2APIC) ||
        x2apic == !!(*controls & PRIMARY_MSR_BITMAPS))
        return;
    *controls ^= PRIMARY_MSR_BITMAPS;
    vmwrite(VMCS_PRIMARY_CONTROLS, *controls);
}

void apic_virtual_prepare(struct vcpu *vcpu)
{
    if (!(vcpu->controls[CONTROL_PRIMARY] & PRIMARY_TPR_SHADOW))
        return;
    follow_mode(vcpu);
    if (apic_virtual_delivers(vcpu)) {
        vmwrite(VMCS_GUEST_INTERRUPT_STATUS, interrupt_status(&vcpu->apic));
        return;
    }
    uint32_t value = threshold(&vcpu->apic);
    if (value == vcpu->apic.threshold)
        return;
    vcpu->apic.threshold = value;
    vmwrite(VMCS_TPR_THRESHOLD, value);
}

/* The instruction that wrote the TPR is complete. */
enum exit_outcome exit_tpr_below_threshold(struct vcpu *vcpu)
{
    (void)vcpu;
    return EXIT_EVENTS;
}

/* The EOI is complete. No bit of the EOI-exit bitmap is set, for there is no one to be told. */
enum exit_outcome exit_virtualized_eoi(struct vcpu *vcpu)
{
    PROBE_DETAIL(vmread(VMCS_EXIT_QUALIFICATION));
    (void)vcpu;
    return EXIT_EVENTS;
}

/* The page has been written, and the instruction is complete; what the register does is not. */
enum exit_outcome exit_apic_write(struct vcpu *vcpu)
{
    uint32_t offset = (uint32_t)vmread(VMCS_EXIT_QUALIFICATION) & 0xfff;

    PROBE_DETAIL(offset);
    local_apic_page_written(&vcpu->apic, offset);
    return EXIT_EVENTS;
}

/* Exit qualification of an APIC access, SDM Vol. 3C table 28-6. */
#define ACCESS_OFFSET(qualification) ((qualification)&0xfff)
#define ACCESS_TYPE(qualification)   ((unsigned)((qualification) >> 12) & 0xf)
#define ACCESS_READ                  0u /* by an instruction, at a linear address */
#define ACCESS_WRITE                 1u

/* What the CPU does not virtualize is emulated, or stops the guest, by what it tried. */
enum exit_outcome exit_apic_access(struct vcpu *vcpu)
{
    static const char *const types[16] = {
        [2] = "local APIC's page: instruction fetch",
        [3] = "local APIC's page: access while an event is delivered",
        [10] = "local APIC's page: guest-physical access while an event is delivered",
        [15] = "local APIC's page: guest-physical access of an instruction",
    };
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    unsigned type = ACCESS_TYPE(qualification);

    PROBE_DETAIL(qualification);
    if (type == ACCESS_READ || type == ACCESS_WRITE) {
        const struct mmio_range page = {
            .first = vcpu->apic.base & ~(PAGE_SIZE - 1),
            .bytes = PAGE_SIZE,
            .handler = apic_mmio,
        };
        return exit_mmio(vcpu, &page, page.first + ACCESS_OFFSET(qualification),
                         VIOLATION_LINEAR | VIOLATION_FINAL | VIOLATION_OFFSET_ALONE |
                             (type == ACCESS_READ ? VIOLATION_READ : VIOLATION_WRITE));
    }
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_UNHANDLED, qualification,
                     types[type] ? types[type]
                                 : "local APIC's page: access that the SDM does not define");
}
