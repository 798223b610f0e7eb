/* SPDX-License-Identifier: MIT */
/*
 * The registers in xAPIC form: 32 bits each, at multiples of 16 (SDM Vol. 3A 11.4.1, table 11-1).
 * Reserved bits are dropped, and a register that is not there is an error for the ESR.
 */
#include "apic_registers.h"

#define LDR_WRITABLE (0xffu << 24)
#define DFR_WRITABLE (0xfu << 28)
#define ICR_WRITABLE 0x000ccfffu

enum {
    READ = 1,
    WRITE = 2,
};

static const uint8_t access[LOCAL_APIC_REGISTERS] = {
    [APIC_ID] = READ | WRITE, /* the id itself stays, as on most CPU models (11.4.6) */
    [APIC_VERSION] = READ,
    [APIC_TPR] = READ | WRITE,
    [APIC_PPR] = READ,
    [APIC_EOI] = WRITE,
    [APIC_LDR] = READ | WRITE,
    [APIC_DFR] = READ | WRITE,
    [APIC_SVR] = READ | WRITE,
    [APIC_ISR... APIC_ISR + 7] = READ,
    [APIC_TMR... APIC_TMR + 7] = READ,
    [APIC_IRR... APIC_IRR + 7] = READ,
    [APIC_ESR] = READ | WRITE,
    [APIC_CMCI] = READ | WRITE,
    [APIC_ICR... APIC_LVT_ERROR] = READ | WRITE,
    [APIC_INITIAL_COUNT] = READ | WRITE,
    [APIC_CURRENT_COUNT] = READ,
    [APIC_DIVIDE] = READ | WRITE,
};

static bool in_xapic_mode(const struct local_apic *apic)
{
    return apic_enabled(apic) && !apic_in_x2apic_mode(apic);
}

static bool exists(struct local_apic *apic, uint32_t number)
{
    if (number < LOCAL_APIC_REGISTERS && access[number])
        return true;
    apic_error(apic, ESR_ILLEGAL_REGISTER);
    return false;
}

uint64_t local_apic_mmio_read(struct local_apic *apic, uint32_t offset, unsigned bytes)
{
    uint32_t number = offset / 16, within = offset % 16, value;

    if (!in_xapic_mode(apic) || offset >= PAGE_SIZE || !bytes || bytes > 4 || within + bytes > 4 ||
        !exists(apic, number))
        return 0;
    switch (number) {
    case APIC_PPR:
        value = apic_processor_priority(apic);
        break;
    case APIC_CURRENT_COUNT:
        value = apic_timer_count(apic);
        break;
    default:
        value = apic_get(apic, number);
    }
    return (value & (uint32_t)((1ull << 8 * (within + bytes)) - 1)) >> 8 * within;
}

static enum local_apic_result store(struct local_apic *apic, uint32_t number, uint32_t value)
{
    switch (number) {
    case APIC_ID:
        apic_set(apic, APIC_ID, apic->id << 24);
        return LOCAL_APIC_DONE;
    case APIC_LDR:
        apic_set(apic, APIC_LDR, value & LDR_WRITABLE);
        return LOCAL_APIC_DONE;
    case APIC_DFR:
        apic_set(apic, APIC_DFR, (value & DFR_WRITABLE) | ~DFR_WRITABLE);
        return LOCAL_APIC_DONE;
    case APIC_ICR_HIGH:
        apic_set(apic, APIC_ICR_HIGH, value & LDR_WRITABLE);
        return LOCAL_APIC_DONE;
    case APIC_ICR:
        apic_set(apic, APIC_ICR, value & ICR_WRITABLE);
        return apic_send(apic, value & ICR_WRITABLE, apic_get(apic, APIC_ICR_HIGH) >> 24);
    default:
        return apic_store(apic, number, value);
    }
}

enum local_apic_result local_apic_mmio_write(struct local_apic *apic, uint32_t offset,
                                             unsigned bytes, uint64_t value)
{
    if (!in_xapic_mode(apic) || offset >= PAGE_SIZE || bytes != 4 || offset % 16)
        return LOCAL_APIC_DONE;
    if (!exists(apic, offset / 16))
        return LOCAL_APIC_EVENTS;
    if (!(access[offset / 16] & WRITE))
        return LOCAL_APIC_DONE;
    return store(apic, offset / 16, (uint32_t)value);
}

enum local_apic_result local_apic_page_written(struct local_apic *apic, uint32_t offset)
{
    uint32_t number = offset / 16 % (PAGE_SIZE / 16), value = apic_get(apic, number);

    /* These two hold nothing. */
    if (number == APIC_EOI || number == APIC_SELF_IPI)
        apic_set(apic, number, 0);
    if (apic_in_x2apic_mode(apic))
        return number == APIC_SELF_IPI ? apic_self_ipi(apic, (uint8_t)value)
               : number == APIC_EOI    ? apic_end_of_interrupt(apic)
                                       : LOCAL_APIC_EVENTS;
    /* Writes of the others are no APIC-write exits. */
    if (!exists(apic, number) || !(access[number] & WRITE))
        return LOCAL_APIC_EVENTS;
    return store(apic, number, value);
}
