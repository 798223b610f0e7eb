/* SPDX-License-Identifier: MIT */
/*
 * The blob, entered from this image on the same CPU: no VM entry, a jump. It comes back by
 * blob_header.leave, which must be direct_leave.
 */
#ifndef EXITMETER_GUESTS_DIRECT_ENTER_H
#define EXITMETER_GUESTS_DIRECT_ENTER_H

#include <stddef.h>
#include <stdint.h>

struct direct_start {
    uint64_t rip;
    uint64_t rsp;
    uint64_t cr3; /* of tables that map the image, and blob and stack as blob.h says */
    uint64_t cr0;
    uint64_t cr4;
    uint64_t rdi;
    uint64_t rsi;
    uint64_t rdx;
};

_Static_assert(offsetof(struct direct_start, rdx) == 56, "enter.S has them there");

extern const char direct_leave[];

/*
 * Enters, and returns the number of the hypercall in whose place the blob came back, its argument
 * in *argument. Control registers, descriptor tables, DR7 and IA32_EFER are as before then,
 * interrupts off and NMIs let in; TR and GS base are not: exception_start() loads them.
 */
uint64_t direct_enter(const struct direct_start *start, uint64_t *argument);

#endif
