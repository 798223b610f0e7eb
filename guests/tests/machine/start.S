/* SPDX-License-Identifier: MIT */
/* The multiboot 1 header and entry of the tests' machine guest, and its interrupts. */
#define MAGIC 0x1badb002

    .text
    .balign 4
    .long   MAGIC, 0, -MAGIC

    .globl  start
start:
    mov     $stack_end, %esp
    push    %ebx
    push    %eax
    call    guest_main
1:  cli
    hlt
    jmp     1b

    /* interrupt_entries: 16 bytes a vector; none has an error code */
    .balign 16
    .globl  interrupt_entries
interrupt_entries:
    .set    vector, 0
    .rept   0x50
    .balign 16
    pusha
    mov     $vector, %eax
    jmp     interrupted
    .set    vector, vector + 1
    .endr
interrupted:
    push    %eax
    call    guest_interrupt
    pop     %eax
    popa
    iret

    .bss
    .balign 16
    .skip   8192
stack_end:
    .section .note.GNU-stack, "", @progbits
