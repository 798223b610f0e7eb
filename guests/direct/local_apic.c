/* SPDX-License-Identifier: MIT */
#include "local_apic.h"

#include "../../core/boot/apic.h"
#include "../../core/platform.h"

#define VECTORS      256
#define LVT_MASKED   (1u << 16)
#define PER_REGISTER 32

/* Whether any bit of the eight registers from there on is set. */
static bool any_of(enum apic_register first)
{
    uint32_t any = 0;

    for (int i = 0; i < VECTORS / PER_REGISTER; i++)
        any |= apic_read((enum apic_register)(first + i));
    return any;
}

void local_apic_anew(void)
{
    apic_use_x2apic();
    apic_write(APIC_REGISTER_TIMER, LVT_MASKED); /* its mode with it: that disarms a deadline */
    apic_write(APIC_REGISTER_INITIAL_COUNT, 0);
    apic_write(APIC_REGISTER_TPR, 0);
    for (int left = VECTORS; left && any_of(APIC_REGISTER_IN_SERVICE); left--)
        platform_end_of_interrupt();
    for (int left = VECTORS; left && any_of(APIC_REGISTER_REQUESTED); left--)
        if (platform_take_interrupt() >= 0)
            platform_end_of_interrupt();
}
