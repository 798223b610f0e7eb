/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "../../core/exits/apic_mmio.h"
#include "../blob.h"
#include "driver.h"

#include <string.h>

#define LARGE_PAGE   0x200000ull
#define PORT_PAGES   3u            /* where those of ports that are emulated begin */
#define APIC_ADDRESS 0xfee00000ull /* guest-physical, as IA32_APIC_BASE has it */

_Static_assert(PLAN_CPUID_HIDDEN == CPUID_HIDDEN_MAX, "the core takes what a plan can say");
_Static_assert(PLAN_ANY_SUBLEAF == CPUID_ANY_SUBLEAF, "and means the same by it");

/* Mapped once, it can be mapped again: its tables stay. */
static bool map_apic_page(struct room *room, bool mapped)
{
    return ept_show_page(&room->ept, APIC_ADDRESS, platform_physical(room->apic_page), mapped);
}

const char *room_furnish(struct room *room, const struct vmx_capability *capability)
{
    room->guest_memory = platform_pages_allocate(GUEST_MEMORY_SIZE / PAGE_SIZE, LARGE_PAGE);
    room->bitmaps = platform_pages_allocate(ROOM_BITMAP_PAGES, PAGE_SIZE);
    if (!room->guest_memory || !room->bitmaps)
        return "no memory for the guest";
    const char *wrong = ept_create(&room->ept, capability);
    if (wrong)
        return wrong;
    if (!ept_map(&room->ept, 0, platform_physical(room->guest_memory), GUEST_MEMORY_SIZE, EPT_ALL))
        return "no memory for the guest's EPT";
    if (!room->ept.invept)
        return "INVEPT is not available";
    room->apic_page = platform_pages_allocate(1, PAGE_SIZE);
    if (!room->apic_page || !map_apic_page(room, true))
        return "no memory for the APIC-access page";
    if (!demand_create(&room->demand, &room->ept, GUEST_DEMAND_SIZE / PAGE_SIZE) ||
        !demand_add(&room->demand, GUEST_DEMAND_BASE, GUEST_DEMAND_SIZE))
        return "no memory for the guest's memory on demand";
    if (!dirty_log_create(&room->log, &room->ept, GUEST_LOGGED_BASE, GUEST_LOGGED_SIZE))
        return "no memory for the log of what guests write";
    room->device.demand = &room->demand;
    mmio_add(&room->mmio, GUEST_DEVICE_BASE, GUEST_DEVICE_SIZE, device_access, &room->device);
    mmio_add(&room->mmio, APIC_ADDRESS, PAGE_SIZE, apic_mmio, NULL);
    if (!mmio_add_trapped(&room->mmio, &room->ept, GUEST_TRAPPED_BASE, DEVICE_REGISTERS,
                          device_access, &room->device))
        return "no memory for the device's EPT";
    room->vcpu = vcpu_create(capability, &room->ept);
    if (!room->vcpu)
        return "no memory for the vCPU";
    room->vcpu->mmio = &room->mmio;
    if (room->driver->cpus > 1)
        return other_create(&room->other, room->vcpu);
    return NULL;
}

void room_clear(struct room *room)
{
    other_destroy(&room->other);
    vcpu_destroy(room->vcpu);
    demand_destroy(&room->demand);
    dirty_log_destroy(&room->log);
    ept_destroy(&room->ept);
    platform_pages_free(room->apic_page, 1);
    platform_pages_free(room->bitmaps, ROOM_BITMAP_PAGES);
    platform_pages_free(room->guest_memory, GUEST_MEMORY_SIZE / PAGE_SIZE);
}

static struct control_wish wish_of(const struct plan_controls *from)
{
    return (struct control_wish){from->set, from->clear, from->where_offered};
}

/* A vCPU without a table forwards, which is shorter: so they are there for rows that name them. */
void room_set_ports(struct room *room, bool there)
{
    room->ports.count = 0;
    if (there)
        ports_add(&room->ports, GUEST_PORTS, GUEST_PORTS + GUEST_PORTS_SIZE - 1, device_port,
                  &room->device);
}

static bool any(const uint8_t *bytes, size_t size)
{
    while (size > 0 && !bytes[size - 1])
        size--;
    return size > 0;
}

const uint8_t *room_ports_emulated(uint8_t *bitmaps, const struct plan_policy *from)
{
    uint8_t *ports = bitmaps + PORT_PAGES * PAGE_SIZE;

    memcpy(ports, from->port_emulated, sizeof(from->port_emulated));
    return any(ports, sizeof(from->port_emulated)) ? ports : NULL;
}

struct vcpu_policy room_policy(uint8_t *bitmaps, const struct plan_policy *from)
{
    memcpy(bitmaps, from->msr_bitmap, PAGE_SIZE);
    memcpy(bitmaps + PAGE_SIZE, from->io_bitmap_a, PAGE_SIZE);
    memcpy(bitmaps + 2 * PAGE_SIZE, from->io_bitmap_b, PAGE_SIZE);
    struct vcpu_policy policy = {
        .controls = {[CONTROL_PIN_BASED] = wish_of(&from->pin_based),
                     [CONTROL_PRIMARY] = wish_of(&from->primary),
                     [CONTROL_SECONDARY] = wish_of(&from->secondary)},
        .exception_bitmap = from->exception_bitmap,
        .cr0_mask = from->cr0_mask,
        .cr4_mask = from->cr4_mask,
        .msr_bitmap = bitmaps,
        .io_bitmap_a = bitmaps + PAGE_SIZE,
        .io_bitmap_b = bitmaps + 2 * PAGE_SIZE,
        .msr_answers = from->msr_answers,
    };
    for (unsigned i = 0; i < CPUID_HIDDEN_MAX; i++)
        policy.cpuid[i] = (struct cpuid_hidden){from->cpuid[i].leaf, from->cpuid[i].subleaf,
                                                from->cpuid[i].output, from->cpuid[i].bits};
    return policy;
}

bool room_apply(struct room *room, const struct plan_policy *from)
{
    room->policy = room_policy(room->bitmaps, from);
    bool access = from->secondary.set & SECONDARY_VIRTUALIZE_APIC_ACCESSES;
    if (room->cr3_target) {
        room->policy.cr3_targets[0] = GUEST_PAGE_TABLES;
        room->policy.cr3_target_count = 1;
    }
    map_apic_page(room, access);
    room->vcpu->apic_access_page = access ? platform_physical(room->apic_page) : 0;
    room->ports.ones = room_ports_emulated(room->bitmaps, from);
    room->vcpu->ports = room->ports.ones || room->ports.count ? &room->ports : NULL;
    return vcpu_apply_policy(room->vcpu, &room->policy);
}
