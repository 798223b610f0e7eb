/* SPDX-License-Identifier: MIT */
#include "space.h"

#include "../../core/boot/acpi.h"
#include "../../core/boot/memory.h"
#include "../../core/platform.h"
#include "../blob.h"
#include "../image/guest_memory.h"
#include "enter.h"

#include <string.h>

#define PRESENT    1ull
#define WRITE      2ull
#define UNCACHED   0x18ull
#define LARGE      0x80ull
#define LARGE_PAGE 0x200000ull

/* The page directory of the first GiB, which rows change, too (blob/delivery.c). */
#define DIRECTORY (GUEST_PAGE_TABLES + 8192)

/* Its registers are 0 to 0x3ff; register 0 can only be read, and that of 0x10 starts as 0. */
#define HPET_USUAL 0xfed00000ull
#define HPET_INTEL 0x8086u
#define HPET_SPEED 100000000u /* femtoseconds a tick, at most */

static struct memory_range own; /* the image, in pages of 2 MiB */
static uint64_t device_table[512] __attribute__((aligned(4096)));

struct __attribute__((packed)) hpet_table {
    struct acpi_table head;
    uint32_t id;
    uint8_t address_space; /* 0: memory */
    uint8_t width, offset, access;
    uint64_t address;
};

static bool is_hpet(uint64_t address)
{
    const volatile uint32_t *registers = platform_at(address);
    uint32_t id, period;

    if (!registers || address % PAGE_SIZE)
        return false;
    id = registers[0];
    period = registers[1];
    return id >> 16 != 0xffff && id & 0xff && period && period <= HPET_SPEED;
}

/* By ACPI; on a machine that has none, where every PC has it. */
static uint64_t find_hpet(const struct boot_information *information)
{
    const struct hpet_table *table = (const void *)acpi_table(information, "HPET");
    uint64_t address = HPET_USUAL;

    if (information->rsdp) {
        if (!table || table->head.length < sizeof(*table) || table->address_space != 0)
            return 0;
        address = table->address;
    }
    return is_hpet(address) ? address : 0;
}

const char *space_make(struct space *space, const struct boot_information *information,
                       struct memory_range image)
{
    const struct memory_range first = {GUEST_PAGE_TABLES, GUEST_PAGE_TABLES + PAGE_SIZE};

    if (!memory_is_usable(information, first))
        return "the page at 0x1000, where the guests have their page table, is no RAM here";
    own.start = image.start & ~(LARGE_PAGE - 1);
    own.end = (image.end + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    space->memory = memory_claim(GUEST_MEMORY_SIZE / PAGE_SIZE, LARGE_PAGE);
    if (!space->memory)
        return "this machine has too little memory for a guest; 256 MiB are enough";
    space->device = find_hpet(information);
    return NULL;
}

static void map(const struct space *space, uint64_t linear, uint64_t physical, uint64_t bytes)
{
    uint64_t *directory = (uint64_t *)(space->memory + DIRECTORY);

    for (uint64_t at = 0; at < bytes; at += LARGE_PAGE)
        directory[(linear + at) / LARGE_PAGE] = (physical + at) | PRESENT | WRITE | LARGE;
}

static void map_device(const struct space *space)
{
    uint64_t *directory = (uint64_t *)(space->memory + DIRECTORY);

    device_table[0] = space->device ? space->device | PRESENT | WRITE | UNCACHED : 0;
    directory[GUEST_DEVICE_BASE / LARGE_PAGE] = (uint64_t)device_table | PRESENT | WRITE;
}

void space_load(struct space *space, const void *blob)
{
    uint64_t base = platform_physical(space->memory);
    uint64_t *pml4 = platform_at(GUEST_PAGE_TABLES);

    guest_memory_load(space->memory, blob);
    struct blob_header *header = (struct blob_header *)(space->memory + GUEST_BLOB_BASE);
    header->leave = (uint64_t)direct_leave;

    uint64_t *tables = (uint64_t *)(space->memory + GUEST_PAGE_TABLES);
    memset(tables, 0, 3 * PAGE_SIZE);
    tables[512] = (base + DIRECTORY) | PRESENT | WRITE;
    map(space, 0, base, GUEST_MEMORY_SIZE);
    map(space, GUEST_DEMAND_BASE, base, GUEST_DEMAND_SIZE); /* until it is renewed */
    map(space, own.start, own.start, own.end - own.start);
    map_device(space);
    memset(pml4, 0, PAGE_SIZE);
    pml4[0] = (base + GUEST_PAGE_TABLES + PAGE_SIZE) | PRESENT | WRITE;
}

bool space_renew_demand(struct space *space, uint32_t samples)
{
    uint64_t bytes = (samples + 1) * PAGE_SIZE; /* one beside the samples' */
    void *pages = memory_claim((bytes + PAGE_SIZE - 1) / PAGE_SIZE, LARGE_PAGE);

    if (!pages || bytes > GUEST_DEMAND_SIZE)
        return false;
    map(space, GUEST_DEMAND_BASE, platform_physical(pages), bytes);
    return true;
}
