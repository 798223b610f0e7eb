/* SPDX-License-Identifier: MIT */
#include "control_register.h"

#include "../vmx/event.h"
#include "advance.h"
#include "guest_mode.h"
#include "invalidation.h"
#include "unpaged.h"

/* Bits 31:0 that are not reserved; those that are ignore what is written to them (SDM Vol. 2B). */
#define CR0_DEFINED                                                                            \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
     CR0_PG)

/* Changes of these load the PDPTEs anew in PAE paging (SDM Vol. 3A 4.4.1). */
#define CR0_LOADS_PDPTES (CR0_CD | CR0_NW | CR0_PG)
#define CR4_LOADS_PDPTES (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)

/* Changes of these make translations invalid (SDM Vol. 3A 4.10.4.1), or what they allow. */
#define CR0_INVALIDATES (CR0_PE | CR0_WP | CR0_PG)
#define CR4_INVALIDATES \
    (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_CET)

/* Bits 62:61 of CR3 where CPUID says so; linear-address masking, SDM Vol. 3A 4.4. */
#define CR3_LAM             (3ull << 61)
#define CPUID_7_1_EAX_LAM   (1u << 26)
#define CR3_PDPT_ADDRESS    0xffffffe0ull
#define RIGHTS_TYPE         0xfu
#define RIGHTS_TYPE_TSS_286 3u /* busy; available is 1 */

static enum exit_outcome fault(struct vcpu *vcpu)
{
    return event_exception(vcpu, VECTOR_GP, 0);
}

static enum exit_outcome done(void)
{
    guest_advance();
    return EXIT_RESUME;
}

static uint64_t beyond_physical(const struct vcpu *vcpu)
{
    return ~0ull << vcpu->capability->physical_bits;
}

enum pdptes {
    PDPTES_LOADED,
    PDPTES_RESERVED, /* a reserved bit is set */
    PDPTES_ABSENT,   /* the table lies outside of guest memory */
};

/* From the table that CR3 points to into the VMCS, where the CPU looks for them under EPT. */
static enum pdptes load_pdptes(const struct vcpu *vcpu, uint64_t cr3)
{
    /* Reserved in an entry that is present: SDM Vol. 3A table 4-8. */
    const uint64_t reserved = beyond_physical(vcpu) | 0x1e6;
    uint64_t host, entries[4];

    if (!ept_translate(vcpu->ept, cr3 & CR3_PDPT_ADDRESS, &host))
        return PDPTES_ABSENT;
    const volatile uint64_t *table = platform_at(host); /* another vCPU may be writing */
    for (int i = 0; i < 4; i++) {
        entries[i] = table[i];
        if (entries[i] & 1 && entries[i] & reserved)
            return PDPTES_RESERVED;
    }
    for (int i = 0; i < 4; i++)
        vmwrite((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), entries[i]);
    return PDPTES_LOADED;
}

static enum exit_outcome pdptes_failed(struct vcpu *vcpu, enum pdptes result, uint64_t cr3)
{
    if (result == PDPTES_RESERVED)
        return fault(vcpu);
    return vcpu_stop(vcpu, STOP_UNHANDLED, cr3, "CR3: PDPTEs outside of guest memory");
}

/* Whether PG may change; where it may, LMA is to follow it. */
static bool paging_may_change(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    if (cr0 & CR0_PG) {
        if (!(efer & EFER_LME))
            return true;
        uint64_t task_state = vmread(VMCS_GUEST_TR_ACCESS_RIGHTS) & RIGHTS_TYPE;
        return cr4 & CR4_PAE && !(vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_LONG) &&
               task_state > RIGHTS_TYPE_TSS_286;
    }
    return !(cr4 & CR4_PCIDE) && !guest_in_64_bit_mode();
}

/* EFER.LMA, and the VM-entry control that must agree with it (SDM Vol. 3C 27.3.1.1). */
static void set_long_mode_active(struct vcpu *vcpu, uint64_t efer)
{
    uint64_t controls = vmread(VMCS_ENTRY_CONTROLS) & ~(uint64_t)ENTRY_IA32E_GUEST;

    if (efer & EFER_LMA)
        controls |= ENTRY_IA32E_GUEST;
    vcpu->controls[CONTROL_ENTRY] = (uint32_t)controls;
    vmwrite(VMCS_ENTRY_CONTROLS, controls);
    guest_set_efer(vcpu, efer);
}

enum exit_outcome cr0_load(struct vcpu *vcpu, uint64_t value)
{
    bool unrestricted = vcpu_is_unrestricted(vcpu);
    uint64_t old = guest_cr0(), cr4 = guest_cr4(), efer = guest_efer(vcpu);
    uint64_t fixed = vcpu->capability->cr0_fixed0;

    if (value >> 32 || (value & CR0_PG && !(value & CR0_PE)) ||
        (value & CR0_NW && !(value & CR0_CD)) || (cr4 & CR4_CET && !(value & CR0_WP)))
        return fault(vcpu);
    value = (value & CR0_DEFINED) | CR0_ET;
    uint64_t changed = old ^ value;
    if (changed & CR0_PG && !paging_may_change(value, cr4, efer))
        return fault(vcpu);
    if (unrestricted)
        fixed &= ~(CR0_PE | CR0_PG);
    else if (!(value & CR0_PE) || (!(value & CR0_PG) && !vcpu->unpaged.identity_map))
        return vcpu_stop(vcpu, STOP_UNHANDLED, value,
                         "CR0: PE or PG cleared, and this vCPU is no unrestricted guest");
    if (changed & CR0_PG)
        efer = value & CR0_PG && efer & EFER_LME ? efer | EFER_LMA : efer & ~EFER_LMA;
    if (changed & CR0_LOADS_PDPTES && value & CR0_PG && cr4 & CR4_PAE && !(efer & EFER_LMA)) {
        uint64_t cr3 = guest_cr3(vcpu);
        enum pdptes result = load_pdptes(vcpu, cr3);
        if (result != PDPTES_LOADED)
            return pdptes_failed(vcpu, result, cr3);
    }

    vmwrite(VMCS_GUEST_CR0, (value & ~(CR0_CD | CR0_NW)) | fixed);
    vmwrite(VMCS_CR0_SHADOW, value);
    if (changed & CR0_PG && !unrestricted)
        (value & CR0_PG ? unpaged_end : unpaged_begin)(vcpu);
    if (changed & CR0_PG)
        set_long_mode_active(vcpu, efer);
    if (changed & CR0_INVALIDATES)
        guest_invalidate_all(vcpu);
    return done();
}

enum exit_outcome cr4_load(struct vcpu *vcpu, uint64_t value)
{
    const struct vmx_capability *capability = vcpu->capability;
    bool long_mode = vmread(VMCS_GUEST_EFER) & EFER_LMA;
    uint64_t cr0 = guest_cr0(), cr3 = guest_cr3(vcpu), changed = guest_cr4() ^ value;

    /* CPUID shows the guest neither VMX nor SMX, so their bits are reserved. */
    if (value & (~capability->cr4_fixed1 | CR4_VMXE | CR4_SMXE))
        return fault(vcpu);
    if (long_mode && (!(value & CR4_PAE) || changed & CR4_LA57))
        return fault(vcpu);
    if (value & CR4_PCIDE && (!long_mode || (changed & CR4_PCIDE && cr3 & CR3_PCID)))
        return fault(vcpu);
    if (value & CR4_CET && !(cr0 & CR0_WP))
        return fault(vcpu);
    if (changed & CR4_LOADS_PDPTES && cr0 & CR0_PG && value & CR4_PAE && !long_mode) {
        enum pdptes result = load_pdptes(vcpu, cr3);
        if (result != PDPTES_LOADED)
            return pdptes_failed(vcpu, result, cr3);
    }

    guest_set_cr4(vcpu, value);
    if (changed & CR4_INVALIDATES)
        guest_invalidate_all(vcpu);
    return done();
}

enum exit_outcome cr3_load(struct vcpu *vcpu, uint64_t value)
{
    uint64_t cr0 = guest_cr0(), cr4 = guest_cr4(), reserved = beyond_physical(vcpu);
    bool long_mode = vmread(VMCS_GUEST_EFER) & EFER_LMA, keep = false;

    if (cr4 & CR4_PCIDE) {
        keep = value & CR3_NO_FLUSH;
        value &= ~CR3_NO_FLUSH;
    }
    if (value & CR3_LAM && x86_cpuid(7, 1).eax & CPUID_7_1_EAX_LAM)
        reserved &= ~CR3_LAM;
    if (value & reserved)
        return fault(vcpu);
    if (cr0 & CR0_PG && cr4 & CR4_PAE && !long_mode) {
        enum pdptes result = load_pdptes(vcpu, value);
        if (result != PDPTES_LOADED)
            return pdptes_failed(vcpu, result, value);
    }

    guest_set_cr3(vcpu, value);
    if (!keep)
        guest_invalidate_non_global(vcpu);
    return done();
}
