/* SPDX-License-Identifier: MIT */
/*
 * The exit path's way to close a record, for test_ring_commit.c: what entry.S does of it, and no VM exit.
 * GS is the struct probe_cpu. void commit_NAME(uint64_t mark): the mark stands in every quadword of the
 * record but those that the macro writes.
 */
#include "offsets.h"

#include "../stamp.inc"

.macro COMMIT name, counts, size
    .text
    .globl commit_\name
commit_\name:
    push    %rbx
    mov     %gs:PROBE_CPU_NEXT, %rbx
    .irp at, 0, 8, 16, 24, 32, 40, 48, 56
    mov     %rdi, \at(%rbx)
    .endr
    .if \size > RECORD_SIZE
    .irp at, 64, 72, 80, 88, 96, 104, 112, 120
    mov     %rdi, \at(%rbx)
    .endr
    .endif
    PROBE_COMMIT RECORD_LEFT, \counts, \size
    mov     %rbx, %rax                  /* where the record lies now */
    pop     %rbx
    ret
.endm

COMMIT stamps, 0, RECORD_SIZE
COMMIT full, 1, RECORD_SIZE
COMMIT hardware, 1, WIDE_RECORD_SIZE

    .section .note.GNU-stack, "", @progbits
