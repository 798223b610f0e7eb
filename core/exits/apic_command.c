/* SPDX-License-Identifier: MIT */
/*
 * Interrupt commands: what the ICR sends, and to whom (SDM Vol. 3A 11.6, 11.12.9, 11.12.10).
 *
 * Lowest priority goes to the first member of the bus among those addressed that are enabled: which
 * one is the CPU model's own business (11.6.2.4), and this one is the same each time. What no one
 * is addressed by is dropped, and so are SMIs (a guest has no SMM), INIT level de-assert, the
 * reserved delivery modes, and the shorthands that tables 11-3 and 11-4 do not allow a mode.
 */
#include "apic_bus.h"
#include "apic_registers.h"

#define COMMAND_MODE      (7u << 8)
#define MODE_FIXED        (0u << 8)
#define MODE_LOWEST       (1u << 8)
#define MODE_NMI          (4u << 8)
#define MODE_INIT         (5u << 8)
#define MODE_STARTUP      (6u << 8)
#define COMMAND_LOGICAL   (1u << 11)
#define COMMAND_ASSERT    (1u << 14)
#define COMMAND_LEVEL     (1u << 15)
#define COMMAND_SHORTHAND (3u << 18)
#define SHORTHAND_NONE    (0u << 18)
#define SHORTHAND_SELF    (1u << 18)
#define SHORTHAND_ALL     (2u << 18)
#define SHORTHAND_OTHERS  (3u << 18)
#define X2APIC_BROADCAST  UINT32_MAX
#define XAPIC_BROADCAST   0xffu
#define DFR_MODEL(dfr)    ((dfr) >> 28)
#define DFR_FLAT          0xfu
#define DFR_CLUSTER       0u

/* Logical destinations: SDM Vol. 3A 11.6.2.2 and 11.12.10.1. */
static bool matches_logical(const struct local_apic *target, uint32_t destination, bool x2apic)
{
    uint32_t logical = apic_get(target, APIC_LDR), model;

    if (x2apic != apic_in_x2apic_mode(target))
        return false; /* each would read the other's form as something else */
    if (x2apic)
        return logical >> 16 == destination >> 16 && logical & destination & 0xffff;
    logical >>= 24;
    model = DFR_MODEL(apic_get(target, APIC_DFR));
    if (model == DFR_FLAT)
        return logical & destination;
    return model == DFR_CLUSTER && logical >> 4 == destination >> 4 && logical & destination & 0xf;
}

static bool addressed(const struct local_apic *from, const struct local_apic *target,
                      uint32_t command, uint32_t destination)
{
    bool x2apic = apic_in_x2apic_mode(from);

    if (!apic_enabled(target))
        return false;
    switch (command & COMMAND_SHORTHAND) {
    case SHORTHAND_SELF:
        return target == from;
    case SHORTHAND_ALL:
        return true;
    case SHORTHAND_OTHERS:
        return target != from;
    default:
        if (destination == (x2apic ? X2APIC_BROADCAST : XAPIC_BROADCAST))
            return true;
        return command & COMMAND_LOGICAL ? matches_logical(target, destination, x2apic)
                                         : target->id == destination;
    }
}

/* Tables 11-3 and 11-4. */
static bool allowed(uint32_t command)
{
    switch (command & COMMAND_MODE) {
    case MODE_FIXED:
        return true;
    case MODE_LOWEST:
    case MODE_NMI:
    case MODE_STARTUP:
        break;
    case MODE_INIT:
        if (command & COMMAND_LEVEL && !(command & COMMAND_ASSERT))
            return false;
        break;
    default:
        return false;
    }
    return (command & COMMAND_SHORTHAND) == SHORTHAND_NONE ||
           (command & COMMAND_SHORTHAND) == SHORTHAND_OTHERS;
}

static void deliver(struct local_apic *from, struct local_apic *target, uint32_t command)
{
    switch (command & COMMAND_MODE) {
    case MODE_NMI:
        apic_post_nmi(target);
        break;
    case MODE_INIT:
        apic_post_init(target);
        break;
    case MODE_STARTUP:
        apic_post_startup(target, (uint8_t)command);
        break;
    default:
        if (target == from)
            local_apic_request(target, (uint8_t)command);
        else
            apic_post_interrupt(target, (uint8_t)command);
    }
}

enum local_apic_result apic_send(struct local_apic *apic, uint32_t command, uint32_t destination)
{
    uint32_t mode = command & COMMAND_MODE;
    bool lowest = mode == MODE_LOWEST;
    struct local_apic *alone[] = {apic};
    struct local_apic **members = apic->bus ? apic->bus->members : alone;
    uint32_t count = apic->bus ? apic->bus->count : 1;

    if (!allowed(command))
        return LOCAL_APIC_DONE;
    if ((mode == MODE_FIXED || lowest) && (uint8_t)command < LOWEST_VECTOR) {
        apic_error(apic, ESR_SEND_ILLEGAL_VECTOR);
        return LOCAL_APIC_EVENTS;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!addressed(apic, members[i], command, destination) ||
            (lowest && !apic_software_enabled(members[i])))
            continue;
        deliver(apic, members[i], command);
        if (lowest)
            break;
    }
    return LOCAL_APIC_EVENTS;
}

enum local_apic_result apic_self_ipi(struct local_apic *apic, uint8_t vector)
{
    return apic_send(apic, SHORTHAND_SELF | vector, 0);
}
