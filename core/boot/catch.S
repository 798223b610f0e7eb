/* SPDX-License-Identifier: MIT */
/*
 * Entry points of the 256 vectors while an interrupt is caught for a guest (catch.c): the vector in
 * EBX, interrupts off again, and back. An NMI may come besides, before or behind it: ECX is its.
 */
#define RFLAGS_IF_BIT 9
#define VECTOR_NMI    2

    .text
    .balign 16
    .globl  catch_entries
catch_entries:
    .set    vector, 0
    .rept   256
    .balign 16
  .if vector == VECTOR_NMI
    mov     $1, %ecx
  .else
    mov     $vector, %ebx
    btrq    $RFLAGS_IF_BIT, 16(%rsp)    /* behind RIP and CS */
  .endif
    iretq
    .set    vector, vector + 1
    .endr
    .section .note.GNU-stack, "", @progbits
