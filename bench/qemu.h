/* SPDX-License-Identifier: MIT */
/*
 * A boot of one of our images on QEMU: without firmware, as the harness puts everything where it
 * belongs, and with the guest's memory shared, so that the results are simply there at the end. No
 * byte of them takes an exit.
 */
#ifndef EXITMETER_BENCH_QEMU_H
#define EXITMETER_BENCH_QEMU_H

#include "target.h"

#define QEMU_PROGRAM "qemu-system-x86_64"
#define QEMU_RESET   "build/qemu-reset.bin"

/* --accel. Under TCG, which interprets, no figure is the cost of an exit. */
#define QEMU_KVM "kvm"
#define QEMU_TCG "tcg"

#define QEMU_MEMORY_MOST 2048ull /* MiB: all of it lies below the devices */

/* As target.boot: boot->accelerator is one of the two. */
void qemu_boot(const struct boot *boot, struct boot_end *end);

/* QEMU as this boot wants it, for child.h. `memory` is a path of shared memory of `size` MiB. */
struct qemu_command {
    char *words[64]; /* ends with NULL */
};
void qemu_command_make(const struct boot *boot, const char *program, const char *memory,
                       unsigned long long size, struct qemu_command *command);
void qemu_command_free(struct qemu_command *command);

/* Puts what QEMU loads into boot->scratch. Returns 0, or -1 with errno set. */
int qemu_stage(const struct boot *boot, unsigned long long size);

#endif
