/* SPDX-License-Identifier: MIT */
/*
 * Linux: the setup header of a bzImage, its protected-mode part, the zero page (struct boot_params)
 * and what that points to, as Documentation/arch/x86/boot.rst has it.
 */
#include "load_kinds.h"
#include "load_start.h"

#include "../../core/boot/string.h"

#define HEADER_OFFSET    0x1f1u /* in the file and in the zero page */
#define HEADER_JUMP      0x201u /* the byte that says how far behind 0x202 the header reaches */
#define HEADER_LEAST     0x23cu /* cmdline_size, the last that the oldest protocol has */
#define HEADER_LIMIT     0x290u /* what follows in the zero page */
#define MAGIC_OFFSET     0x202u
#define MAGIC            "HdrS"
#define BOOT_FLAG        0xaa55u
#define SECTOR           512ul
#define SETUP_SECTORS    4u /* where the header says 0 */
#define PARAGRAPH        16ul
#define VERSION_OLDEST   0x206u /* relocatable kernels and cmdline_size */
#define VERSION_PLACE    0x20au /* pref_address and init_size */
#define VERSION_XLOAD    0x20cu /* xloadflags */
#define LOADER_UNDEFINED 0xffu
#define ENTRY_64         0x200ul
/* How much room a kernel takes that does not say: GRUB's guess. */
#define UNPACKED_FACTOR 3ul

_Static_assert(HEADER_OFFSET + sizeof(struct setup_header) <= 2 * SECTOR, "lies in any image");
_Static_assert(__builtin_offsetof(struct boot_params, hdr) == HEADER_OFFSET, "in the same place");
_Static_assert(LOAD_RANGES_MAX == E820_MAX_ENTRIES_ZEROPAGE, "each has its entry");

struct kernel {
    struct setup_header header; /* its copy in the making */
    const uint8_t *part;        /* the protected-mode part */
    uint64_t size, room;
};

bool load_is_linux(const struct load_request *request)
{
    return request->image_size >= 2 * SECTOR &&
           !memcmp((const char *)request->image + MAGIC_OFFSET, MAGIC, 4);
}

static const char *check_header(struct load_plan *plan, const struct setup_header *header)
{
    unsigned end = MAGIC_OFFSET + ((const uint8_t *)plan->request->image)[HEADER_JUMP];

    if (header->boot_flag != BOOT_FLAG)
        return load_refuse(plan, "bzImage: the boot flag is 0x%x instead of 0x%x",
                           header->boot_flag, BOOT_FLAG);
    if (header->version < VERSION_OLDEST)
        return load_refuse(plan, "bzImage: boot protocol %u.%02u is too old; it takes 2.06",
                           header->version >> 8, header->version & 0xff);
    if (!(header->loadflags & LOADED_HIGH))
        return load_refuse(plan, "a zImage, which loads below 1 MiB; build a bzImage");
    if (end < HEADER_LEAST || end > HEADER_LIMIT)
        return load_refuse(plan, "bzImage: the setup header ends at 0x%x, and not in 0x%x-0x%x",
                           end, HEADER_LEAST, HEADER_LIMIT);
    if (!load_power_of_2(header->kernel_alignment) || header->kernel_alignment < LOAD_PAGE)
        return load_refuse(plan, "bzImage: a kernel_alignment of 0x%x is no power of 2 from 0x%lx",
                           header->kernel_alignment, LOAD_PAGE);
    return NULL;
}

/* Makes good what older protocols do not say, so that no one asks for the version again. */
static void complete_header(struct kernel *kernel)
{
    struct setup_header *header = &kernel->header;

    if (header->version < VERSION_XLOAD)
        header->xloadflags = 0;
    if (header->version < VERSION_PLACE) {
        header->pref_address = LOAD_MIB;
        header->init_size = 0;
        kernel->room = kernel->size * UNPACKED_FACTOR;
    } else {
        kernel->room = header->init_size > kernel->size ? header->init_size : kernel->size;
    }
}

static const char *open_kernel(struct load_plan *plan, struct kernel *kernel)
{
    const struct load_request *request = plan->request;
    struct setup_header *header = &kernel->header;

    memcpy(header, (const char *)request->image + HEADER_OFFSET, sizeof(*header));
    const char *wrong = check_header(plan, header);
    if (wrong)
        return wrong;
    uint64_t setup = (header->setup_sects ? header->setup_sects : SETUP_SECTORS) * SECTOR + SECTOR;
    uint64_t named = header->syssize * PARAGRAPH;
    if (!named)
        return load_refuse(plan, "bzImage: there is no protected-mode part: syssize is 0");
    /* syssize is rounded up, so the file may lack a part of its last paragraph. */
    if (setup >= request->image_size || request->image_size - setup + (PARAGRAPH - 1) < named)
        return load_refuse(plan, "bzImage: truncated; it has 0x%lx bytes of 0x%lx",
                           request->image_size, setup + named);
    kernel->part = (const uint8_t *)request->image + setup;
    kernel->size = request->image_size - setup;
    if (kernel->size > named)
        kernel->size = named;
    complete_header(kernel);
    return NULL;
}

/* Where it prefers to be; a relocatable one else above, where it would run anyway. */
static const char *place_kernel(struct load_plan *plan, struct kernel *kernel, uint64_t *at)
{
    struct setup_header *header = &kernel->header;
    const struct load_wish wish = {
        .what = "the kernel",
        .room = kernel->room,
        .size = kernel->size,
        .from = kernel->part,
        .from_size = kernel->size,
        .align = header->kernel_alignment,
        .min = header->pref_address,
        .max = LOAD_LIMIT,
    };

    if (header->pref_address < LOAD_MIB || header->pref_address >= LOAD_LIMIT)
        return load_refuse(plan, "bzImage: pref_address 0x%llx is not in 1 MiB to 4 GiB",
                           header->pref_address);
    *at = header->pref_address;
    if (header->relocatable_kernel && !load_find(plan, &wish, at))
        *at = (header->pref_address + wish.align - 1) & -wish.align; /* to be named: not free */
    return load_put(plan, &wish, *at);
}

static const char *place_initrd(struct load_plan *plan, struct setup_header *header)
{
    const struct load_request *request = plan->request;
    const struct load_wish wish = {
        .what = "the initial RAM disk",
        .room = request->initrd_size,
        .size = request->initrd_size,
        .from = request->initrd,
        .from_size = request->initrd_size,
        .align = LOAD_PAGE,
        .min = LOAD_MIB,
        .max = header->initrd_addr_max + 1ul,
        .high = true,
    };
    uint64_t at = 0;
    const char *wrong = request->initrd ? load_place(plan, &wish, &at) : NULL;

    header->ramdisk_image = (uint32_t)at;
    header->ramdisk_size = (uint32_t)request->initrd_size;
    return wrong;
}

static const char *place_cmdline(struct load_plan *plan, struct setup_header *header)
{
    const char *cmdline = plan->request->cmdline ? plan->request->cmdline : "";
    uint64_t length = strlen(cmdline), at = 0;
    const struct load_wish wish = {
        .what = "the command line",
        .room = length + 1,
        .size = length + 1,
        .from = cmdline,
        .from_size = length + 1,
        .align = 16,
        .min = LOAD_LOW,
        .max = LOAD_LIMIT,
    };

    if (length > header->cmdline_size)
        return load_refuse(plan, "the command line has %lu characters; this kernel takes %u",
                           length, header->cmdline_size);
    const char *wrong = load_place(plan, &wish, &at);
    header->cmd_line_ptr = (uint32_t)at;
    return wrong;
}

static const char *place_zero_page(struct load_plan *plan, const struct setup_header *header,
                                   uint64_t *at)
{
    const struct load_request *request = plan->request;
    struct boot_params *page = &plan->scratch->zero_page;
    const struct load_wish wish = {
        .what = "the zero page",
        .room = sizeof(*page),
        .size = sizeof(*page),
        .from = page,
        .from_size = sizeof(*page),
        .align = LOAD_PAGE,
        .min = LOAD_LOW,
        .max = LOAD_LIMIT,
    };
    uint8_t end = ((const uint8_t *)request->image)[HEADER_JUMP];
    uint64_t known = HEADER_OFFSET + sizeof(*header);

    /* As much as the kernel's own header has; of that, what is known here is in our copy. */
    memcpy((char *)page + HEADER_OFFSET, (const char *)request->image + HEADER_OFFSET,
           MAGIC_OFFSET + end - HEADER_OFFSET);
    memcpy(&page->hdr, header,
           MAGIC_OFFSET + end < known ? MAGIC_OFFSET + end - HEADER_OFFSET : sizeof(*header));
    page->acpi_rsdp_addr = request->acpi_rsdp;
    page->e820_entries = (uint8_t)request->map_count;
    for (unsigned i = 0; i < request->map_count; i++) {
        const struct load_range *range = &request->map[i];
        page->e820_table[i] =
            (struct boot_e820_entry){range->start, range->end - range->start, range->type};
    }
    return load_place(plan, &wish, at);
}

static const char *choose_start(struct load_plan *plan, const struct kernel *kernel,
                                enum load_start *start)
{
    bool has_64 = kernel->header.xloadflags & XLF_KERNEL_64;

    *start = has_64 ? LOAD_START_LONG : LOAD_START_PROTECTED;
    if (plan->request->start_given)
        *start = plan->request->start;
    if (*start == LOAD_START_REAL)
        return load_refuse(plan, "a bzImage starts in protected or long mode here, not in real "
                                 "mode, which takes a BIOS");
    if (*start == LOAD_START_LONG && !has_64)
        return load_refuse(plan, "this bzImage has no 64-bit entry; it starts in protected mode");
    if (*start == LOAD_START_LONG && kernel->size <= ENTRY_64)
        return load_refuse(plan, "bzImage: its 0x%lx bytes end before the 64-bit entry at 0x%lx",
                           kernel->size, ENTRY_64);
    return NULL;
}

const char *load_linux(struct load_plan *plan)
{
    struct kernel kernel;
    struct setup_header *header = &kernel.header;
    enum load_start start;
    uint64_t at = 0;

    const char *wrong = open_kernel(plan, &kernel);
    if (!wrong)
        wrong = choose_start(plan, &kernel, &start);
    if (!wrong)
        wrong = place_kernel(plan, &kernel, &at);
    if (wrong)
        return wrong;
    header->type_of_loader = LOADER_UNDEFINED;
    header->loadflags &= (uint8_t) ~(KEEP_SEGMENTS | CAN_USE_HEAP);
    header->code32_start = (uint32_t)at;
    header->ext_loader_type = 0;
    header->ext_loader_ver = 0;
    header->setup_data = 0;
    wrong = place_initrd(plan, header);
    if (!wrong)
        wrong = place_cmdline(plan, header);
    if (!wrong)
        wrong = place_zero_page(plan, header, &plan->result->rsi);
    if (!wrong)
        wrong = load_prepare_start(plan, start);
    plan->result->rip = at + (start == LOAD_START_LONG ? ENTRY_64 : 0);
    return wrong;
}
