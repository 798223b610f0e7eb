/* SPDX-License-Identifier: MIT */
/* What a decoded instruction does to a device, to registers and, for MOVS, to memory. */
#include "../vmx/event.h"
#include "../vmx/registers.h"
#include "../x86/control_registers.h"
#include "mmio_access.h"
#include "mmio_arithmetic.h"

static uint64_t width_mask(unsigned bytes)
{
    return bytes == 8 ? UINT64_MAX : (1ull << 8 * bytes) - 1;
}

static uint64_t offset_in(const struct mmio_access *access, uint64_t offset)
{
    return offset & width_mask(access->instruction.address_bytes);
}

uint64_t mmio_operand_offset(const struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t offset = instruction->displacement;

    if (instruction->base != NO_REGISTER)
        offset += vcpu_register(access->vcpu, instruction->base);
    if (instruction->index != NO_REGISTER)
        offset += vcpu_register(access->vcpu, instruction->index) << instruction->scale;
    if (instruction->relative)
        offset += access->rip + instruction->length;
    return offset_in(access, offset);
}

uint64_t mmio_string_destination(const struct mmio_access *access)
{
    return offset_in(access, access->vcpu->rdi);
}

/* A register as a write of so many bytes leaves it. */
static uint64_t merge(uint64_t old, uint64_t value, unsigned bytes)
{
    return bytes >= 4 ? value & width_mask(bytes)
                      : (old & ~width_mask(bytes)) | (value & width_mask(bytes));
}

static uint64_t register_read(const struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t value = vcpu_register(access->vcpu, instruction->reg);

    return (instruction->high ? value >> 8 : value) & width_mask(instruction->register_bytes);
}

static void register_write(struct mmio_access *access, uint64_t value)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t old = vcpu_register(access->vcpu, instruction->reg);

    value = instruction->high ? (old & ~0xff00ull) | (value & 0xff) << 8
                              : merge(old, value, instruction->register_bytes);
    vcpu_set_register(access->vcpu, instruction->reg, value);
}

static bool device(struct mmio_access *access, const struct mmio_range *range, uint64_t physical,
                   bool write, uint64_t *value)
{
    unsigned bytes = access->instruction.bytes;

    *value &= width_mask(bytes);
    enum mmio_result result =
        range->handler(access->vcpu, range->context, physical - range->first, bytes, write, value);
    *value &= width_mask(bytes);
    if (result == MMIO_REFUSED)
        return mmio_give_up(access, "the device has no such register");
    access->events |= result == MMIO_EVENTS;
    return true;
}

static bool load(struct mmio_access *access, uint64_t *value)
{
    *value = 0;
    return device(access, access->range, access->physical, false, value);
}

static bool store(struct mmio_access *access, uint64_t value)
{
    return device(access, access->range, access->physical, true, &value);
}

static uint64_t sign_extended(uint64_t value, unsigned bytes)
{
    uint64_t sign = 1ull << (8 * bytes - 1);
    return (value ^ sign) - sign;
}

/* The operand of MOVS that the exit is not about: memory, or a device too. */
struct other {
    struct guest_span span;
    const struct mmio_range *range; /* NULL: memory */
    uint64_t physical;
};

static bool except(struct mmio_access *access, enum exception_vector vector)
{
    access->outcome = event_exception(access->vcpu, vector, 0);
    return false;
}

/* Finds it, with all that may fault, before anything is done. */
static bool other_reach(struct mmio_access *access, unsigned segment, uint64_t offset, bool write,
                        struct other *other)
{
    const unsigned bytes = access->instruction.bytes;
    enum exception_vector vector = segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;
    uint64_t linear = segment_linear(segment, offset, access->in_64_bit_mode);
    struct guest_fault fault;

    other->range = NULL;
    if (!access->in_64_bit_mode && !segment_allows(segment, offset, bytes, write))
        return except(access, vector);
    if (linear & (bytes - 1) && access->paging.user && access->rflags & RFLAGS_AC &&
        vmread(VMCS_GUEST_CR0) & CR0_AM)
        return except(access, VECTOR_AC);
    switch (guest_reach(&access->paging, linear, bytes, write ? GUEST_WRITE : GUEST_READ,
                        &other->span, &fault)) {
    case GUEST_REACHED:
        return true;
    case GUEST_PAGE_FAULT:
        access->outcome = event_page_fault(access->vcpu, fault.address, fault.error);
        return false;
    case GUEST_NOT_CANONICAL:
        return except(access, vector);
    default:
        break;
    }
    other->physical = fault.address;
    if (fault.translated && linear % PAGE_SIZE + bytes <= PAGE_SIZE)
        other->range = mmio_find(access->vcpu->mmio, fault.address);
    return other->range || mmio_give_up(access, "MOVS with memory that EPT does not map");
}

static bool move(struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t value = 0;
    struct other other;

    if (access->to_device) {
        if (!other_reach(access, instruction->segment, mmio_operand_offset(access), false, &other))
            return false;
        if (!other.range)
            guest_span_read(&other.span, &value);
        else if (!device(access, other.range, other.physical, false, &value))
            return false;
        return store(access, value);
    }
    if (!other_reach(access, SEGMENT_ES, mmio_string_destination(access), true, &other) ||
        !load(access, &value))
        return false;
    if (other.range)
        return device(access, other.range, other.physical, true, &value);
    guest_span_write(&other.span, &value);
    return true;
}

/* One element; RSI, RDI and RCX then say where it stands. */
static bool string(struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    struct vcpu *vcpu = access->vcpu;
    uint64_t step = access->rflags & RFLAGS_DF ? -(uint64_t)instruction->bytes : instruction->bytes;
    unsigned address_bytes = instruction->address_bytes;
    uint64_t value;

    if (instruction->repeat && !offset_in(access, vcpu->rcx))
        return true;
    if (instruction->operation == MMIO_MOVS) {
        if (!move(access))
            return false;
    } else if (instruction->operation == MMIO_STOS) {
        if (!store(access, register_read(access)))
            return false;
    } else {
        if (!load(access, &value))
            return false;
        register_write(access, value);
    }
    if (instruction->operation != MMIO_STOS)
        vcpu->rsi = merge(vcpu->rsi, vcpu->rsi + step, address_bytes);
    if (instruction->operation != MMIO_LODS)
        vcpu->rdi = merge(vcpu->rdi, vcpu->rdi + step, address_bytes);
    if (instruction->repeat)
        vcpu->rcx = merge(vcpu->rcx, vcpu->rcx - 1, address_bytes);
    return true;
}

static bool compute(struct mmio_access *access, uint64_t source)
{
    const struct mmio_instruction *instruction = &access->instruction;
    enum mmio_operation operation = instruction->operation;
    bool kept = operation != MMIO_CMP && operation != MMIO_TEST;
    uint64_t memory, flags = access->rflags;

    if (!load(access, &memory))
        return false;
    uint64_t a = instruction->to_memory ? memory : source;
    uint64_t b = instruction->to_memory ? source : memory;
    uint64_t result = mmio_arithmetic(operation, a, b, instruction->bytes, &flags);
    if (kept && instruction->to_memory && !store(access, result))
        return false;
    if (kept && !instruction->to_memory)
        register_write(access, result);
    access->rflags = flags;
    return true;
}

bool mmio_execute(struct mmio_access *access)
{
    const struct mmio_instruction *instruction = &access->instruction;
    uint64_t source = instruction->has_immediate ? instruction->immediate : register_read(access);
    uint64_t value;

    switch (instruction->operation) {
    case MMIO_MOV:
    case MMIO_MOV_SIGNED:
        if (instruction->to_memory)
            return store(access, source);
        if (!load(access, &value))
            return false;
        if (instruction->operation == MMIO_MOV_SIGNED)
            value = sign_extended(value, instruction->bytes);
        register_write(access, value);
        return true;
    case MMIO_XCHG:
        if (!load(access, &value) || !store(access, source))
            return false;
        register_write(access, value);
        return true;
    case MMIO_STOS:
    case MMIO_LODS:
    case MMIO_MOVS:
        return string(access);
    default:
        return compute(access, source);
    }
}
