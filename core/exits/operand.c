/* SPDX-License-Identifier: MIT */
#include "operand.h"

#include "../vmx/registers.h"
#include "guest_mode.h"
#include "segmentation.h"

#define INFO_SCALE(information)        ((unsigned)(information) % 4)
#define INFO_ADDRESS_SIZE(information) ((unsigned)(information) >> 7 & 7)
#define INFO_SEGMENT(information)      ((unsigned)(information) >> 15 & 7)
#define INFO_INDEX(information)        ((unsigned)(information) >> 18 & 0xf)
#define INFO_NO_INDEX                  (1u << 22)
#define INFO_BASE(information)         ((unsigned)(information) >> 23 & 0xf)
#define INFO_NO_BASE                   (1u << 27)

/* By address size; the SDM defines three. */
static const uint64_t address_mask[8] = {
    UINT16_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
};

/* RIP-relative operands have RIP in the displacement and no base. */
static uint64_t offset_of(const struct vcpu *vcpu, uint64_t information)
{
    uint64_t offset = vmread(VMCS_EXIT_QUALIFICATION);

    if (!(information & INFO_NO_BASE))
        offset += vcpu_register(vcpu, INFO_BASE(information));
    if (!(information & INFO_NO_INDEX))
        offset += vcpu_register(vcpu, INFO_INDEX(information)) << INFO_SCALE(information);
    return offset & address_mask[INFO_ADDRESS_SIZE(information)];
}

static enum exception_vector segment_vector(unsigned segment)
{
    return segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;
}

/* Where the operand is, as far as segmentation decides; false, with the fault, if it refuses. */
static bool linear_of(struct vcpu *vcpu, uint64_t information, unsigned segment, size_t size,
                      bool write, uint64_t *linear, enum exit_outcome *outcome)
{
    bool in_64_bit_mode = guest_in_64_bit_mode();

    *linear = offset_of(vcpu, information);
    if (!in_64_bit_mode && !segment_allows(segment, *linear, size, write)) {
        *outcome = event_exception(vcpu, segment_vector(segment), 0);
        return false;
    }
    *linear = segment_linear(segment, *linear, in_64_bit_mode);
    return true;
}

static unsigned segment_of(uint64_t information)
{
    unsigned segment = INFO_SEGMENT(information);
    return segment > SEGMENT_GS ? 0 : segment; /* not defined */
}

bool operand_reached(struct vcpu *vcpu, enum guest_reached reached, const struct guest_fault *fault,
                     enum exception_vector vector, const char *text, enum exit_outcome *outcome)
{
    switch (reached) {
    case GUEST_REACHED:
        return true;
    case GUEST_PAGE_FAULT:
        *outcome = event_page_fault(vcpu, fault->address, fault->error);
        return false;
    case GUEST_NOT_CANONICAL:
        *outcome = event_exception(vcpu, vector, 0);
        return false;
    default:
        *outcome = vcpu_stop(vcpu, STOP_UNHANDLED, fault->address, text);
        return false;
    }
}

bool operand_read(struct vcpu *vcpu, uint64_t information, void *buffer, size_t size,
                  const char *text, enum exit_outcome *outcome)
{
    unsigned segment = segment_of(information);
    struct guest_fault fault;
    uint64_t linear;

    if (!linear_of(vcpu, information, segment, size, false, &linear, outcome))
        return false;
    enum guest_reached reached = guest_read(vcpu, linear, buffer, size, GUEST_READ, &fault);
    return operand_reached(vcpu, reached, &fault, segment_vector(segment), text, outcome);
}

/*
 * Alignment is checked at CPL 3 alone (SDM Vol. 3A 7.15, #AC). Of a limit and the base behind it,
 * the base has to be aligned; a word stands alone.
 */
static bool misaligned(uint64_t linear, size_t size)
{
    if (guest_privilege_level() != 3 || !(vmread(VMCS_GUEST_CR0) & CR0_AM) ||
        !(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_AC))
        return false;
    return size > 2 ? (linear + 2) & (size - 3) : linear & (size - 1);
}

bool operand_write(struct vcpu *vcpu, uint64_t information, const void *buffer, size_t size,
                   const char *text, enum exit_outcome *outcome)
{
    unsigned segment = segment_of(information);
    struct guest_fault fault;
    uint64_t linear;

    if (!linear_of(vcpu, information, segment, size, true, &linear, outcome))
        return false;
    if (misaligned(linear, size)) {
        *outcome = event_exception(vcpu, VECTOR_AC, 0);
        return false;
    }
    enum guest_reached reached = guest_write(vcpu, linear, buffer, size, GUEST_WRITE, &fault);
    return operand_reached(vcpu, reached, &fault, segment_vector(segment), text, outcome);
}
