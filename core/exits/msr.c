/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR. An intercepted access has the effect the guest would have seen without the
 * intercept: MSRs that a VMCS holds for the guest are accessed there, the x2APIC's registers in the
 * guest's local APIC, what tells of VMX is refused as on a CPU without it, and all others are the
 * CPU's own, faults included, but for those that the policy has answered otherwise (msr_policy.h).
 */
#include "../x86/msr.h"
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "../x86/canonical.h"
#include "../x86/control_registers.h"
#include "apic_timer.h"
#include "edx_eax.h"
#include "guest_mode.h"
#include "unpaged.h"

static const uint32_t vmcs_field_of[MSR_CLASSES] = {
    [MSR_SYSENTER_CS] = VMCS_GUEST_SYSENTER_CS,
    [MSR_SYSENTER_ESP] = VMCS_GUEST_SYSENTER_ESP,
    [MSR_SYSENTER_EIP] = VMCS_GUEST_SYSENTER_EIP,
    [MSR_DEBUGCTL] = VMCS_GUEST_DEBUGCTL,
    [MSR_PAT] = VMCS_GUEST_PAT,
    [MSR_EFER] = VMCS_GUEST_EFER,
    [MSR_FS_BASE] = VMCS_GUEST_FS_BASE,
    [MSR_GS_BASE] = VMCS_GUEST_GS_BASE,
};

/* Those of the local APIC, whichever the guest has. */
static bool is_of_apic(enum msr_class class)
{
    return class >= MSR_LOCAL_APIC && class <= MSR_TPR;
}

static enum msr_class class_of(const struct vcpu *vcpu, uint32_t msr)
{
    if (msr < MSR_RANGE)
        return vcpu->msrs.low[msr];
    msr -= MSR_HIGH;
    return msr < MSR_RANGE ? vcpu->msrs.high[msr] : MSR_HARDWARE;
}

static enum exit_outcome apic_access(struct vcpu *vcpu, enum local_apic_result result,
                                     const uint64_t *read)
{
    switch (result) {
    case LOCAL_APIC_DONE:
        if (read)
            return complete_read(vcpu, *read);
        guest_advance();
        return EXIT_RESUME;
    case LOCAL_APIC_EVENTS:
        guest_advance();
        return EXIT_EVENTS;
    default:
        return event_exception(vcpu, VECTOR_GP, 0);
    }
}

static enum exit_outcome read_hardware(struct vcpu *vcpu, uint32_t msr)
{
    uint32_t low, high;

    PROBE_COUNT(msr_accesses);
    if (!x86_rdmsr_checked(msr, &low, &high))
        return event_exception(vcpu, VECTOR_GP, 0);
    return complete_read(vcpu, (uint64_t)high << 32 | low);
}

static enum exit_outcome write_hardware(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    PROBE_COUNT(msr_accesses);
    if (!x86_wrmsr_checked(msr, (uint32_t)value, (uint32_t)(value >> 32)))
        return event_exception(vcpu, VECTOR_GP, 0);
    guest_advance();
    return EXIT_RESUME;
}

static __attribute__((noinline)) enum exit_outcome read_zero(struct vcpu *vcpu)
{
    return complete_read(vcpu, 0);
}

static __attribute__((noinline)) enum exit_outcome read_special(struct vcpu *vcpu, uint32_t msr,
                                                                enum msr_class class)
{
    uint64_t value = 0;
    enum local_apic_result result;

    if (is_of_apic(class) && local_apic_is_hardware(&vcpu->apic))
        return read_hardware(vcpu, msr);
    switch (class) {
    case MSR_APIC_BASE:
        return complete_read(vcpu, vcpu->apic.base);
    case MSR_TSC_DEADLINE:
        result = local_apic_read_deadline(&vcpu->apic, &value);
        return apic_access(vcpu, result, &value);
    case MSR_LOCAL_APIC:
    case MSR_TPR:
        result = local_apic_read(&vcpu->apic, msr, &value);
        return apic_access(vcpu, result, &value);
    case MSR_REFUSED:
        return event_exception(vcpu, VECTOR_GP, 0);
    case MSR_EFER:
        return complete_read(vcpu, guest_efer(vcpu));
    case MSR_ZERO:
        return read_zero(vcpu);
    default:
        return complete_read(vcpu, vmread(vmcs_field_of[class]));
    }
}

enum exit_outcome exit_rdmsr(struct vcpu *vcpu)
{
    uint32_t msr = (uint32_t)vcpu->rcx, low, high;
    enum msr_class class = class_of(vcpu, msr);

    PROBE_DETAIL(msr);
    if (class != MSR_HARDWARE)
        return read_special(vcpu, msr, class);
    PROBE_COUNT(msr_accesses);
    if (!x86_rdmsr_checked(msr, &low, &high))
        return event_exception(vcpu, VECTOR_GP, 0);
    vcpu->rax = low;
    vcpu->rdx = high;
    guest_advance();
    return EXIT_RESUME;
}

/* Each byte of IA32_PAT is a memory type: 0, 1, 4, 5, 6 or 7 (SDM Vol. 3A 12.12.2). */
static bool pat_is_valid(uint64_t pat)
{
    for (int i = 0; i < 64; i += 8) {
        uint8_t type = (uint8_t)(pat >> i);
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

/* LMA is the CPU's to set, LME may not change under paging, other bits are reserved. */
static bool efer_merge(const struct vcpu *vcpu, uint64_t *value)
{
    const uint64_t writable = EFER_SCE | EFER_LME | EFER_NXE;
    uint64_t old = guest_efer(vcpu);

    if (*value & ~(writable | EFER_LMA))
        return false;
    if ((*value ^ old) & EFER_LME && guest_cr0() & CR0_PG)
        return false;
    *value = (*value & writable) | (old & EFER_LMA);
    return true;
}

/* What a VMCS field keeps, or nothing. */
static __attribute__((noinline)) enum exit_outcome write_kept(struct vcpu *vcpu,
                                                              enum msr_class class, uint64_t value)
{
    bool valid = true;

    switch (class) {
    case MSR_SYSENTER_CS:
        value = (uint32_t)value;
        break;
    case MSR_DEBUGCTL:
        valid = !(value & ~3ull); /* LBR and BTF; the rest needs what the guest has not got */
        break;
    case MSR_PAT:
        valid = pat_is_valid(value);
        break;
    case MSR_EFER:
        valid = efer_merge(vcpu, &value);
        break;
    case MSR_ZERO:
        guest_advance();
        return EXIT_RESUME;
    default:
        valid = is_canonical(value, LINEAR_WIDTH_4);
        break;
    }
    if (!valid)
        return event_exception(vcpu, VECTOR_GP, 0);
    if (class == MSR_EFER)
        guest_set_efer(vcpu, value);
    else
        vmwrite(vmcs_field_of[class], value);
    guest_advance();
    return EXIT_RESUME;
}

/* The CPU's own, of a guest that has the machine, would lie over memory, the core's too. */
static bool moves_apic(const struct vcpu *vcpu, uint64_t value)
{
    if (!vcpu->has_machine)
        return false;
    PROBE_COUNT(msr_accesses);
    return (value ^ x86_rdmsr(IA32_APIC_BASE)) & APIC_BASE_ADDRESS;
}

static __attribute__((noinline)) enum exit_outcome
write_special(struct vcpu *vcpu, uint32_t msr, enum msr_class class, uint64_t value)
{
    struct local_apic *apic = &vcpu->apic;

    if (class == MSR_APIC_BASE && moves_apic(vcpu, value))
        return event_exception(vcpu, VECTOR_GP, 0);
    if (is_of_apic(class) && local_apic_is_hardware(apic))
        return write_hardware(vcpu, msr, value);
    switch (class) {
    case MSR_APIC_BASE:
        return apic_access(
            vcpu, local_apic_write_base(apic, value, vcpu->capability->physical_bits), NULL);
    case MSR_TSC_DEADLINE:
        return apic_access(vcpu, local_apic_write_deadline(apic, value), NULL);
    case MSR_LOCAL_APIC:
    case MSR_TPR:
        return apic_access(vcpu, local_apic_write(apic, msr, value), NULL);
    case MSR_REFUSED:
        return event_exception(vcpu, VECTOR_GP, 0);
    default:
        return write_kept(vcpu, class, value);
    }
}

enum exit_outcome exit_wrmsr(struct vcpu *vcpu)
{
    uint32_t msr = (uint32_t)vcpu->rcx;
    enum msr_class class = class_of(vcpu, msr);

    PROBE_DETAIL(msr);
    if (class == MSR_HARDWARE) {
        PROBE_COUNT(msr_accesses);
        if (!x86_wrmsr_checked(msr, (uint32_t)vcpu->rax, (uint32_t)vcpu->rdx))
            return event_exception(vcpu, VECTOR_GP, 0);
        guest_advance();
        return EXIT_RESUME;
    }
    uint64_t value = edx_eax(vcpu);
    if (class == MSR_TPR && local_apic_set_tpr(&vcpu->apic, value)) {
        guest_advance();
        return EXIT_RESUME;
    }
    return write_special(vcpu, msr, class, value);
}
