/* SPDX-License-Identifier: MIT */
#include "load_elf.h"

#include "../../core/boot/string.h"

#include <elf.h>

/* What both widths say of a segment. */
struct segment {
    uint32_t type;
    uint64_t offset, virtual, physical, file_size, memory_size, align;
};

static struct segment read_segment(const struct load_plan *plan, const struct load_elf *elf,
                                   unsigned index)
{
    const char *table = (const char *)plan->request->image + elf->segments;
    Elf64_Phdr wide;
    Elf32_Phdr narrow;

    if (elf->wide) {
        memcpy(&wide, table + index * sizeof(wide), sizeof(wide));
        return (struct segment){wide.p_type,   wide.p_offset, wide.p_vaddr, wide.p_paddr,
                                wide.p_filesz, wide.p_memsz,  wide.p_align};
    }
    memcpy(&narrow, table + index * sizeof(narrow), sizeof(narrow));
    return (struct segment){narrow.p_type,   narrow.p_offset, narrow.p_vaddr, narrow.p_paddr,
                            narrow.p_filesz, narrow.p_memsz,  narrow.p_align};
}

static bool is_loaded(const struct segment *segment)
{
    return segment->type == PT_LOAD && segment->memory_size;
}

/* What both widths say in the file header, read into the wide one. */
static const char *read_header(struct load_plan *plan, Elf64_Ehdr *header)
{
    const struct load_request *request = plan->request;
    const uint8_t *image = request->image;
    Elf32_Ehdr narrow;

    if (request->image_size < sizeof(narrow) || memcmp(image, ELFMAG, SELFMAG) != 0)
        return load_refuse(plan, "the image has a multiboot header without load addresses, and is "
                                 "no ELF file either");
    if (image[EI_DATA] != ELFDATA2LSB)
        return load_refuse(plan, "ELF: the byte order is %u, not little-endian", image[EI_DATA]);
    if (image[EI_CLASS] == ELFCLASS64 && request->image_size >= sizeof(*header)) {
        memcpy(header, image, sizeof(*header));
        return NULL;
    }
    if (image[EI_CLASS] != ELFCLASS32)
        return load_refuse(plan, "ELF: class %u in 0x%lx bytes is neither ELF32 nor ELF64",
                           image[EI_CLASS], request->image_size);
    memcpy(&narrow, image, sizeof(narrow));
    memcpy(header->e_ident, narrow.e_ident, EI_NIDENT);
    header->e_type = narrow.e_type;
    header->e_machine = narrow.e_machine;
    header->e_entry = narrow.e_entry;
    header->e_phoff = narrow.e_phoff;
    header->e_phentsize = narrow.e_phentsize;
    header->e_phnum = narrow.e_phnum;
    return NULL;
}

static const char *check_header(struct load_plan *plan, const Elf64_Ehdr *header)
{
    bool wide = header->e_ident[EI_CLASS] == ELFCLASS64;
    uint64_t entry_size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    if (header->e_machine != (wide ? EM_X86_64 : EM_386))
        return load_refuse(plan, "ELF%u: machine %u is not %s, so it does not run here",
                           wide ? 64 : 32, header->e_machine, wide ? "x86-64" : "i386");
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return load_refuse(plan, "ELF: type %u is no executable", header->e_type);
    if (header->e_phentsize != entry_size)
        return load_refuse(plan, "ELF: a program header has %u bytes instead of %lu",
                           header->e_phentsize, entry_size);
    if (!load_within(header->e_phoff, header->e_phnum * entry_size, plan->request->image_size))
        return load_refuse(plan,
                           "ELF: truncated; %u program headers at 0x%lx are not in 0x%lx bytes",
                           header->e_phnum, header->e_phoff, plan->request->image_size);
    return NULL;
}

static const char *check_segment(struct load_plan *plan, const struct segment *segment,
                                 unsigned index)
{
    if (segment->file_size > segment->memory_size)
        return load_refuse(plan, "ELF: segment %u has 0x%lx bytes in the file and 0x%lx in memory",
                           index, segment->file_size, segment->memory_size);
    if (!load_within(segment->offset, segment->file_size, plan->request->image_size))
        return load_refuse(
            plan, "ELF: truncated; segment %u, 0x%lx bytes at 0x%lx, is not in 0x%lx bytes", index,
            segment->file_size, segment->offset, plan->request->image_size);
    if (!load_within(segment->physical, segment->memory_size, LOAD_LIMIT))
        return load_refuse(plan, "ELF: segment %u, 0x%lx bytes for 0x%lx, is not below 4 GiB",
                           index, segment->memory_size, segment->physical);
    return NULL;
}

const char *load_elf_open(struct load_plan *plan, struct load_elf *elf)
{
    Elf64_Ehdr header = {0};
    bool entered = false;

    const char *wrong = read_header(plan, &header);
    if (!wrong)
        wrong = check_header(plan, &header);
    if (wrong)
        return wrong;
    *elf = (struct load_elf){.wide = header.e_ident[EI_CLASS] == ELFCLASS64,
                             .segments = header.e_phoff,
                             .segment_count = header.e_phnum,
                             .start = LOAD_LIMIT,
                             .align = 1};
    for (unsigned i = 0; i < elf->segment_count; i++) {
        struct segment segment = read_segment(plan, elf, i);
        if (!is_loaded(&segment))
            continue;
        wrong = check_segment(plan, &segment, i);
        if (wrong)
            return wrong;
        if (segment.physical < elf->start)
            elf->start = segment.physical;
        if (segment.physical + segment.memory_size > elf->end)
            elf->end = segment.physical + segment.memory_size;
        if (load_power_of_2(segment.align) && segment.align > elf->align)
            elf->align = segment.align;
        if (!entered && header.e_entry - segment.virtual < segment.memory_size) {
            entered = true;
            elf->entry = segment.physical + (header.e_entry - segment.virtual);
        }
    }
    if (!elf->end)
        return load_refuse(plan, "ELF: there is no segment to load");
    if (!entered)
        return load_refuse(plan, "ELF: the entry 0x%lx is in no segment", header.e_entry);
    return NULL;
}

const char *load_elf_put(struct load_plan *plan, const struct load_elf *elf, uint64_t moved)
{
    const char *wrong = NULL;

    for (unsigned i = 0; i < elf->segment_count && !wrong; i++) {
        struct segment segment = read_segment(plan, elf, i);
        const struct load_wish wish = {
            .what = "a segment of the image",
            .room = segment.memory_size,
            .size = segment.memory_size,
            .from = segment.file_size ? (const char *)plan->request->image + segment.offset : NULL,
            .from_size = segment.file_size,
        };
        if (is_loaded(&segment))
            wrong = load_put(plan, &wish, segment.physical + moved);
    }
    return wrong;
}
