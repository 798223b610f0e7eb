/* SPDX-License-Identifier: MIT */
#include "local_apic.h"

#include "../x86/msr.h"

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

#define LVT_MASKED        (1u << 16)
#define SVR_ENABLED       (1u << 8)
#define ICR_DELIVERY_MODE (7ull << 8) /* 0: fixed */
#define ICR_LOGICAL       (1ull << 11)
#define ICR_SHORTHAND     (3ull << 18)
#define ICR_SELF          (1ull << 18)
#define LOWEST_VECTOR     16

enum {
    READ = 1,
    WRITE = 2,
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
    [APIC_ICR] = {READ | WRITE, 0xffffffff000ccfffull},
    [APIC_LVT_TIMER] = {READ | WRITE, 0x700ff},
    [APIC_LVT_THERMAL] = {READ | WRITE, 0x107ff},
    [APIC_LVT_PERFORMANCE] = {READ | WRITE, 0x107ff},
    [APIC_LVT_LINT0] = {READ | WRITE, 0x1a7ff},
    [APIC_LVT_LINT1] = {READ | WRITE, 0x1a7ff},
    [APIC_LVT_ERROR] = {READ | WRITE, 0x100ff},
    [APIC_INITIAL_COUNT] = {READ | WRITE, 0xffffffff},
    [APIC_CURRENT_COUNT] = {READ, 0},
    [APIC_DIVIDE] = {READ | WRITE, 0xb},
    [APIC_SELF_IPI] = {WRITE, 0xff},
};

static void mask_all(struct local_apic *apic)
{
    for (uint32_t i = APIC_LVT_TIMER; i <= APIC_LVT_ERROR; i++)
        apic->registers[i] |= LVT_MASKED;
    apic->registers[APIC_CMCI] |= LVT_MASKED;
}

void local_apic_reset(struct local_apic *apic, uint32_t id)
{
    *apic = (struct local_apic){0};
    apic->registers[APIC_ID] = id;
    apic->registers[APIC_VERSION] = 0x60015; /* integrated, seven LVT entries */
    apic->registers[APIC_LDR] = (id >> 4) << 16 | 1u << (id & 0xf);
    apic->registers[APIC_SVR] = 0xff;
    mask_all(apic);
}

static bool software_enabled(const struct local_apic *apic)
{
    return apic->registers[APIC_SVR] & SVR_ENABLED;
}

/* The highest vector set in the eight registers from first on; -1 if there is none. */
static int highest(const struct local_apic *apic, uint32_t first)
{
    for (int i = 7; i >= 0; i--)
        if (apic->registers[first + (uint32_t)i])
            return 32 * i + 31 - __builtin_clz(apic->registers[first + (uint32_t)i]);
    return -1;
}

/* The higher of TPR and the highest vector in service, by class (SDM Vol. 3A 11.8.3.1). */
static uint32_t processor_priority(const struct local_apic *apic)
{
    uint32_t tpr = apic->registers[APIC_TPR];
    int vector = highest(apic, APIC_ISR);
    uint32_t in_service = vector < 0 ? 0 : (uint32_t)vector & 0xf0;

    return (tpr & 0xf0) >= in_service ? tpr : in_service;
}

void local_apic_request(struct local_apic *apic, uint8_t vector)
{
    uint32_t *request = &apic->registers[APIC_IRR + vector / 32u], bit = 1u << vector % 32;

    apic->requested += !(*request & bit);
    *request |= bit;
}

int local_apic_waiting(const struct local_apic *apic)
{
    if (!apic->requested || !software_enabled(apic))
        return -1;
    int vector = highest(apic, APIC_IRR);
    return ((uint32_t)vector & 0xf0) > (processor_priority(apic) & 0xf0) ? vector : -1;
}

void local_apic_accept(struct local_apic *apic, uint8_t vector)
{
    apic->registers[APIC_IRR + vector / 32u] &= ~(1u << vector % 32);
    apic->registers[APIC_ISR + vector / 32u] |= 1u << vector % 32;
    apic->requested--;
}

enum local_apic_result local_apic_read(const struct local_apic *apic, uint32_t msr, uint64_t *value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (number >= LOCAL_APIC_REGISTERS || !(rules[number].access & READ))
        return LOCAL_APIC_FAULT;
    *value = number == APIC_PPR ? processor_priority(apic) : apic->registers[number];
    return LOCAL_APIC_DONE;
}

static enum local_apic_result end_of_interrupt(struct local_apic *apic)
{
    int vector = highest(apic, APIC_ISR);

    if (vector < 0)
        return LOCAL_APIC_DONE;
    apic->registers[APIC_ISR + (uint32_t)vector / 32] &= ~(1u << vector % 32);
    return LOCAL_APIC_EVENTS;
}

static enum local_apic_result self_ipi(struct local_apic *apic, uint8_t vector)
{
    if (vector < LOWEST_VECTOR) /* would be "illegal vector" in the ESR: none is latched yet */
        return LOCAL_APIC_UNDELIVERED;
    local_apic_request(apic, vector);
    return LOCAL_APIC_EVENTS;
}

/* ICR: fixed delivery to this CPU, by shorthand or by its id; the rest has nowhere to go. */
static enum local_apic_result interrupt_command(struct local_apic *apic, uint64_t value)
{
    bool self = (value & ICR_SHORTHAND) == ICR_SELF;
    bool by_id = !(value & (ICR_SHORTHAND | ICR_LOGICAL)) && value >> 32 == local_apic_id(apic);

    if (value & ICR_DELIVERY_MODE || !(self || by_id))
        return LOCAL_APIC_UNDELIVERED;
    return self_ipi(apic, (uint8_t)value);
}

/* While the APIC is disabled by software its LVT stays masked (SDM Vol. 3A 11.4.7.2). */
static void store(struct local_apic *apic, uint32_t number, uint32_t value)
{
    apic->registers[number] = value;
    if (!software_enabled(apic))
        mask_all(apic);
}

enum local_apic_result local_apic_write(struct local_apic *apic, uint32_t msr, uint64_t value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (number >= LOCAL_APIC_REGISTERS || !(rules[number].access & WRITE) ||
        value & ~rules[number].writable)
        return LOCAL_APIC_FAULT;
    switch (number) {
    case APIC_EOI:
        return end_of_interrupt(apic);
    case APIC_SELF_IPI:
        return self_ipi(apic, (uint8_t)value);
    case APIC_ICR:
        return interrupt_command(apic, value);
    case APIC_INITIAL_COUNT: /* 0 stops the timer, which delivers nothing */
        return value ? LOCAL_APIC_UNDELIVERED : LOCAL_APIC_DONE;
    default:
        store(apic, number, (uint32_t)value);
        return apic->requested ? LOCAL_APIC_EVENTS : LOCAL_APIC_DONE;
    }
}
