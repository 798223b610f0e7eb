/* SPDX-License-Identifier: MIT */
#include "io_string.h"

#include "../vmx/event.h"
#include "../vmx/segment.h"
#include "../vmx/walk.h"
#include "../x86/control_registers.h"
#include "advance.h"

#include <string.h>

/* VM-exit instruction information of INS and OUTS, SDM Vol. 3C table 28-8. */
#define INFO_ADDRESS_SIZE(info) ((info) >> 7 & 7)
#define INFO_SEGMENT(info)      ((info) >> 15 & 7)

/* Segments as the instruction information and the order of the VMCS fields number them. */
#define SEGMENT_ES   0u
#define SEGMENT_SS   2u
#define SEGMENT_FS   4u
#define SEGMENTS     6u
#define FIELD(first) ((enum vmcs_field)(VMCS_GUEST_ES_##first + 2 * segment))

#define NO_PAGE 1ull /* the number of no page's first byte */

/* The memory operand, and the page of it that was reached last. */
struct operand {
    struct guest_paging paging;
    unsigned size; /* bytes of an element */
    bool in;
    bool long_mode; /* 64-bit mode: no limits */
    bool aligned;   /* #AC unless aligned */
    unsigned segment;
    uint64_t base;
    uint64_t mask; /* of the address size */
    uint64_t lowest, highest;
    uint64_t page; /* linear address of the page at */
    uint8_t *at;
};

/* How the move of one element ended. */
enum moved {
    MOVED,
    MOVED_EXCEPTION, /* vector and error code in operand_fault */
    MOVED_OUTSIDE,
    MOVED_REFUSED, /* by the port's handler */
};

struct operand_fault {
    enum exception_vector vector;
    struct guest_fault page;
};

static enum exception_vector segment_vector(const struct operand *operand)
{
    return operand->segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;
}

/*
 * What lies in the segment: a VM exit comes before the faults of segmentation and alignment (SDM
 * Vol. 3C 26.1.1), so they are still to be found. False if the segment refuses every address.
 */
static bool segment_read(struct operand *operand, uint64_t offset)
{
    unsigned segment = operand->segment;
    uint32_t rights = (uint32_t)vmread(FIELD(ACCESS_RIGHTS));
    bool code = rights & SEGMENT_CODE;

    operand->lowest = 0;
    operand->highest = UINT64_MAX;
    if (!(rights & SEGMENT_UNUSABLE)) /* else the linear address is undefined: 28.2.1 */
        operand->base = vmread(VMCS_GUEST_LINEAR_ADDRESS) - offset;
    else if (!operand->long_mode)
        return false;
    else
        operand->base = segment >= SEGMENT_FS ? vmread(FIELD(BASE)) : 0;
    if (operand->long_mode)
        return true;

    /* Real mode reads and writes through every type. */
    if (vmread(VMCS_GUEST_CR0) & CR0_PE && !(rights & SEGMENT_WRITABLE) && (code || operand->in))
        return false;
    if (vmread(VMCS_GUEST_CR0) & CR0_PE && code && operand->in)
        return false;
    operand->highest = vmread(FIELD(LIMIT));
    if (!code && rights & SEGMENT_EXPAND_DOWN) {
        operand->lowest = operand->highest + 1;
        operand->highest = rights & SEGMENT_BIG ? UINT32_MAX : UINT16_MAX;
    }
    return true;
}

/* Where the element at an offset is, both pages of it; MOVED if it may be accessed. */
static enum moved reach(struct operand *operand, uint64_t offset, struct guest_span *span,
                        struct operand_fault *fault)
{
    uint64_t linear = (operand->base + offset) & operand->paging.linear_mask;
    uint64_t in_page = linear % PAGE_SIZE;

    if (!operand->long_mode &&
        (offset < operand->lowest || offset + operand->size - 1 > operand->highest)) {
        *fault = (struct operand_fault){.vector = segment_vector(operand)};
        return MOVED_EXCEPTION;
    }
    if (operand->aligned && linear & (operand->size - 1)) {
        *fault = (struct operand_fault){.vector = VECTOR_AC};
        return MOVED_EXCEPTION;
    }
    /* A CPU's TLB would not walk again for the same page either. */
    bool within = in_page + operand->size <= PAGE_SIZE;
    if (within && operand->page == linear - in_page) {
        *span = (struct guest_span){{operand->at + in_page}, {operand->size}};
        return MOVED;
    }
    switch (guest_reach(&operand->paging, linear, operand->size,
                        operand->in ? GUEST_WRITE : GUEST_READ, span, &fault->page)) {
    case GUEST_REACHED:
        if (within) {
            operand->page = linear - in_page;
            operand->at = span->at[0] - in_page;
        }
        return MOVED;
    case GUEST_PAGE_FAULT:
        fault->vector = VECTOR_PF;
        return MOVED_EXCEPTION;
    case GUEST_NOT_CANONICAL:
        fault->vector = segment_vector(operand);
        return MOVED_EXCEPTION;
    default:
        return MOVED_OUTSIDE;
    }
}

static enum port_result transfer(struct vcpu *vcpu, const struct operand *operand, uint16_t port,
                                 const struct guest_span *span)
{
    enum port_result result = PORT_DONE;
    uint32_t value = 0;

    if (!operand->in)
        guest_span_read(span, &value);
    if (vcpu->ports)
        result = ports_access(vcpu, port, operand->size, !operand->in, &value);
    else
        ports_forward(port, operand->size, !operand->in, &value);
    if (operand->in && result != PORT_REFUSED)
        guest_span_write(span, &value);
    return result;
}

/* A register as an instruction of that address size leaves it. */
static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
    return mask == UINT16_MAX ? (old & ~mask) | (value & mask) : value & mask;
}

static enum exit_outcome fault_out(struct vcpu *vcpu, const struct operand_fault *fault)
{
    if (fault->vector == VECTOR_PF)
        return event_page_fault(vcpu, fault->page.address, fault->page.error);
    return event_exception(vcpu, fault->vector, 0);
}

static enum exit_outcome give_up(struct vcpu *vcpu, uint64_t value, const char *text)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_UNHANDLED, value, text);
}

/* More of a REP remains: the instruction is entered again, and its first part has ended a shadow.
 */
static void go_on(void)
{
    uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    if (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS))
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
                blocking & ~(uint64_t)(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

enum exit_outcome exit_io_string(struct vcpu *vcpu, uint64_t qualification)
{
    static const uint64_t masks[] = {UINT16_MAX, UINT32_MAX, UINT64_MAX};
    uint32_t info = (uint32_t)vmread(VMCS_EXIT_INSTRUCTION_INFO);
    struct operand operand = {
        .size = (qualification & IO_SIZE) + 1,
        .in = qualification & IO_IN,
        .segment = qualification & IO_IN ? SEGMENT_ES : INFO_SEGMENT(info),
        .page = NO_PAGE,
    };
    struct operand_fault fault = {.vector = VECTOR_GP};
    enum exit_outcome outcome = EXIT_RESUME;
    enum moved moved = MOVED;

    if (!io_size_is_defined(qualification))
        return give_up(vcpu, qualification, "I/O size the SDM does not define");
    if (INFO_ADDRESS_SIZE(info) > 2 || operand.segment >= SEGMENTS)
        return give_up(vcpu, info, "INS or OUTS: instruction information the SDM does not define");
    operand.mask = masks[INFO_ADDRESS_SIZE(info)];

    uint64_t *index = operand.in ? &vcpu->rdi : &vcpu->rsi;
    uint64_t left = qualification & IO_REP ? vcpu->rcx & operand.mask : 1, moves = 0;
    if (!left) {
        guest_advance();
        return EXIT_RESUME;
    }

    uint64_t flags = vmread(VMCS_GUEST_RFLAGS);
    uint64_t step = flags & RFLAGS_DF ? -(uint64_t)operand.size : operand.size;
    guest_paging_read(&operand.paging, vcpu);
    operand.long_mode = operand.paging.linear_mask == UINT64_MAX;
    operand.aligned = flags & RFLAGS_AC && operand.paging.user && vmread(VMCS_GUEST_CR0) & CR0_AM;
    if (!segment_read(&operand, *index & operand.mask))
        return event_exception(vcpu, segment_vector(&operand), 0);

    for (; left && moves < IO_STRING_MOST; left--, moves++) {
        struct guest_span span;
        moved = reach(&operand, *index & operand.mask, &span, &fault);
        if (moved != MOVED)
            break;
        enum port_result result = transfer(vcpu, &operand, (uint16_t)(qualification >> 16), &span);
        if (result == PORT_REFUSED) {
            moved = MOVED_REFUSED;
            break;
        }
        if (result == PORT_EVENTS)
            outcome = EXIT_EVENTS;
        *index = merge(*index, *index + step, operand.mask);
        if (qualification & IO_REP)
            vcpu->rcx = merge(vcpu->rcx, vcpu->rcx - 1, operand.mask);
    }
    if (moved == MOVED_OUTSIDE)
        return give_up(vcpu, fault.page.address, "INS or OUTS with memory that EPT does not map");
    if (moved == MOVED_REFUSED)
        return give_up(vcpu, qualification, IO_REFUSED);
    if (moved == MOVED_EXCEPTION) {
        enum exit_outcome faulted = fault_out(vcpu, &fault);
        return faulted == EXIT_RESUME ? outcome : faulted;
    }
    if (left)
        go_on();
    else
        guest_advance();
    return outcome;
}
