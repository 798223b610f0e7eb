/* SPDX-License-Identifier: MIT */
#include "local_apic.h"

#include "../x86/msr.h"

#include <stddef.h>

enum {
    APIC_ID = LOCAL_APIC_ID,
    APIC_VERSION = 0x03,
    APIC_TPR = LOCAL_APIC_TPR,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_LDR = 0x0d,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10, /* eight registers, as the two below */
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_CMCI = 0x2f,
    APIC_ICR = 0x30,
    APIC_LVT_TIMER = 0x32,
    APIC_LVT_THERMAL = 0x33,
    APIC_LVT_PERFORMANCE = 0x34,
    APIC_LVT_LINT0 = 0x35,
    APIC_LVT_LINT1 = 0x36,
    APIC_LVT_ERROR = 0x37,
    APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39,
    APIC_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f,
};

#define LVT_MASKED (1u << 16)

enum {
    READ = 1,
    WRITE = 2,
    DELIVERS = 4, /* a write asks for an interrupt */
};

/* SDM Vol. 3A table 11-6, and the figures of each register for the bits a write may set. */
static const struct {
    uint8_t access;
    uint64_t writable;
} rules[LOCAL_APIC_REGISTERS] = {
    [APIC_ID] = {READ, 0},
    [APIC_VERSION] = {READ, 0},
    [APIC_TPR] = {READ | WRITE, 0xff},
    [APIC_PPR] = {READ, 0},
    [APIC_EOI] = {WRITE, 0},
    [APIC_LDR] = {READ, 0},
    [APIC_SVR] = {READ | WRITE, 0x1ff},
    [APIC_ISR... APIC_ISR + 7] = {READ, 0},
    [APIC_TMR... APIC_TMR + 7] = {READ, 0},
    [APIC_IRR... APIC_IRR + 7] = {READ, 0},
    [APIC_ESR] = {READ | WRITE, 0},
    [APIC_CMCI] = {READ | WRITE, 0x107ff},
    [APIC_ICR] = {READ | WRITE | DELIVERS, 0xffffffff000ccfffull},
    [APIC_LVT_TIMER] = {READ | WRITE, 0x700ff},
    [APIC_LVT_THERMAL] = {READ | WRITE, 0x107ff},
    [APIC_LVT_PERFORMANCE] = {READ | WRITE, 0x107ff},
    [APIC_LVT_LINT0] = {READ | WRITE, 0x1a7ff},
    [APIC_LVT_LINT1] = {READ | WRITE, 0x1a7ff},
    [APIC_LVT_ERROR] = {READ | WRITE, 0x100ff},
    [APIC_INITIAL_COUNT] = {READ | WRITE | DELIVERS, 0xffffffff},
    [APIC_CURRENT_COUNT] = {READ, 0},
    [APIC_DIVIDE] = {READ | WRITE, 0xb},
    [APIC_SELF_IPI] = {WRITE | DELIVERS, 0xff},
};

void local_apic_reset(struct local_apic *apic, uint32_t id)
{
    *apic = (struct local_apic){0};
    apic->registers[APIC_ID] = id;
    apic->registers[APIC_VERSION] = 0x60015; /* integrated, seven LVT entries */
    apic->registers[APIC_LDR] = (id >> 4) << 16 | 1u << (id & 0xf);
    apic->registers[APIC_SVR] = 0xff;
    for (size_t i = APIC_LVT_TIMER; i <= APIC_LVT_ERROR; i++)
        apic->registers[i] = LVT_MASKED;
    apic->registers[APIC_CMCI] = LVT_MASKED;
}

/* PPR: the higher of TPR and the highest vector in service, by class (SDM Vol. 3A 11.8.3.1). */
static uint32_t processor_priority(const struct local_apic *apic)
{
    uint32_t tpr = apic->registers[APIC_TPR], in_service = 0;

    for (uint32_t i = 0; i < 8; i++)
        if (apic->registers[APIC_ISR + i])
            in_service = 32 * i + 31 - (uint32_t)__builtin_clz(apic->registers[APIC_ISR + i]);
    return (tpr & 0xf0) >= (in_service & 0xf0) ? tpr : in_service & 0xf0;
}

enum local_apic_result local_apic_read(const struct local_apic *apic, uint32_t msr, uint64_t *value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (number >= LOCAL_APIC_REGISTERS || !(rules[number].access & READ))
        return LOCAL_APIC_FAULT;
    *value = number == APIC_PPR ? processor_priority(apic) : apic->registers[number];
    return LOCAL_APIC_DONE;
}

enum local_apic_result local_apic_write(struct local_apic *apic, uint32_t msr, uint64_t value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (number >= LOCAL_APIC_REGISTERS || !(rules[number].access & WRITE) ||
        value & ~rules[number].writable)
        return LOCAL_APIC_FAULT;
    /* A timer stopped by an initial count of 0 delivers nothing. */
    if (rules[number].access & DELIVERS && !(number == APIC_INITIAL_COUNT && !value))
        return LOCAL_APIC_UNDELIVERED;
    /* EOI with nothing in service, ESR with nothing latched: no effect, and neither keeps a value.
     */
    apic->registers[number] = (uint32_t)value;
    return LOCAL_APIC_DONE;
}
