/* SPDX-License-Identifier: MIT */
/*
 * Where things lie. Everything is found from the binary itself, ROOT/build/exitmeter, so the
 * repository can be anywhere and the current directory is the user's own.
 */
#ifndef EXITMETER_BENCH_PLACES_H
#define EXITMETER_BENCH_PLACES_H

/* Finds ROOT; ends the program if /proc/self/exe cannot be read. Call once, first. */
void places_find(void);

/* ROOT, without a slash at the end. */
const char *places_root(void);

/* ROOT/RELATIVE; free() it. */
char *place(const char *relative);

/* The files that `make` leaves below ROOT. */
#define PLACE_IMAGE       "build/exitmeter-core.elf"
#define PLACE_GUEST_IMAGE "build/exitmeter-guest.elf"
#define PLACE_GUESTS      "build/guests.bin"
#define PLACE_GRUB        "build/grub-eltorito.img"
#define PLACE_GRUB_GUEST  "build/grub-guest.img"
#define PLACE_ISO_BOOT    "build/iso" /* what an ISO boots by, a directory */
#define PLACE_POLICIES    "bench/policies"

/* Absolute path of the executable that the shell would run for name; NULL if none; free() it. */
char *program_find(const char *name);

#endif
