/* SPDX-License-Identifier: MIT */
/*
 * The loaders under libFuzzer: `make fuzz`. The first bytes of the input choose the request, the
 * rest are the image, but for the magic numbers and checksums, which it would take long to invent.
 * What load_guest() promises of its pieces is checked, and breaking it aborts.
 */
#include "../loader/loader.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000ul

static const struct load_range map[] = {
    {0, 0x9f000, LOAD_RAM},           {0xf0000, 0x100000, LOAD_RESERVED},
    {0x100000, 64 * MIB, LOAD_RAM},   {64 * MIB, 80 * MIB, LOAD_RESERVED},
    {80 * MIB, 4096 * MIB, LOAD_RAM},
};
#define RANGES (sizeof(map) / sizeof(*map))

static const char initrd[0x1801], rsdp[36] = {[15] = 2};
static uint64_t scratch[LOAD_SCRATCH / 8];

static void require(int holds)
{
    if (!holds)
        abort();
}

static int is_ram(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < RANGES; i++)
        if (map[i].type == LOAD_RAM && start >= map[i].start && end <= map[i].end)
            return 1;
    return 0;
}

static void check(const struct load_result *result)
{
    require(result->piece_count > 0 && result->piece_count <= LOAD_PIECES_MAX);
    for (unsigned i = 0; i < result->piece_count; i++) {
        const struct load_piece *piece = &result->pieces[i];
        require(piece->to >= 4096 && is_ram(piece->to, piece->to + piece->room));
        require(piece->from_size <= piece->size && piece->size <= piece->room);
        for (uint64_t at = 0; at < piece->from_size; at++) /* all of it can be read */
            (void)((const volatile unsigned char *)piece->from)[at];
        for (unsigned j = 0; j < i; j++)
            require(piece->to + piece->room <= result->pieces[j].to ||
                    result->pieces[j].to + result->pieces[j].room <= piece->to);
    }
}

struct input {
    uint8_t choice, address, magic, reserved;
};

#define HEADER 0x80u /* of multiboot, where there is one */

static void put_32(uint8_t *image, size_t size, size_t at, uint32_t value)
{
    if (size >= at + sizeof(value))
        memcpy(image + at, &value, sizeof(value));
}

static uint32_t get_32(const uint8_t *image, size_t size, size_t at)
{
    uint32_t value = 0;

    if (size >= at + sizeof(value))
        memcpy(&value, image + at, sizeof(value));
    return value;
}

static void put_magic(uint8_t *image, size_t size, unsigned magic)
{
    uint32_t flags = get_32(image, size, HEADER + 4), length = get_32(image, size, HEADER + 8);

    if (magic == 1) {
        put_32(image, size, HEADER, 0x1badb002);
        put_32(image, size, HEADER + 8, -(0x1badb002 + flags));
    } else if (magic == 2) {
        put_32(image, size, HEADER, 0xe85250d6);
        put_32(image, size, HEADER + 12, -(0xe85250d6 + flags + length));
    } else if (magic == 3 && size >= 0x210) {
        memcpy(image + 0x1fe, "\x55\xaa", 2);
        memcpy(image + 0x202, "HdrS", 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct load_request request = {.map = map, .map_count = RANGES};
    struct load_result result;
    struct input input;

    if (size <= sizeof(input))
        return 0;
    memcpy(&input, data, sizeof(input));
    size -= sizeof(input);
    uint8_t *image = malloc(size); /* to the byte, for the sanitizer */
    memcpy(image, data + sizeof(input), size);
    put_magic(image, size, input.magic & 3);
    if (input.choice & 1) {
        request.initrd = initrd;
        request.initrd_size = sizeof(initrd);
    }
    if (input.choice & 2)
        request.cmdline = "one two";
    if (input.choice & 4) {
        request.rsdp = rsdp;
        request.rsdp_size = sizeof(rsdp);
    }
    request.start_given = input.choice & 8;
    request.start = (enum load_start)(input.choice >> 4 & 3);
    request.flat_address = input.address * 0x4321ul;
    request.image_size = size;
    request.image = image;
    if (!load_guest(&request, &result, scratch, sizeof(scratch)))
        check(&result);
    else
        require(strlen(result.text) > 0);
    free(image);
    return 0;
}
