/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "load_kinds.h"
#include "load_multiboot.h"

#include "../../core/boot/string.h"

#include <elf.h>

_Static_assert(sizeof(struct load_scratch) <= LOAD_SCRATCH, "what a loader composes fits");

/* Asked in this order; what is none of them can only be flat. */
static const struct {
    const char *name;
    bool (*is)(const struct load_request *request);
    const char *(*load)(struct load_plan *plan);
} kinds[LOAD_KINDS] = {
    [LOAD_LINUX] = {"Linux bzImage", load_is_linux, load_linux},
    [LOAD_MULTIBOOT2] = {"multiboot 2", load_is_multiboot2, load_multiboot2},
    [LOAD_MULTIBOOT1] = {"multiboot 1", load_is_multiboot1, load_multiboot1},
    [LOAD_FLAT] = {"flat", NULL, NULL},
};

/* What is known of other images, to say what this one is. */
static const struct {
    uint64_t offset;
    const char *magic;
    bool short_magic; /* code could begin so too */
    const char *is;
} foreign[] = {
    {0, ELFMAG, false, "an ELF file without a multiboot header in its first 32 KiB"},
    {56, "ARM\x64", false, "a Linux image for AArch64; this is an x86 machine"},
    {0, "\x1f\x8b", true, "compressed with gzip; unpack it first"},
    {0, "\xfd\x37zXZ", true, "compressed with xz; unpack it first"},
};

static const char *refuse_foreign(struct load_plan *plan)
{
    const struct load_request *request = plan->request;

    for (unsigned i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        uint64_t length = strlen(foreign[i].magic);
        if (!(foreign[i].short_magic && request->start_given) &&
            load_within(foreign[i].offset, length, request->image_size) &&
            !memcmp((const char *)request->image + foreign[i].offset, foreign[i].magic, length))
            return load_refuse(plan, "the image is %s", foreign[i].is);
    }
    return NULL;
}

static const char *check_request(struct load_plan *plan)
{
    const struct load_request *request = plan->request;

    if (!request->image || !request->image_size)
        return load_refuse(plan, "the image is empty");
    if (request->image_size > LOAD_LIMIT || request->initrd_size > LOAD_LIMIT)
        return load_refuse(plan,
                           "an image of 0x%lx and an initial RAM disk of 0x%lx bytes are "
                           "more than 4 GiB",
                           request->image_size, request->initrd_size);
    if (!request->initrd != !request->initrd_size)
        return load_refuse(plan, "the initial RAM disk is empty");
    if (request->start_given && (unsigned)request->start >= LOAD_STARTS)
        return load_refuse(plan, "there is no start mode %u", (unsigned)request->start);
    if (request->cmdline && strlen(request->cmdline) > LOAD_CMDLINE_MAX)
        return load_refuse(plan, "the command line has %lu characters; %u is the most",
                           strlen(request->cmdline), LOAD_CMDLINE_MAX);
    if (!request->rsdp != !request->rsdp_size ||
        (request->rsdp && (request->rsdp_size < 20 || request->rsdp_size > LOAD_RSDP_MAX)))
        return load_refuse(plan, "an RSDP has 20 to %u bytes, not %lu", LOAD_RSDP_MAX,
                           request->rsdp_size);
    return load_check_map(plan);
}

const char *load_guest(const struct load_request *request, struct load_result *result,
                       void *scratch, uint64_t scratch_size)
{
    struct load_plan plan = {request, result, scratch};

    memset(result, 0, sizeof(*result));
    if (scratch_size < LOAD_SCRATCH || (uintptr_t)scratch % 8)
        return load_refuse(&plan, "a scratch of 0x%lx bytes at 0x%lx; it takes 0x%x, aligned to 8",
                           scratch_size, (uintptr_t)scratch, LOAD_SCRATCH);
    memset(scratch, 0, sizeof(struct load_scratch));
    const char *wrong = check_request(&plan);
    if (wrong)
        return wrong;
    for (unsigned kind = 0; kind < LOAD_KINDS; kind++)
        if (kinds[kind].is && kinds[kind].is(request)) {
            result->kind = (enum load_kind)kind;
            return kinds[kind].load(&plan);
        }
    if (!request->start_given)
        wrong = load_header_refuse_sum(&plan);
    if (!wrong)
        wrong = refuse_foreign(&plan);
    if (wrong)
        return wrong;
    if (request->start_given) {
        result->kind = LOAD_FLAT;
        return load_flat(&plan);
    }
    return load_refuse(&plan, "the image is no Linux bzImage and has no multiboot header; as a "
                              "flat one it takes a start mode: real, protected or long");
}

const char *load_kind_name(enum load_kind kind)
{
    return kinds[kind].name;
}
