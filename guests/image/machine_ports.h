/* SPDX-License-Identifier: MIT */
/*
 * The ports that the core takes from a guest which has the machine: those by which it would be
 * switched off or reset, the profile with it. What else is done to them goes to the hardware.
 *
 *   PM1 control      a write of SLP_EN (ACPI 6.4, 4.8.3.2)
 *   0xcf9            reset control: bit 2. With it 0xcf8-0xcfb exit, as PCI configuration by 4
 *                    bytes at 0xcf8 touches it
 *   0x64             keyboard controller: a command that pulses the reset line
 *   0x92             bit 0: fast reset
 *   0x8900           Bochs's way to switch off
 */
#ifndef EXITMETER_GUESTS_IMAGE_MACHINE_PORTS_H
#define EXITMETER_GUESTS_IMAGE_MACHINE_PORTS_H

#include "../../core/boot/fadt.h"
#include "../../core/vmx/ports.h"
#include "../profile.h"

struct machine_ports {
    struct fadt_ports fadt;
    enum machine_end end; /* what the guest did, once a handler has stopped it for that */
    const char *text;     /* ... and by what */
};

/*
 * Claims them in ports, and has them exit under both I/O bitmaps, 4 KiB each. what->fadt is given.
 * False if there is no room.
 */
bool machine_ports_claim(struct machine_ports *what, struct ports *ports, uint8_t *io_bitmap_a,
                         uint8_t *io_bitmap_b);

#endif
