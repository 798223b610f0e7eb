/* SPDX-License-Identifier: MIT */
/* Registers in x2APIC form, and what writes of them do in either form. */
#include "local_apic.h"

#include "../x86/instructions.h"
#include "apic_registers.h"

#define VERSION 0x60015u /* integrated, seven LVT entries, no suppression of EOI broadcasts */

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

static uint64_t writable(const struct local_apic *apic, uint32_t number)
{
    uint64_t bits = rules[number].writable;

    return number == APIC_LVT_TIMER && !apic->has_deadline ? bits & ~(uint64_t)LVT_TIMER_DEADLINE
                                                           : bits;
}

static void mask_all(struct local_apic *apic)
{
    for (uint32_t i = APIC_LVT_TIMER; i <= APIC_LVT_ERROR; i++)
        apic_set(apic, i, apic_get(apic, i) | LVT_MASKED);
    apic_set(apic, APIC_CMCI, apic_get(apic, APIC_CMCI) | LVT_MASKED);
}

void apic_registers_reset(struct local_apic *apic)
{
    bool x2apic = apic_in_x2apic_mode(apic);
    uint32_t id = apic->id;

    for (uint32_t i = 0; i < PAGE_SIZE / 4; i++)
        __atomic_store_n(&apic->page[i], 0, __ATOMIC_RELAXED);
    apic_set(apic, APIC_ID, x2apic ? id : id << 24);
    apic_set(apic, APIC_VERSION, VERSION);
    apic_set(apic, APIC_LDR, x2apic ? (id >> 4) << 16 | 1u << (id & 0xf) : 0);
    apic_set(apic, APIC_DFR, x2apic ? 0 : UINT32_MAX);
    apic_set(apic, APIC_SVR, 0xff);
    mask_all(apic);
    apic->errors = 0;
    apic->attention &= LOCAL_APIC_HARDWARE;
    apic->attention |= x2apic ? 0 : LOCAL_APIC_NOT_X2APIC;
    apic_timer_reset(apic);
}

void local_apic_reset(struct local_apic *apic, uint32_t id)
{
    uint32_t features = x86_cpuid(1, 0).ecx;

    *apic = (struct local_apic){
        .id = id,
        .base = APIC_BASE_RESET | APIC_BASE_BOOT_CPU | APIC_BASE_ENABLE,
        .has_x2apic = features & CPUID_1_ECX_X2APIC,
        .has_deadline = features & CPUID_1_ECX_TSC_DEADLINE,
        .threshold = UINT32_MAX, /* whatever the VMCS has: to be written */
    };
    if (apic->has_x2apic)
        apic->base |= APIC_BASE_X2APIC;
    apic_registers_reset(apic);
}

void local_apic_init(struct local_apic *apic)
{
    apic_registers_reset(apic);
}

enum local_apic_result local_apic_read(const struct local_apic *apic, uint32_t msr, uint64_t *value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (!apic_in_x2apic_mode(apic) || number >= LOCAL_APIC_REGISTERS ||
        !(rules[number].access & READ))
        return LOCAL_APIC_FAULT;
    switch (number) {
    case APIC_PPR:
        *value = apic_processor_priority(apic);
        break;
    case APIC_CURRENT_COUNT:
        *value = apic_timer_count(apic);
        break;
    case APIC_ICR: /* the one of 64 bits, as the CPU has it in the virtual-APIC page */
        *value = (uint64_t)apic->page[4 * APIC_ICR + 1] << 32 | apic_get(apic, APIC_ICR);
        break;
    default:
        *value = apic_get(apic, number);
    }
    return LOCAL_APIC_DONE;
}

/* While the APIC is disabled by software its LVT stays masked (SDM Vol. 3A 11.4.7.2). */
static void store_entry(struct local_apic *apic, uint32_t number, uint32_t value)
{
    if (!apic_software_enabled(apic))
        value |= LVT_MASKED;
    apic_set(apic, number, value);
    if (number == APIC_LVT_TIMER)
        apic_timer_lvt_changed(apic);
}

static void store_spurious(struct local_apic *apic, uint32_t value)
{
    apic_set(apic, APIC_SVR, value);
    if (value & SVR_ENABLED)
        return;
    mask_all(apic);
    apic_timer_lvt_changed(apic);
}

enum local_apic_result apic_store(struct local_apic *apic, uint32_t number, uint32_t value)
{
    value &= (uint32_t)writable(apic, number);
    switch (number) {
    case APIC_EOI:
        return apic_end_of_interrupt(apic);
    case APIC_SELF_IPI:
        return apic_self_ipi(apic, (uint8_t)value);
    case APIC_ESR:
        apic_error_latch(apic);
        break;
    case APIC_SVR:
        store_spurious(apic, value);
        break;
    case APIC_CMCI:
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
        store_entry(apic, number, value);
        break;
    case APIC_INITIAL_COUNT:
        apic_timer_set_count(apic, value);
        break;
    case APIC_DIVIDE:
        apic_timer_set_divide(apic, value);
        break;
    default:
        apic_set(apic, number, value);
    }
    return apic->attention & LOCAL_APIC_REQUESTED ? LOCAL_APIC_EVENTS : LOCAL_APIC_DONE;
}

enum local_apic_result local_apic_write(struct local_apic *apic, uint32_t msr, uint64_t value)
{
    uint32_t number = msr - X2APIC_MSR_FIRST;

    if (!apic_in_x2apic_mode(apic) || number >= LOCAL_APIC_REGISTERS ||
        !(rules[number].access & WRITE) || value & ~writable(apic, number))
        return LOCAL_APIC_FAULT;
    if (number != APIC_ICR)
        return apic_store(apic, number, (uint32_t)value);
    apic_set(apic, APIC_ICR, (uint32_t)value);
    apic->page[4 * APIC_ICR + 1] = (uint32_t)(value >> 32);
    return apic_send(apic, (uint32_t)value, (uint32_t)(value >> 32));
}
