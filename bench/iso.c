/* SPDX-License-Identifier: MIT */
#include "iso.h"

#include "child.h"
#include "files.h"
#include "places.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define XORRISO_SECONDS 120.0
#define EPOCH           "1000000000" /* of every date in the image */

/* Runs a step that sets errno; notes why it failed, and at what. */
static int step(int result, const char *path, char **error)
{
    if (result < 0 && !*error)
        *error = text("%s: %s", path, strerror(errno));
    return result;
}

static int make_directory(const char *path, char **error)
{
    return step(mkdir(path, 0777) < 0 && errno != EEXIST ? -1 : 0, path, error);
}

/* Copies build/iso/FROM to directory/TO. */
static int copy_boot(const char *from, const char *directory, const char *to, char **error)
{
    char *built = place(PLACE_ISO_BOOT), *source = text("%s/%s", built, from);
    char *target = text("%s/%s", directory, to);
    int result = step(file_copy(source, target), source, error);
    free(built);
    free(source);
    free(target);
    return result;
}

/* directory/exitmeter, as GRUB looks for it. */
static int stage(const struct iso_content *content, const char *directory, char **error)
{
    char *files = text("%s/exitmeter", directory);
    char *core = text("%s/core.elf", files), *guests = text("%s/guests.bin", files);
    char *plan = text("%s/plan.bin", files), *notes = text("%s/notes.json", files);
    int result = make_directory(files, error);

    if (result == 0)
        result = step(file_copy(content->core, core), content->core, error);
    if (result == 0)
        result = step(file_copy(content->guests, guests), content->guests, error);
    if (result == 0)
        result = step(file_write(plan, content->plan, content->plan_size), plan, error);
    if (result == 0)
        result = step(file_write(notes, content->notes, strlen(content->notes)), notes, error);
    free(files);
    free(core);
    free(guests);
    free(plan);
    free(notes);
    return result;
}

/*
 * BIOS: El Torito, and GRUB's boot record at the head for whoever takes the image for a disk. UEFI:
 * El Torito again, and a partition of the image for the same. The way of grub-mkrescue, but the
 * same bytes from the same files.
 */
static int run_xorriso(const char *directory, char **error)
{
    char *xorriso = program_find("xorriso");
    const char *const argv[] = {xorriso,
                                "-as",
                                "mkisofs",
                                "-quiet",
                                "-V",
                                "EXITMETER",
                                "-r",
                                "--set_all_file_dates",
                                "=" EPOCH,
                                "-b",
                                "boot/bios.img",
                                "-no-emul-boot",
                                "-boot-load-size",
                                "4",
                                "-boot-info-table",
                                "--grub2-boot-info",
                                "--grub2-mbr",
                                "mbr.img",
                                "--efi-boot",
                                "boot/efi.img",
                                "-efi-boot-part",
                                "--efi-boot-image",
                                "--protective-msdos-label",
                                "-o",
                                "boot.iso",
                                "tree",
                                NULL};
    const struct child child = {.argv = argv, .directory = directory, .timeout = XORRISO_SECONDS};
    struct child_end end;

    if (!xorriso) {
        *error = text("xorriso is not there; apt-get install xorriso");
        return -1;
    }
    setenv("SOURCE_DATE_EPOCH", EPOCH, 1); /* the same image from the same files */
    child_run(&child, &end);
    free(xorriso);
    if (end.how == CHILD_EXITED && end.code == 0)
        return 0;
    char *how = child_end_text(&child, &end);
    *error = text("%s\n%s", how, end.output);
    free(how);
    return -1;
}

static int write_in(const struct iso_content *content, const char *path, const char *scratch,
                    char **error)
{
    char *tree = text("%s/tree", scratch), *boot = text("%s/tree/boot", scratch);
    char *made = text("%s/boot.iso", scratch);
    int result = make_directory(tree, error);

    if (result == 0)
        result = make_directory(boot, error);
    if (result == 0)
        result = stage(content, tree, error);
    if (result == 0)
        result = copy_boot("bios.img", boot, "bios.img", error);
    if (result == 0)
        result = copy_boot("efi.img", boot, "efi.img", error);
    if (result == 0)
        result = copy_boot("mbr.img", scratch, "mbr.img", error);
    if (result == 0)
        result = run_xorriso(scratch, error);
    if (result == 0)
        result = step(rename(made, path), path, error);
    free(tree);
    free(boot);
    free(made);
    return result;
}

int iso_write(const struct iso_content *content, const char *path, char **error)
{
    char *scratch = text("%s.partial-XXXXXX", path); /* beside it: it is renamed */

    *error = NULL;
    if (!mkdtemp(scratch)) {
        *error = text("cannot make a directory beside %s: %s", path, strerror(errno));
        free(scratch);
        return -1;
    }
    int result = write_in(content, path, scratch, error);
    tree_remove(scratch);
    free(scratch);
    return result;
}

int iso_write_netboot(const struct iso_content *content, const char *directory, char **error)
{
    *error = NULL;
    int result = make_directory(directory, error);
    if (result == 0)
        result = stage(content, directory, error);
    if (result == 0)
        result = copy_boot("bios.0", directory, "exitmeter.0", error);
    if (result == 0)
        result = copy_boot("x64.efi", directory, "exitmeter.efi", error);
    return result;
}
