/* SPDX-License-Identifier: MIT */
/*
 * What a machine boots: one image for CD and USB, BIOS and UEFI, or the files for a TFTP server.
 */
#ifndef EXITMETER_BENCH_ISO_H
#define EXITMETER_BENCH_ISO_H

#include <stddef.h>

/* What is on it. */
struct iso_content {
    const char *core, *guests; /* paths */
    const void *plan;
    size_t plan_size;
    const char *notes; /* text */
};

/* Makes or replaces the image. Returns 0, or -1 with *error set; free() that. */
int iso_write(const struct iso_content *content, const char *path, char **error);

/* Makes the directory, which may exist, and the files in it. Likewise. */
int iso_write_netboot(const struct iso_content *content, const char *directory, char **error);

#endif
