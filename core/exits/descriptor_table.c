/* SPDX-License-Identifier: MIT */
/*
 * SGDT, SIDT, LGDT and LIDT. The VM exit comes behind the checks of privilege (SDM Vol. 3C 26.1.1),
 * and before those of the operand.
 */
#include "../vmx/dispatch.h"
#include "../x86/canonical.h"
#include "advance.h"
#include "guest_mode.h"
#include "operand.h"

/* VM-exit instruction information, SDM Vol. 3C table 28-10. */
#define INFO_IDTR            (1u << 28)
#define INFO_LOAD            (1u << 29)
#define INFO_32_BIT          (1u << 11) /* operand size; not defined in 64-bit mode */
#define BASE_OF_16_BIT       0xffffffull
#define PSEUDO_DESCRIPTOR    6u /* limit, base of 32 bits */
#define PSEUDO_DESCRIPTOR_64 10u

static const char outside[] = "descriptor-table register: operand in memory that EPT does not map";

struct __attribute__((packed)) pseudo_descriptor {
    uint16_t limit;
    uint64_t base;
};

/* Fields of the two registers, GDTR first. */
static const struct {
    enum vmcs_field base, limit;
} registers[2] = {
    {VMCS_GUEST_GDTR_BASE, VMCS_GUEST_GDTR_LIMIT},
    {VMCS_GUEST_IDTR_BASE, VMCS_GUEST_IDTR_LIMIT},
};

static enum exit_outcome store(struct vcpu *vcpu, uint64_t information)
{
    unsigned which = !!(information & INFO_IDTR);
    struct pseudo_descriptor value = {
        .limit = (uint16_t)vmread(registers[which].limit),
        .base = vmread(registers[which].base),
    };
    size_t size = guest_in_64_bit_mode() ? PSEUDO_DESCRIPTOR_64 : PSEUDO_DESCRIPTOR;
    enum exit_outcome outcome;

    /* Also of 16-bit operand size the whole base is stored (SDM Vol. 2B). */
    if (!operand_write(vcpu, information, &value, size, outside, &outcome))
        return outcome;
    guest_advance();
    return EXIT_RESUME;
}

static enum exit_outcome load(struct vcpu *vcpu, uint64_t information)
{
    unsigned which = !!(information & INFO_IDTR);
    bool wide = guest_in_64_bit_mode();
    struct pseudo_descriptor value = {0};
    enum exit_outcome outcome;

    if (guest_privilege_level() > 0)
        return event_exception(vcpu, VECTOR_GP, 0);
    if (!operand_read(vcpu, information, &value, wide ? PSEUDO_DESCRIPTOR_64 : PSEUDO_DESCRIPTOR,
                      outside, &outcome))
        return outcome;
    if (!wide && !(information & INFO_32_BIT))
        value.base &= BASE_OF_16_BIT;
    if (!is_canonical(value.base, guest_base_width(vcpu->capability)))
        return event_exception(vcpu, VECTOR_GP, 0);
    vmwrite(registers[which].base, value.base);
    vmwrite(registers[which].limit, value.limit);
    guest_advance();
    return EXIT_RESUME;
}

enum exit_outcome exit_gdtr_or_idtr(struct vcpu *vcpu)
{
    uint64_t information = vmread(VMCS_EXIT_INSTRUCTION_INFO);

    PROBE_DETAIL(information);
    return information & INFO_LOAD ? load(vcpu, information) : store(vcpu, information);
}
