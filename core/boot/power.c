/* SPDX-License-Identifier: MIT */
#include "power.h"

#include "../x86/instructions.h"
#include "debug_exit.h"
#include "soft_off.h"

#define BOCHS_SHUTDOWN 0x8900
#define QEMU_ACPI_PM1A 0x604
#define QEMU_SLEEP_S5  0x2000

void power_magic_break(void)
{
    __asm__ volatile("xchg %%bx, %%bx" : : : "memory");
}

void power_debug_exit(uint8_t code)
{
    x86_out8(DEBUG_EXIT_PORT, (uint8_t)DEBUG_EXIT_VALUE(code));
}

_Noreturn void power_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static struct soft_off by_acpi;

void power_know(const struct boot_information *information)
{
    soft_off_find(information, &by_acpi);
}

_Noreturn void power_off(void)
{
    for (const char *c = "Shutdown"; *c; c++)
        x86_out8(BOCHS_SHUTDOWN, (uint8_t)*c);
    soft_off(&by_acpi);
    x86_out16(QEMU_ACPI_PM1A, QEMU_SLEEP_S5);
    power_halt();
}
