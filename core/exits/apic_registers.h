/* SPDX-License-Identifier: MIT */
/*
 * Registers of the local APIC by number, and their fields (SDM Vol. 3A chapter 11). A register's
 * number is the xAPIC's offset divided by 16, and the x2APIC's MSR less 0x800. For the files of
 * the guest's local APIC alone; local_apic.h is what others use.
 */
#ifndef EXITMETER_CORE_EXITS_APIC_REGISTERS_H
#define EXITMETER_CORE_EXITS_APIC_REGISTERS_H

#include "local_apic.h"

enum {
    APIC_ID = 0x02,
    APIC_VERSION = 0x03,
    APIC_TPR = LOCAL_APIC_TPR,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_LDR = 0x0d,
    APIC_DFR = 0x0e, /* xAPIC mode alone */
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10, /* eight registers, as the two below */
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_CMCI = 0x2f,
    APIC_ICR = 0x30,
    APIC_ICR_HIGH = 0x31, /* xAPIC mode alone: the x2APIC's ICR is 64 bits wide */
    APIC_LVT_TIMER = 0x32,
    APIC_LVT_THERMAL = 0x33,
    APIC_LVT_PERFORMANCE = 0x34,
    APIC_LVT_LINT0 = 0x35,
    APIC_LVT_LINT1 = 0x36,
    APIC_LVT_ERROR = 0x37,
    APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39,
    APIC_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f, /* x2APIC mode alone */
};

#define LOWEST_VECTOR 16u

#define LVT_MASKED         (1u << 16)
#define LVT_TIMER_MODE     (3u << 17)
#define LVT_TIMER_ONE_SHOT (0u << 17)
#define LVT_TIMER_PERIODIC (1u << 17)
#define LVT_TIMER_DEADLINE (2u << 17)

#define SVR_ENABLED (1u << 8)

#define ESR_SEND_ILLEGAL_VECTOR    (1u << 5)
#define ESR_RECEIVE_ILLEGAL_VECTOR (1u << 6)
#define ESR_ILLEGAL_REGISTER       (1u << 7) /* xAPIC mode alone: in x2APIC mode it is a #GP */

/*
 * Other vCPUs look at the registers that destinations are matched against, so those are stored
 * and loaded whole.
 */
static inline uint32_t apic_get(const struct local_apic *apic, uint32_t number)
{
    return __atomic_load_n(&apic->page[4 * number], __ATOMIC_RELAXED);
}

static inline void apic_set(struct local_apic *apic, uint32_t number, uint32_t value)
{
    __atomic_store_n(&apic->page[4 * number], value, __ATOMIC_RELAXED);
}

static inline bool apic_in_x2apic_mode(const struct local_apic *apic)
{
    return __atomic_load_n(&apic->base, __ATOMIC_RELAXED) & APIC_BASE_X2APIC;
}

static inline bool apic_enabled(const struct local_apic *apic)
{
    return __atomic_load_n(&apic->base, __ATOMIC_RELAXED) & APIC_BASE_ENABLE;
}

static inline bool apic_software_enabled(const struct local_apic *apic)
{
    return apic_get(apic, APIC_SVR) & SVR_ENABLED;
}

/* State after INIT; the mode and the base stay (apic_mode.c). */
void apic_registers_reset(struct local_apic *apic);

/* What a write of a register does, its reserved bits gone (local_apic.c). */
enum local_apic_result apic_store(struct local_apic *apic, uint32_t number, uint32_t value);

/* EOI, SDM Vol. 3A 11.8.5 (apic_priority.c). */
enum local_apic_result apic_end_of_interrupt(struct local_apic *apic);

/* The higher of TPR and the highest vector in service, by class. */
uint32_t apic_processor_priority(const struct local_apic *apic);

/* The highest vector set in the eight registers from first on; -1 if there is none. */
int apic_highest(const struct local_apic *apic, uint32_t first);

/*
 * ESR bits, kept until the ESR is written; and the error interrupt, unless it is masked
 * (apic_error.c).
 */
void apic_error(struct local_apic *apic, uint32_t bits);

/* A write of the ESR: what has occurred since the last can be read from now on. */
void apic_error_latch(struct local_apic *apic);

/* The interrupt of an entry of the local vector table, if it is not masked. */
void apic_local_interrupt(struct local_apic *apic, uint32_t entry);

/* Timer (apic_timer.c): what writes of its registers do, and what the current count reads. */
void apic_timer_reset(struct local_apic *apic);
void apic_timer_set_count(struct local_apic *apic, uint32_t count);
void apic_timer_set_divide(struct local_apic *apic, uint32_t divide);
uint32_t apic_timer_count(const struct local_apic *apic);
void apic_timer_lvt_changed(struct local_apic *apic); /* behind every change of its entry */

/*
 * A write of the ICR, its destination in the form of the mode: 32 bits in x2APIC mode, 8 in xAPIC
 * mode; and one of the self-IPI register (apic_command.c).
 */
enum local_apic_result apic_send(struct local_apic *apic, uint32_t command, uint32_t destination);
enum local_apic_result apic_self_ipi(struct local_apic *apic, uint8_t vector);

#endif
