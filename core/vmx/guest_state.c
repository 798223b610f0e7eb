/* SPDX-License-Identifier: MIT */
/* The guest-state area for a guest that starts, by mode (SDM Vol. 3C 25.4, checks 27.3.1). */
#include "../exits/invalidation.h"
#include "../exits/request.h"
#include "../exits/unpaged.h"
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"

/* Access rights, SDM Vol. 3C table 25-2. */
#define RIGHTS_CODE_64  0xa09bu /* accessed execute/read code, present, L, 4 KiB granularity */
#define RIGHTS_CODE_32  0xc09bu /* ... D in place of L */
#define RIGHTS_CODE_16  0x009bu /* ... neither, byte granularity */
#define RIGHTS_DATA     0xc093u /* accessed read/write data, present, B, 4 KiB granularity */
#define RIGHTS_DATA_16  0x0093u /* ... without B, byte granularity */
#define RIGHTS_TSS      0x008bu /* busy 32-bit TSS, which in IA-32e mode is a 64-bit one; present */
#define RIGHTS_LDT      0x0082u /* present */
#define RIGHTS_UNUSABLE 0x10000u

#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u

/* Memory types of IA32_PAT after RESET: WB, WT, UC-, UC, twice. */
#define PAT_RESET 0x0007040600070406ull

#define NO_LINK UINT64_MAX /* VMCS link pointer */

struct segment {
    uint16_t selector;
    uint32_t limit;
    uint32_t rights;
};

/* What differs from mode to mode; control registers as the guest reads them. */
static const struct mode {
    uint64_t cr0, cr4, efer;
    struct segment code, data, ldtr, tr;
    uint16_t table_limit; /* of GDTR and IDTR */
} modes[VCPU_MODES] = {
    [VCPU_LONG] = {.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
                   .cr4 = CR4_PAE,
                   .efer = EFER_LME | EFER_LMA,
                   .code = {SELECTOR_CODE, UINT32_MAX, RIGHTS_CODE_64},
                   .data = {SELECTOR_DATA, UINT32_MAX, RIGHTS_DATA},
                   .ldtr = {0, 0, RIGHTS_UNUSABLE},
                   .tr = {0, 0x67, RIGHTS_TSS}},
    [VCPU_PROTECTED] = {.cr0 = CR0_PE | CR0_ET,
                        .code = {SELECTOR_CODE, UINT32_MAX, RIGHTS_CODE_32},
                        .data = {SELECTOR_DATA, UINT32_MAX, RIGHTS_DATA},
                        .ldtr = {0, 0, RIGHTS_UNUSABLE},
                        .tr = {0, 0x67, RIGHTS_TSS}},
    /* As RESET and INIT leave it (SDM Vol. 3A table 10-1), but with the caches on. */
    [VCPU_REAL] = {.cr0 = CR0_ET,
                   .code = {0, UINT16_MAX, RIGHTS_CODE_16},
                   .data = {0, UINT16_MAX, RIGHTS_DATA_16},
                   .ldtr = {0, UINT16_MAX, RIGHTS_LDT},
                   .tr = {0, UINT16_MAX, RIGHTS_TSS},
                   .table_limit = UINT16_MAX},
};

static void write_segment(int index, const struct segment *segment, uint32_t *failure)
{
    /* The fields of one kind are two apart, in the order ES CS SS DS FS GS LDTR TR. */
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * index), segment->selector, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * index), 0, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * index), segment->limit, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index), segment->rights,
               failure);
}

static void write_segments(const struct mode *mode, const struct vcpu_start *start,
                           uint32_t *failure)
{
    const struct segment *const segments[8] = {&mode->data, &mode->code, &mode->data, &mode->data,
                                               &mode->data, &mode->data, &mode->ldtr, &mode->tr};

    for (int i = 0; i < 8; i++)
        write_segment(i, segments[i], failure);
    if (start->mode == VCPU_REAL) {
        vmcs_write(VMCS_GUEST_CS_SELECTOR, start->cs, failure);
        vmcs_write(VMCS_GUEST_CS_BASE, (uint64_t)start->cs << 4, failure);
    }
}

/* Why the mode cannot be had with the controls in force; NULL if it can. */
static const char *refusal(struct vcpu *vcpu, const struct vcpu_start *start)
{
    uint64_t cr0 = modes[start->mode].cr0;

    vcpu->unpaged = (struct unpaged){0};
    if (vcpu_is_unrestricted(vcpu))
        return NULL;
    if (!(cr0 & CR0_PE))
        return "a start in real mode takes the control \"unrestricted guest\"";
    if (start->identity_map && !unpaged_prepare(vcpu, start->identity_map))
        return "the page for an identity map is no page of guest memory below 4 GiB";
    if (!(cr0 & CR0_PG) && !start->identity_map)
        return "a start without paging takes the control \"unrestricted guest\" or a page for an "
               "identity map";
    return NULL;
}

static bool put(struct vcpu *vcpu, const struct vcpu_start *start)
{
    const struct mode *mode = &modes[start->mode];
    uint32_t failure = VMCS_NO_FIELD;
    uint64_t cr0_fixed = vcpu->capability->cr0_fixed0, cr4_fixed = vcpu->capability->cr4_fixed0;

    unpaged_end(vcpu);
    request_drop(vcpu);
    const char *refused = refusal(vcpu, start);
    if (refused) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_START_REFUSED, .text = refused};
        return false;
    }
    /* An unrestricted guest may clear these two, and then without a VM exit. */
    if (vcpu_is_unrestricted(vcpu))
        cr0_fixed &= ~(CR0_PE | CR0_PG);

    write_segments(mode, start, &failure);
    vcpu->controls[CONTROL_ENTRY] &= ~(uint32_t)ENTRY_IA32E_GUEST;
    if (mode->efer & EFER_LMA)
        vcpu->controls[CONTROL_ENTRY] |= ENTRY_IA32E_GUEST;
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } state[] = {
        {VMCS_ENTRY_CONTROLS, vcpu->controls[CONTROL_ENTRY]},
        {VMCS_GUEST_CR0, mode->cr0 | cr0_fixed},
        {VMCS_CR0_MASK,
         cr0_fixed | CR0_CD | CR0_NW /* exits/control_register.h says why */ | vcpu->cr0_mask},
        {VMCS_CR0_SHADOW, mode->cr0},
        {VMCS_GUEST_CR3, start->cr3},
        {VMCS_GUEST_CR4, mode->cr4 | cr4_fixed},
        {VMCS_CR4_MASK,
         /* VMXE: set for the CPU, clear to the guest's eyes */
         cr4_fixed | CR4_SMXE | vcpu->cr4_mask},
        {VMCS_CR4_SHADOW, mode->cr4},
        {VMCS_GUEST_EFER, mode->efer},
        {VMCS_GUEST_PAT, PAT_RESET},
        {VMCS_GUEST_DEBUGCTL, 0},
        {VMCS_GUEST_DR7, 0x400},
        {VMCS_GUEST_GDTR_BASE, 0},
        {VMCS_GUEST_GDTR_LIMIT, mode->table_limit},
        {VMCS_GUEST_IDTR_BASE, 0},
        {VMCS_GUEST_IDTR_LIMIT, mode->table_limit},
        {VMCS_GUEST_SYSENTER_CS, 0},
        {VMCS_GUEST_SYSENTER_ESP, 0},
        {VMCS_GUEST_SYSENTER_EIP, 0},
        {VMCS_GUEST_RSP, start->rsp},
        {VMCS_GUEST_RIP, start->rip},
        {VMCS_GUEST_RFLAGS, RFLAGS_FIXED},
        {VMCS_GUEST_INTERRUPTIBILITY, 0},
        {VMCS_GUEST_ACTIVITY, 0},
        {VMCS_GUEST_PENDING_DEBUG, 0},
        {VMCS_GUEST_VMCS_LINK, NO_LINK},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0},
    };
    for (unsigned i = 0; i < sizeof(state) / sizeof(state[0]); i++)
        vmcs_write(state[i].field, state[i].value, &failure);

    vcpu->r8 = vcpu->r9 = vcpu->r10 = vcpu->r11 = vcpu->r12 = vcpu->r13 = vcpu->r14 = 0;
    vcpu->r15 = vcpu->rax = vcpu->rbx = vcpu->rcx = vcpu->rbp = 0;
    vcpu->rdi = start->rdi;
    vcpu->rsi = start->rsi;
    vcpu->rdx = start->rdx;
    vcpu->events = (struct pending_events){0};
    platform_nmi_waits(); /* one that waited was of what ran here before */
    resident_reset(vcpu);
    if (!vcpu_written(vcpu, failure))
        return false;
    if (!vcpu_is_unrestricted(vcpu) && !(mode->cr0 & CR0_PG))
        unpaged_begin(vcpu);
    /* What the guest before it used may still be cached. */
    guest_invalidate_all(vcpu);
    return true;
}

bool vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start)
{
    return vcpu_part_is(vcpu, VCPU_PART_START, put(vcpu, start));
}
