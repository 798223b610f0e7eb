/* SPDX-License-Identifier: MIT */
#include "unpaged.h"

#include "guest_mode.h"

/* Page-directory entry of a 4 MiB page: present, writable, user, accessed, dirty, PS. */
#define ENTRY_FLAGS 0xe7u
#define ENTRIES     1024u

/* Bits of CR4 that decide on translations; the CPU gets PSE of them. */
#define CR4_TRANSLATES (CR4_PSE | CR4_PAE | CR4_SMEP | CR4_SMAP)

#define PRIMARY_SET ((uint32_t)(PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING))
/* EFER.LME must be clear under this map, and may not be changed: so all MSRs exit. */
#define PRIMARY_CLEARED ((uint32_t)PRIMARY_MSR_BITMAPS)

bool unpaged_prepare(struct vcpu *vcpu, uint64_t identity_map)
{
    uint64_t host;

    if (identity_map % PAGE_SIZE || identity_map > UINT32_MAX ||
        !ept_reach(vcpu->ept, identity_map, EPT_WRITE, &host))
        return false;
    uint32_t *directory = platform_at(host);
    for (uint32_t i = 0; i < ENTRIES; i++)
        directory[i] = i << 22 | ENTRY_FLAGS;
    vcpu->unpaged.identity_map = identity_map;
    return true;
}

static void write_primary(struct vcpu *vcpu, uint32_t value)
{
    vcpu->controls[CONTROL_PRIMARY] = value;
    vmwrite(VMCS_PRIMARY_CONTROLS, value);
}

void unpaged_begin(struct vcpu *vcpu)
{
    uint32_t primary = vcpu->controls[CONTROL_PRIMARY];
    uint64_t cr4 = guest_cr4();

    vcpu->unpaged.active = true;
    vcpu->unpaged.policy = primary & (PRIMARY_SET | PRIMARY_CLEARED);
    vcpu->unpaged.cr3 = vmread(VMCS_GUEST_CR3);
    write_primary(vcpu, (primary | PRIMARY_SET) & ~PRIMARY_CLEARED);
    vmwrite(VMCS_GUEST_CR3, vcpu->unpaged.identity_map);
    /* The guest's CR3 is not the CPU's: a target value must exit like any other. */
    if (vcpu->cr3_target_count)
        vmwrite(VMCS_CR3_TARGET_COUNT, 0);
    vmwrite(VMCS_CR4_MASK, vmread(VMCS_CR4_MASK) | CR4_TRANSLATES);
    guest_set_cr4(vcpu, cr4);
    guest_set_efer(vcpu, vmread(VMCS_GUEST_EFER));
}

void unpaged_end(struct vcpu *vcpu)
{
    if (!vcpu->unpaged.active)
        return;
    uint64_t cr4 = guest_cr4();
    vcpu->unpaged.active = false;
    write_primary(vcpu, (vcpu->controls[CONTROL_PRIMARY] & ~(PRIMARY_SET | PRIMARY_CLEARED)) |
                            vcpu->unpaged.policy);
    vmwrite(VMCS_GUEST_CR3, vcpu->unpaged.cr3);
    if (vcpu->cr3_target_count)
        vmwrite(VMCS_CR3_TARGET_COUNT, vcpu->cr3_target_count);
    vmwrite(VMCS_CR4_MASK, vmread(VMCS_CR4_MASK) & ~(CR4_TRANSLATES & ~(uint64_t)vcpu->cr4_mask));
    guest_set_cr4(vcpu, cr4);
    guest_set_efer(vcpu, vcpu->unpaged.efer);
}

uint64_t guest_cr3(const struct vcpu *vcpu)
{
    return vcpu->unpaged.active ? vcpu->unpaged.cr3 : vmread(VMCS_GUEST_CR3);
}

void guest_set_cr3(struct vcpu *vcpu, uint64_t value)
{
    if (vcpu->unpaged.active)
        vcpu->unpaged.cr3 = value;
    else
        vmwrite(VMCS_GUEST_CR3, value);
}

void guest_set_cr4(struct vcpu *vcpu, uint64_t value)
{
    vmwrite(VMCS_CR4_SHADOW, value);
    if (vcpu->unpaged.active)
        value = (value & ~CR4_TRANSLATES) | CR4_PSE;
    vmwrite(VMCS_GUEST_CR4, value | vcpu->capability->cr4_fixed0);
}

uint64_t guest_efer(const struct vcpu *vcpu)
{
    return vcpu->unpaged.active ? vcpu->unpaged.efer : vmread(VMCS_GUEST_EFER);
}

void guest_set_efer(struct vcpu *vcpu, uint64_t value)
{
    if (vcpu->unpaged.active) {
        vcpu->unpaged.efer = value;
        value &= ~(EFER_LME | EFER_LMA);
    }
    vmwrite(VMCS_GUEST_EFER, value);
}
