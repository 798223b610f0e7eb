/* SPDX-License-Identifier: MIT */
/*
 * This CPU's own local APIC, in x2APIC mode where the CPU has it, else by its page (SDM Vol. 3A
 * chapter 11). The host takes no interrupt itself: they exit from a guest, acknowledged, and here
 * they end. A policy that passes the x2APIC's MSRs through gives this APIC to the guest.
 */
#ifndef EXITMETER_CORE_BOOT_APIC_H
#define EXITMETER_CORE_BOOT_APIC_H

#include <stdint.h>

/* Registers by the xAPIC's offset divided by 16, which is the x2APIC's MSR less 0x800. */
enum apic_register {
    APIC_REGISTER_ID = 0x02,
    APIC_REGISTER_TPR = 0x08,
    APIC_REGISTER_EOI = 0x0b,
    APIC_REGISTER_SVR = 0x0f,
    APIC_REGISTER_IN_SERVICE = 0x10, /* eight of them */
    APIC_REGISTER_REQUESTED = 0x20,  /* as well */
    APIC_REGISTER_COMMAND = 0x30,
    APIC_REGISTER_COMMAND_HIGH = 0x31, /* xAPIC alone */
    APIC_REGISTER_TIMER = 0x32,
    APIC_REGISTER_INITIAL_COUNT = 0x38,
    APIC_REGISTER_CURRENT_COUNT = 0x39,
    APIC_REGISTER_DIVIDE = 0x3e,
};

/* Interrupt command, SDM Vol. 3A 11.6.1. */
#define APIC_COMMAND_NMI     (4u << 8)
#define APIC_COMMAND_INIT    (5u << 8)
#define APIC_COMMAND_STARTUP (6u << 8) /* [7:0] is the page that the CPU starts at */
#define APIC_COMMAND_ASSERT  (1u << 14)
#define APIC_COMMAND_OTHERS  (3u << 18) /* all CPUs but this one, whatever the destination */

#define APIC_SPURIOUS_VECTOR 0xffu

/*
 * Enables this CPU's, whatever state it is in. In the mode that it is in, until apic_use_x2apic():
 * the way back from x2APIC mode is one that not every machine offers.
 */
void apic_start(void);

/*
 * From now on in x2APIC mode, on CPUs that have it, this one at once: what passing its MSRs through
 * to a guest of ours needs.
 */
void apic_use_x2apic(void);

uint32_t apic_id(void);
uint32_t apic_read(enum apic_register which);
void apic_write(enum apic_register which, uint32_t value);

/* Sends an interrupt; waits, in xAPIC mode, until it has left. */
void apic_command(uint32_t destination, uint32_t command);

#endif
