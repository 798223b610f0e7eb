/* SPDX-License-Identifier: MIT */
#include "mmio.h"

#include "../vmx/event.h"
#include "../vmx/segment.h"
#include "../x86/control_registers.h"
#include "advance.h"
#include "mmio_access.h"

#define PENDING_SINGLE_STEP (1u << 14) /* BS, SDM Vol. 3C table 25-4 */
#define DEBUGCTL_BTF        (1u << 1)

bool mmio_give_up(struct mmio_access *access, const char *text)
{
    PROBE_RIP(access->rip);
    access->outcome = vcpu_stop(access->vcpu, STOP_MMIO, access->physical, text);
    return false;
}

static bool not_known(struct mmio_access *access, const uint8_t *bytes, size_t count)
{
    platform_log("no emulation of the instruction");
    for (size_t i = 0; i < count; i++)
        platform_log(" %02x", bytes[i]);
    platform_log("\n");
    return mmio_give_up(access, "no emulation of this instruction");
}

/*
 * Fetches and decodes. What is decoded was copied at once, as another CPU may write there; of the
 * second page only what the instruction reaches into.
 */
static bool fetch(struct mmio_access *access)
{
    unsigned code_bytes = access->in_64_bit_mode                              ? 8
                          : vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_BIG ? 4
                                                                              : 2;
    uint64_t linear = segment_linear(SEGMENT_CS, access->rip, access->in_64_bit_mode);
    size_t count = PAGE_SIZE - linear % PAGE_SIZE;
    uint8_t bytes[INSTRUCTION_MOST];
    struct guest_span span;
    struct guest_fault fault;

    for (count = count < INSTRUCTION_MOST ? count : INSTRUCTION_MOST;; count = INSTRUCTION_MOST) {
        switch (guest_reach(&access->paging, linear, count, GUEST_FETCH, &span, &fault)) {
        case GUEST_REACHED:
            guest_span_read(&span, bytes);
            break;
        case GUEST_PAGE_FAULT:
            access->outcome = event_page_fault(access->vcpu, fault.address, fault.error);
            return false;
        default:
            return mmio_give_up(access, "its instruction is outside of guest memory");
        }
        switch (mmio_decode(bytes, count, code_bytes, &access->instruction)) {
        case MMIO_DECODED:
            return true;
        case MMIO_NEEDS_MORE:
            break;
        default:
            return not_known(access, bytes, count);
        }
    }
}

/* What the instruction does to its operand, as VIOLATION_READ and VIOLATION_WRITE. */
static unsigned accesses(const struct mmio_instruction *instruction)
{
    switch (instruction->operation) {
    case MMIO_MOV:
    case MMIO_MOV_SIGNED:
        return instruction->to_memory ? VIOLATION_WRITE : VIOLATION_READ;
    case MMIO_STOS:
        return VIOLATION_WRITE;
    case MMIO_LODS:
    case MMIO_CMP:
    case MMIO_TEST:
        return VIOLATION_READ;
    default:
        return instruction->to_memory ? VIOLATION_READ | VIOLATION_WRITE : VIOLATION_READ;
    }
}

static bool in_one_page(const struct mmio_access *access, uint64_t linear)
{
    return linear % PAGE_SIZE + access->instruction.bytes <= PAGE_SIZE;
}

/* Where the VMCS has no linear address, and what was read of it is another exit's. */
static __attribute__((noinline, cold)) bool is_at_offset(const struct mmio_access *access,
                                                         uint64_t operand, uint64_t qualification)
{
    return qualification & VIOLATION_OFFSET_ALONE && !((operand ^ access->physical) % PAGE_SIZE);
}

/* Whether an operand is where the exit was: no page of the guest's maps what is behind it. */
static bool leads_there(struct mmio_access *access, uint64_t linear, unsigned kind, bool *by_tables)
{
    struct guest_span span;
    struct guest_fault fault;

    if (guest_reach(&access->paging, linear, access->instruction.bytes,
                    kind & VIOLATION_WRITE ? GUEST_WRITE : GUEST_READ, &span,
                    &fault) != GUEST_OUTSIDE ||
        fault.address - access->range->first >= access->range->bytes)
        return false;
    *by_tables |= !fault.translated;
    return fault.translated && fault.address == access->physical;
}

/*
 * The same where the exit tells nothing of the access: the operand that leads to its address, down
 * the guest's own page tables. Of MOVS the source comes first, as the CPU reads before it writes.
 */
static __attribute__((noinline, cold)) bool find_unsaid_operand(struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    bool in_64 = access->in_64_bit_mode, by_tables = false, found = false;
    bool moves = instruction->operation == MMIO_MOVS;
    uint64_t operand = 0;

    if (instruction->operation != MMIO_STOS) {
        operand = segment_linear(instruction->segment, mmio_operand_offset(access), in_64);
        found = leads_there(access, operand, moves ? VIOLATION_READ : accesses(instruction),
                            &by_tables);
    }
    if (!found && (moves || instruction->operation == MMIO_STOS)) {
        operand = segment_linear(SEGMENT_ES, mmio_string_destination(access), in_64);
        access->to_device = found = leads_there(access, operand, VIOLATION_WRITE, &by_tables);
    }
    if (!found)
        return mmio_give_up(access, by_tables ? "by page tables"
                                              : "the instruction is another one than exited");
    return in_one_page(access, operand) || mmio_give_up(access, "access across the end of a page");
}

/*
 * Which operand the exit is about. Another CPU may have changed the instruction since: then it is
 * not the one that exited.
 */
static bool find_operand(struct mmio_access *access, uint64_t qualification)
{
    const struct mmio_instruction *instruction = &access->instruction;

    if (__builtin_expect((long)(qualification & VIOLATION_UNSAID), 0))
        return find_unsaid_operand(access);
    uint64_t linear = vmread(VMCS_GUEST_LINEAR_ADDRESS);
    bool in_64 = access->in_64_bit_mode;
    uint64_t operand = segment_linear(instruction->segment, mmio_operand_offset(access), in_64);
    unsigned kind = accesses(instruction);

    if (instruction->operation == MMIO_STOS || instruction->operation == MMIO_MOVS) {
        uint64_t to = segment_linear(SEGMENT_ES, mmio_string_destination(access), in_64);
        access->to_device = instruction->operation == MMIO_STOS ||
                            (qualification & VIOLATION_WRITE && linear != operand);
        if (access->to_device) {
            operand = to;
            kind = VIOLATION_WRITE;
        } else {
            kind = VIOLATION_READ;
        }
    }
    if (!in_one_page(access, operand))
        return mmio_give_up(access, "access across the end of a page");
    if ((operand != linear && !is_at_offset(access, operand, qualification)) ||
        !(kind & qualification))
        return mmio_give_up(access, "the instruction is another one than exited");
    return true;
}

/* The operations that LOCK may stand before, with memory as destination (SDM Vol. 2A). */
static bool lock_is_valid(const struct mmio_instruction *instruction)
{
    const uint32_t lockable = 1u << MMIO_ADD | 1u << MMIO_OR | 1u << MMIO_ADC | 1u << MMIO_SBB |
                              1u << MMIO_AND | 1u << MMIO_SUB | 1u << MMIO_XOR | 1u << MMIO_NOT |
                              1u << MMIO_NEG | 1u << MMIO_INC | 1u << MMIO_DEC | 1u << MMIO_XCHG;
    return instruction->to_memory && lockable >> instruction->operation & 1;
}

/*
 * RIP behind the instruction and RF, which the exit has set (28.3.3), clear, unless a REP is not at
 * its end; and the trap of a single step pending.
 */
static void complete(struct mmio_access *access, uint64_t rflags)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t mask = instruction->address_bytes == 8   ? UINT64_MAX
                    : instruction->address_bytes == 4 ? UINT32_MAX
                                                      : UINT16_MAX;

    PROBE_RIP(access->rip);
    if (!instruction->repeat || !(access->vcpu->rcx & mask)) {
        uint64_t next = access->rip + instruction->length;
        vmwrite(VMCS_GUEST_RIP, access->in_64_bit_mode ? next : (uint32_t)next);
        access->rflags &= ~RFLAGS_RF;
    }
    if (access->rflags != rflags)
        vmwrite(VMCS_GUEST_RFLAGS, access->rflags);
    if (access->rflags & RFLAGS_TF && !(vmread(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
        vmwrite(VMCS_GUEST_PENDING_DEBUG, vmread(VMCS_GUEST_PENDING_DEBUG) | PENDING_SINGLE_STEP);
    guest_end_shadow();
}

enum exit_outcome exit_mmio(struct vcpu *vcpu, const struct mmio_range *range, uint64_t physical,
                            uint64_t qualification)
{
    struct mmio_access access = {
        .vcpu = vcpu,
        .range = range,
        .physical = physical,
        .rip = vmread(VMCS_GUEST_RIP),
        .rflags = vmread(VMCS_GUEST_RFLAGS),
    };
    const uint64_t rflags = access.rflags;
    const char *why = NULL;

    guest_paging_read(&access.paging, vcpu);
    access.in_64_bit_mode = access.paging.linear_mask == UINT64_MAX;
    if (vmread(VMCS_IDT_VECTORING_INFO) & EVENT_VALID)
        why = "by the delivery of an event";
    else if ((qualification & (VIOLATION_FETCH | VIOLATION_LINEAR | VIOLATION_FINAL)) !=
             (VIOLATION_LINEAR | VIOLATION_FINAL))
        why = qualification & VIOLATION_FETCH ? "instruction fetch" : "by page tables";
    if (why) {
        mmio_give_up(&access, why);
        return access.outcome;
    }
    if (!fetch(&access) || !find_operand(&access, qualification))
        return access.outcome;
    if (access.instruction.lock && !lock_is_valid(&access.instruction))
        return event_exception(vcpu, VECTOR_UD, 0);
    if (!mmio_execute(&access))
        return access.outcome;
    complete(&access, rflags);
    return access.events ? EXIT_EVENTS : EXIT_RESUME;
}
