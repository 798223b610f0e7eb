/* SPDX-License-Identifier: MIT */
/*
 * The machine: what QEMU is told, and what lies in its memory as it starts.
 */
#include "../core/boot/debug_exit.h"
#include "files.h"
#include "places.h"
#include "qemu.h"
#include "text.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEBIBYTE     1048576ull
#define LOADED       0x10000u /* qemu_reset.S */
#define MODULES      0x100000u
#define LOW_END      0x9f000u
#define PAGE         4096u
#define TAG_END      0u
#define TAG_MODULE   3u
#define TAG_MEMORY   6u
#define MEMORY_RAM   1u
#define NAME_SIZE    8u
#define MEMORY_PARTS 2u

/* Multiboot2 3.6, as far as the images read it; each tag at a multiple of 8. */
struct module_tag {
    uint32_t type, size, start, end;
    char name[NAME_SIZE];
};

struct memory_part {
    uint64_t start, bytes;
    uint32_t type, reserved;
};

/* What the reset code jumps by and hands over. */
struct qemu_loaded {
    uint32_t entry, reserved;
    struct {
        uint32_t size, reserved;
        struct {
            uint32_t type, size, part_size, version;
            struct memory_part parts[MEMORY_PARTS];
        } memory;
        struct module_tag modules[2];
        struct {
            uint32_t type, size;
        } end;
    } info;
};

_Static_assert(offsetof(struct qemu_loaded, info) == 8, "LOADED_INFO of qemu_reset.S");

/* Paths are relative to boot->scratch, where QEMU runs: a comma in one would be an option's end. */
void qemu_command_make(const struct boot *boot, const char *program, const char *memory,
                       unsigned long long size, struct qemu_command *command)
{
    static const char *const fixed[] = {"-nodefaults",
                                        "-no-user-config",
                                        "-no-reboot",
                                        "-display",
                                        "none",
                                        "-bios",
                                        "reset.bin",
                                        "-chardev",
                                        "file,id=console,path=console.txt,append=on",
                                        "-parallel",
                                        "chardev:console",
                                        "-device",
                                        "loader,file=image.elf"};
    size_t count = 0;

    *command = (struct qemu_command){0};
    command->words[count++] = text("%s", program);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        command->words[count++] = text("%s", fixed[i]);
    command->words[count++] = text("-machine");
    command->words[count++] = text("pc,accel=%s,memory-backend=ram", boot->accelerator);
    command->words[count++] = text("-object");
    command->words[count++] =
        text("memory-backend-file,id=ram,share=on,mem-path=%s,size=%lluM", memory, size);
    command->words[count++] = text("-m");
    command->words[count++] = text("%lluM", size);
    command->words[count++] = text("-cpu");
    command->words[count++] = text("%s", boot->cpu_model);
    command->words[count++] = text("-smp");
    command->words[count++] = text("%u", boot->cpus);
    command->words[count++] = text("-device");
    command->words[count++] = text("isa-debug-exit,iobase=0x%x,iosize=1", DEBUG_EXIT_PORT);
    command->words[count++] = text("-device");
    command->words[count++] = text("loader,file=loaded.bin,addr=0x%x,force-raw=on", LOADED);
    command->words[count++] = text("-device");
    command->words[count++] = text("loader,file=modules.bin,addr=0x%x,force-raw=on", MODULES);
}

void qemu_command_free(struct qemu_command *command)
{
    for (size_t i = 0; command->words[i]; i++)
        free(command->words[i]);
}

static struct module_tag module_tag(const char *name, uint32_t start, size_t size)
{
    struct module_tag tag = {TAG_MODULE, sizeof(tag), start, start + (uint32_t)size, ""};

    strncpy(tag.name, name, sizeof(tag.name) - 1);
    return tag;
}

static struct qemu_loaded make_loaded(uint32_t entry, unsigned long long size, size_t guests,
                                      size_t plan, size_t plan_at)
{
    struct qemu_loaded loaded = {.entry = entry};

    loaded.info.size = sizeof(loaded.info);
    loaded.info.memory.type = TAG_MEMORY;
    loaded.info.memory.size = sizeof(loaded.info.memory);
    loaded.info.memory.part_size = sizeof(struct memory_part);
    loaded.info.memory.parts[0] = (struct memory_part){0, LOW_END, MEMORY_RAM, 0};
    loaded.info.memory.parts[1] =
        (struct memory_part){MEBIBYTE, (size - 1) * MEBIBYTE, MEMORY_RAM, 0};
    loaded.info.modules[0] = module_tag("guests", MODULES, guests);
    loaded.info.modules[1] = module_tag("plan", MODULES + (uint32_t)plan_at, plan);
    loaded.info.end.type = TAG_END;
    loaded.info.end.size = sizeof(loaded.info.end);
    return loaded;
}

/* Maps a file that is an image; 0 with errno set if it is none. */
static uint32_t entry_of(const char *path)
{
    struct bytes image;
    Elf64_Ehdr header;
    uint32_t entry = 0;

    if (bytes_map(path, &image) < 0)
        return 0;
    if (image.size >= sizeof(header)) {
        memcpy(&header, image.data, sizeof(header));
        if (memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_machine == EM_X86_64 &&
            header.e_entry <= UINT32_MAX)
            entry = (uint32_t)header.e_entry;
    }
    bytes_unmap(&image);
    errno = ENOEXEC;
    return entry;
}

static int write_in(const char *directory, const char *name, const void *data, size_t size)
{
    char *path = text("%s/%s", directory, name);
    int result = file_write(path, data, size);
    free(path);
    return result;
}

static int copy_in(const char *from, const char *directory, const char *name)
{
    char *path = text("%s/%s", directory, name);
    int result = file_copy(from, path);
    free(path);
    return result;
}

/* Both modules behind one another, each from a page boundary on, and what leads to them. */
static int stage_modules(const struct boot *boot, uint32_t entry, unsigned long long size)
{
    struct bytes guests = {0}, plan = {0};
    int result = bytes_map(boot->guests, &guests);

    if (result == 0)
        result = bytes_map(boot->plan, &plan);
    if (result == 0) {
        size_t plan_at = (guests.size + PAGE - 1) / PAGE * PAGE;
        uint8_t *modules = zeroed(plan_at + plan.size, 1);
        const struct qemu_loaded loaded = make_loaded(entry, size, guests.size, plan.size, plan_at);

        memcpy(modules, guests.data, guests.size);
        memcpy(modules + plan_at, plan.data, plan.size);
        result = write_in(boot->scratch, "modules.bin", modules, plan_at + plan.size);
        if (result == 0)
            result = write_in(boot->scratch, "loaded.bin", &loaded, sizeof(loaded));
        free(modules);
    }
    bytes_unmap(&guests);
    bytes_unmap(&plan);
    return result;
}

int qemu_stage(const struct boot *boot, unsigned long long size)
{
    char *reset = place(QEMU_RESET);
    uint32_t entry = entry_of(boot->core);
    int result = entry ? copy_in(reset, boot->scratch, "reset.bin") : -1;

    free(reset);
    if (result == 0)
        result = copy_in(boot->core, boot->scratch, "image.elf");
    return result == 0 ? stage_modules(boot, entry, size) : -1;
}
