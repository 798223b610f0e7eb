/* SPDX-License-Identifier: MIT */
/*
 * In place of a BIOS, for machines that the harness has loaded everything into: from the reset vector to
 * an image that starts as Multiboot2 3.3 says. At LOADED lies struct qemu_loaded (bench/qemu_machine.c).
 * 64 KiB that end at 4 GiB (SDM Vol. 3A 9.1.4).
 */
#define BASE              0xffff0000
#define LOADED            0x10000
#define LOADED_ENTRY      0
#define LOADED_INFO       8
#define MULTIBOOT2_LOADED 0x36d76289

    .text
    .code16
start:
    cli
    lgdtl   %cs:gdtr
    mov     %cr0, %eax
    or      $1, %eax
    mov     %eax, %cr0
    ljmpl   $8, $(BASE + protected)

    .code32
    .set    protected, . - start
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $MULTIBOOT2_LOADED, %eax
    mov     $(LOADED + LOADED_INFO), %ebx
    jmp     *(LOADED + LOADED_ENTRY)

    .balign 8
    .set    gdt, . - start
    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
    .set    gdtr, . - start
    .short  3 * 8 - 1
    .long   BASE + gdt

    .org    0xfff0
    .byte   0xe9                        /* JMP rel16: IP wraps around to start */
    .short  (start - . - 2) & 0xffff
    .org    0x10000
    .section .note.GNU-stack, "", @progbits
