/* SPDX-License-Identifier: MIT */
/*
 * Entry points of the 256 vectors while an interrupt is caught for a guest (catch.c): the vector in
 * EBX, interrupts off again, and back.
 */
#define RFLAGS_IF_BIT 9

    .text
    .balign 16
    .globl  catch_entries
catch_entries:
    .set    vector, 0
    .rept   256
    .balign 16
    mov     $vector, %ebx
    btrq    $RFLAGS_IF_BIT, 16(%rsp)    /* behind RIP and CS */
    iretq
    .set    vector, vector + 1
    .endr
    .section .note.GNU-stack, "", @progbits
