/* SPDX-License-Identifier: MIT */
/*
 * SLDT, STR, LLDT and LTR (SDM Vol. 2A, 2B). The VM exit comes behind #UD and the checks of
 * privilege, and before all that concerns operand, selector and descriptor.
 */
#include "../vmx/dispatch.h"
#include "../vmx/registers.h"
#include "../x86/canonical.h"
#include "advance.h"
#include "guest_mode.h"
#include "operand.h"

/* VM-exit instruction information, SDM Vol. 3C table 28-11. */
#define INFO_REGISTER_OPERAND (1u << 10)
#define INFO_TR               (1u << 28)
#define INFO_LOAD             (1u << 29)

#define SELECTOR_TABLE      4u /* TI: the LDT */
#define SELECTOR_INDEX(s)   ((s)&0xfff8u)
#define SELECTOR_ERROR(s)   ((s)&0xfffcu) /* as an error code */
#define INSTRUCTION_LONGEST 15u

static const char outside[] = "LDTR or TR: operand or descriptor in memory that EPT does not map";

/* A system descriptor, SDM Vol. 3A figures 3-8 and 8-4; the upper half is of 64-bit mode. */
struct descriptor {
    uint64_t low;
    uint64_t high;
};
#define DESCRIPTOR_TYPE(d)    ((unsigned)((d).low >> 40) & 0x1f) /* S included */
#define DESCRIPTOR_PRESENT(d) ((d).low >> 47 & 1)
#define DESCRIPTOR_RIGHTS(d)  ((d).low >> 40 & 0xf0ff)
#define DESCRIPTOR_PAGES(d)   ((d).low >> 55 & 1) /* G */
#define DESCRIPTOR_UPPER_TYPE 0x1f0000000000ull   /* of the upper half: must be 0 */
#define TYPE_AT               5u                  /* the byte that holds the type */

#define TYPE_TSS_16 1u
#define TYPE_LDT    2u
#define TYPE_TSS    9u
#define TYPE_BUSY   2u

static uint64_t base_of(struct descriptor d)
{
    return (d.low >> 16 & 0xffffff) | (d.low >> 56) << 24 | d.high << 32;
}

static uint64_t limit_of(struct descriptor d)
{
    uint64_t limit = (d.low & 0xffff) | (d.low >> 32 & 0xf0000);
    return DESCRIPTOR_PAGES(d) ? limit << 12 | 0xfff : limit;
}

/* Implicit supervisor access; in IA-32e mode by 64-bit addresses, compatibility mode or not. */
static bool reach(struct vcpu *vcpu, uint64_t linear, size_t size, unsigned access,
                  struct guest_span *span, enum exit_outcome *outcome)
{
    struct guest_paging paging;
    struct guest_fault fault;

    guest_paging_read(&paging, vcpu);
    if (vmread(VMCS_GUEST_EFER) & EFER_LMA)
        paging.linear_mask = UINT64_MAX;
    enum guest_reached reached =
        guest_reach(&paging, linear, size, access | GUEST_SYSTEM, span, &fault);
    return operand_reached(vcpu, reached, &fault, VECTOR_GP, outside, outcome);
}

static bool refuse(struct vcpu *vcpu, enum exception_vector vector, uint16_t selector,
                   enum exit_outcome *outcome)
{
    *outcome = event_exception(vcpu, vector, SELECTOR_ERROR(selector));
    return false;
}

static bool type_fits(unsigned type, bool task_state)
{
    if (!task_state)
        return type == TYPE_LDT;
    return type == TYPE_TSS || (type == TYPE_TSS_16 && !(vmread(VMCS_GUEST_EFER) & EFER_LMA));
}

/* The descriptor that a selector names in the GDT, if it is one to be loaded. */
static bool find(struct vcpu *vcpu, uint16_t selector, bool task_state,
                 struct descriptor *descriptor, enum exit_outcome *outcome)
{
    size_t size = guest_in_64_bit_mode() ? sizeof(*descriptor) : sizeof(descriptor->low);
    uint64_t at = SELECTOR_INDEX(selector);
    struct guest_span span;

    if (selector & SELECTOR_TABLE || at + size - 1 > vmread(VMCS_GUEST_GDTR_LIMIT))
        return refuse(vcpu, VECTOR_GP, selector, outcome);
    if (!reach(vcpu, vmread(VMCS_GUEST_GDTR_BASE) + at, size, GUEST_READ, &span, outcome))
        return false;
    *descriptor = (struct descriptor){0};
    guest_span_read(&span, descriptor);
    if (!type_fits(DESCRIPTOR_TYPE(*descriptor), task_state) ||
        descriptor->high & DESCRIPTOR_UPPER_TYPE)
        return refuse(vcpu, VECTOR_GP, selector, outcome);
    if (!DESCRIPTOR_PRESENT(*descriptor))
        return refuse(vcpu, VECTOR_NP, selector, outcome);
    descriptor->high = (uint32_t)descriptor->high;
    return is_canonical(base_of(*descriptor), guest_base_width(vcpu->capability)) ||
           refuse(vcpu, VECTOR_GP, selector, outcome);
}

/* In the GDT, and locked, so that of two vCPUs one finds the task busy. */
static bool mark_busy(struct vcpu *vcpu, uint16_t selector, enum exit_outcome *outcome)
{
    uint64_t at = vmread(VMCS_GUEST_GDTR_BASE) + SELECTOR_INDEX(selector) + TYPE_AT;
    struct guest_span span;

    if (!reach(vcpu, at, 1, GUEST_WRITE, &span, outcome))
        return false;
    if (__atomic_fetch_or(span.at[0], TYPE_BUSY, __ATOMIC_SEQ_CST) & TYPE_BUSY)
        return refuse(vcpu, VECTOR_GP, selector, outcome);
    return true;
}

static enum exit_outcome load(struct vcpu *vcpu, uint16_t selector, bool task_state)
{
    struct descriptor d;
    enum exit_outcome outcome;

    if (guest_privilege_level() > 0)
        return event_exception(vcpu, VECTOR_GP, 0);
    if (!SELECTOR_ERROR(selector)) { /* null */
        if (task_state)
            return event_exception(vcpu, VECTOR_GP, 0);
        vmwrite(VMCS_GUEST_LDTR_SELECTOR, selector);
        vmwrite(VMCS_GUEST_LDTR_ACCESS_RIGHTS, SEGMENT_UNUSABLE);
    } else {
        if (!find(vcpu, selector, task_state, &d, &outcome) ||
            (task_state && !mark_busy(vcpu, selector, &outcome)))
            return outcome;
        vmwrite(task_state ? VMCS_GUEST_TR_SELECTOR : VMCS_GUEST_LDTR_SELECTOR, selector);
        vmwrite(task_state ? VMCS_GUEST_TR_BASE : VMCS_GUEST_LDTR_BASE, base_of(d));
        vmwrite(task_state ? VMCS_GUEST_TR_LIMIT : VMCS_GUEST_LDTR_LIMIT, limit_of(d));
        vmwrite(task_state ? VMCS_GUEST_TR_ACCESS_RIGHTS : VMCS_GUEST_LDTR_ACCESS_RIGHTS,
                DESCRIPTOR_RIGHTS(d) | (task_state ? TYPE_BUSY : 0));
    }
    guest_advance();
    return EXIT_RESUME;
}

/*
 * Bytes of a register that SLDT or STR writes. The information does not have the operand size; the
 * prefixes of the instruction do. 0 if they cannot be read any more.
 */
static unsigned register_size(const struct vcpu *vcpu)
{
    bool long_mode = guest_in_64_bit_mode(), other_size = false;
    bool wide = long_mode || vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_BIG;
    uint64_t length = vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
    uint8_t code[INSTRUCTION_LONGEST], rex = 0;
    struct guest_fault fault;

    if (!length || length > INSTRUCTION_LONGEST ||
        guest_fetch(vcpu, code, length, &fault) != GUEST_REACHED)
        return 0;
    for (unsigned i = 0; i < length && code[i] != 0x0f; i++) {
        rex = long_mode && (code[i] & 0xf0) == 0x40 ? code[i] : 0; /* counts as the last prefix */
        other_size |= code[i] == 0x66;
    }
    return rex & 8 ? 8 : wide != other_size ? 4 : 2;
}

static enum exit_outcome store(struct vcpu *vcpu, uint64_t information, uint16_t selector)
{
    enum exit_outcome outcome;

    if (information & INFO_REGISTER_OPERAND) {
        unsigned number = INFO_REGISTER(information), size = register_size(vcpu);
        if (!size)
            return EXIT_RESUME; /* it has become another since: once more */
        uint64_t kept = size == 2 ? vcpu_register(vcpu, number) & ~0xffffull : 0;
        vcpu_set_register(vcpu, number, kept | selector);
    } else if (!operand_write(vcpu, information, &selector, sizeof(selector), outside, &outcome)) {
        return outcome;
    }
    guest_advance();
    return EXIT_RESUME;
}

enum exit_outcome exit_ldtr_or_tr(struct vcpu *vcpu)
{
    uint64_t information = vmread(VMCS_EXIT_INSTRUCTION_INFO);
    bool task_state = information & INFO_TR;
    uint16_t selector;
    enum exit_outcome outcome;

    PROBE_DETAIL(information);
    if (!(information & INFO_LOAD))
        return store(
            vcpu, information,
            (uint16_t)vmread(task_state ? VMCS_GUEST_TR_SELECTOR : VMCS_GUEST_LDTR_SELECTOR));
    if (information & INFO_REGISTER_OPERAND)
        selector = (uint16_t)vcpu_register(vcpu, INFO_REGISTER(information));
    else if (!operand_read(vcpu, information, &selector, sizeof(selector), outside, &outcome))
        return outcome;
    return load(vcpu, selector, task_state);
}
