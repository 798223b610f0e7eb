/* SPDX-License-Identifier: MIT */
#include "machine_ports.h"

#define PORTS_A 0x8000u /* ports of I/O bitmap A */

#define RESET_CONTROL    0xcf9u
#define RESET_CPU        (1u << 2)
#define KEYBOARD_COMMAND 0x64u
#define KEYBOARD_PULSES  0xf0u /* of the lines whose bits are clear; bit 0 is reset */
#define SYSTEM_CONTROL   0x92u
#define FAST_RESET       1u
#define BOCHS_SHUTDOWN   0x8900u
#define SLEEP_BYTE       1u /* of the two of PM1 control */
#define SLEEP_ENABLE     (1u << 5)

static bool sleeps(const struct machine_ports *what, uint16_t port, uint8_t value)
{
    for (unsigned i = 0; i < FADT_CONTROLS; i++)
        if (what->fadt.control[i] && port == what->fadt.control[i] + SLEEP_BYTE)
            return value & SLEEP_ENABLE;
    return false;
}

static bool resets(uint16_t port, uint8_t value)
{
    switch (port) {
    case RESET_CONTROL:
        return value & RESET_CPU;
    case KEYBOARD_COMMAND:
        return value >= KEYBOARD_PULSES && !(value & 1);
    case SYSTEM_CONTROL:
        return value & FAST_RESET;
    default:
        return false;
    }
}

static enum port_result stop(struct machine_ports *what, enum machine_end end, const char *text)
{
    what->end = end;
    what->text = text;
    return PORT_REFUSED;
}

static enum port_result guarded(struct vcpu *vcpu, void *context, uint16_t port, unsigned bytes,
                                bool write, uint32_t *value)
{
    struct machine_ports *what = context;

    (void)vcpu;
    for (unsigned i = 0; write && i < bytes; i++) {
        uint16_t at = (uint16_t)(port + i);
        uint8_t byte = (uint8_t)(*value >> 8 * i);
        /* PCI's configuration address, which is 4 bytes wide, resets nothing. */
        if (at == RESET_CONTROL && bytes == 4)
            break;
        if (sleeps(what, at, byte))
            return stop(what, MACHINE_POWERED_OFF, "a sleep state of ACPI");
        if (at == BOCHS_SHUTDOWN)
            return stop(what, MACHINE_POWERED_OFF, "port 0x8900");
        if (resets(at, byte))
            return stop(what, MACHINE_RESET,
                        at == RESET_CONTROL      ? "port 0xcf9"
                        : at == KEYBOARD_COMMAND ? "the keyboard controller"
                                                 : "port 0x92");
    }
    ports_forward(port, bytes, write, value);
    return PORT_DONE;
}

bool machine_ports_claim(struct machine_ports *what, struct ports *ports, uint8_t *io_bitmap_a,
                         uint8_t *io_bitmap_b)
{
    const struct {
        uint16_t first, count;
    } taken[] = {
        {what->fadt.control[0], what->fadt.control[0] ? 2 : 0},
        {what->fadt.control[1], what->fadt.control[1] ? 2 : 0},
        {RESET_CONTROL - 1, 4},
        {KEYBOARD_COMMAND, 1},
        {SYSTEM_CONTROL, 1},
        {BOCHS_SHUTDOWN, 1},
    };

    what->end = MACHINE_NOT_ENDED;
    for (unsigned i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        unsigned first = taken[i].first, behind = first + taken[i].count;
        if (taken[i].count &&
            !ports_add(ports, taken[i].first, (uint16_t)(behind - 1), guarded, what))
            return false;
        for (unsigned port = first; port < behind; port++) {
            uint8_t *bitmap = port < PORTS_A ? io_bitmap_a : io_bitmap_b;
            bitmap[port % PORTS_A / 8] |= (uint8_t)(1u << port % 8);
        }
    }
    return true;
}
