/* SPDX-License-Identifier: MIT */
/*
 * Between the modes: the entries in real and protected mode, the way up from there to 64-bit mode
 * and blob_enter, and modes_descend(), which goes down from 64-bit mode and the same way up again.
 * Each stay in a mode is a visit (modes_real.S, modes_protected.S) that leaves behind what it saw.
 */
#include "modes.inc"

/* CS = GUEST_LOW_BASE >> 4, IP = 0; the other segments 0. */
    .section .low.entry, "awx", @progbits
    .code16
    movw    %cs, entered_cs
    call    1f
1:  popw    entered_ip
    movl    %edi, started
    movl    %esi, started + 4
    movl    %edx, started + 8
    ljmpw   $0, $2f
    .section .low, "awx", @progbits
2:  movl    $0, real_visits
    movl    $0, protected_visits
    movl    $0, resume
    jmp     up_from_real

    .text
    .code32
    .globl  blob_enter_protected
blob_enter_protected:
    movl    %edi, started
    movl    %esi, started + 4
    movl    %edx, started + 8
    movl    $0, real_visits
    movl    $0, protected_visits
    movl    $0, resume
    jmp     up_from_protected

/* Real mode, all segments 0. */
    .section .low, "awx", @progbits
    .code16
up_from_real:
    call    visit_real
    lgdtl   gdt_register
    movl    %cr0, %eax
    orl     $CR0_PE, %eax
    movl    %eax, %cr0
    ljmpl   $SELECTOR_CODE_32, $up_from_protected

/* 32-bit code, paging off. */
    .code32
up_from_protected:
    lgdt    gdt_register
    ljmp    $SELECTOR_CODE_32, $1f
1:  movl    $SELECTOR_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    $GUEST_LOW_STACK, %esp
    call    visit_protected

    cld                                 /* an identity map of the first 32 MiB in 2 MiB pages */
    movl    $modes_tables, %edi
    xorl    %eax, %eax
    movl    $3 * 1024, %ecx
    rep stosl
    movl    $modes_tables + 0x1003, modes_tables
    movl    $modes_tables + 0x2003, modes_tables + 0x1000
    movl    $modes_tables + 0x2000, %edi
    movl    $0x83, %eax
    movl    $16, %ecx
1:  movl    %eax, (%edi)
    addl    $0x200000, %eax
    addl    $8, %edi
    loop    1b

    movl    $CR4_PAE, %eax
    movl    %eax, %cr4
    movl    $modes_tables, %eax
    movl    %eax, %cr3
    movl    $IA32_EFER, %ecx
    rdmsr
    orl     $EFER_LME, %eax
    wrmsr
    rdmsr
    movl    %eax, up_efer
    movl    %cr0, %eax
    orl     $CR0_PG, %eax
    movl    %eax, %cr0
    rdmsr                               /* compatibility mode */
    movl    %eax, up_efer + 4
    ljmp    $SELECTOR_CODE_64, $up_to_long

    .code64
up_to_long:
    movl    $SELECTOR_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    mov     resume, %rsp
    test    %rsp, %rsp
    jnz     resumed
    movl    started, %edi
    movl    started + 4, %esi
    movl    started + 8, %edx
    mov     $GUEST_STACK_TOP, %rsp
    jmp     blob_enter

/* void modes_descend(bool real): down to real mode, or to protected mode, and up again. */
    .text
    .globl  modes_descend
modes_descend:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %cr3, %rax
    push    %rax
    sub     $32, %rsp
    sgdt    (%rsp)
    sidt    16(%rsp)
    mov     %rsp, resume
    movl    %edi, to_real
    lgdt    gdt_register
    pushq   $SELECTOR_CODE_32
    pushq   $down_from_long
    lretq
resumed:
    lgdt    (%rsp)
    lidt    16(%rsp)
    add     $32, %rsp
    pop     %rax
    mov     %rax, %cr3
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .section .low, "awx", @progbits
    .code32
down_from_long:                         /* compatibility mode */
    movl    $SELECTOR_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %cr0, %eax
    andl    $~CR0_PG, %eax
    movl    %eax, %cr0
    movl    $IA32_EFER, %ecx
    rdmsr
    movl    %eax, down_efer
    andl    $~EFER_LME, %eax
    wrmsr
    xorl    %eax, %eax
    movl    %eax, %cr4
    cmpl    $0, to_real
    je      up_from_protected
    lidt    real_idt_register
    ljmp    $SELECTOR_CODE_16, $1f
    .code16
1:  movw    $SELECTOR_DATA_16, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    %ax, %fs
    movw    %ax, %gs
    movl    %cr0, %eax
    andl    $~CR0_PE, %eax
    movl    %eax, %cr0
    ljmpw   $0, $2f
2:  xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    $GUEST_LOW_STACK, %sp
    jmp     up_from_real

    .balign 8
gdt:
    .quad   0
    .quad   0x00af9b000000ffff          /* SELECTOR_CODE_64 */
    .quad   0x00cf93000000ffff          /* SELECTOR_DATA */
    .quad   0x00cf9b000000ffff          /* SELECTOR_CODE_32 */
    .quad   0x00009b000000ffff          /* SELECTOR_CODE_16 */
    .quad   0x000093000000ffff          /* SELECTOR_DATA_16 */
    .quad   0x00cf93010000ffff          /* SELECTOR_BASED */
gdt_register:
    .short  . - gdt - 1
    .quad   gdt
    .balign 4
real_idt_register:
    .short  0x3ff
    .long   0
    .balign 8
resume:                                 /* RSP of modes_descend(), or 0 on the way up from a start */
    .quad   0
started:
    .long   0, 0, 0                     /* EDI, ESI and EDX */
to_real:
    .long   0
    .globl  real_visits, protected_visits, up_efer, down_efer, entered_cs, entered_ip
real_visits:                            /* since the start */
    .long   0
protected_visits:
    .long   0
up_efer:                                /* with LME set: before PG, and after it */
    .long   0, 0
down_efer:                              /* after PG was cleared */
    .long   0
entered_cs:
    .short  0
entered_ip:
    .short  0

    .bss
    .balign 4096
    .globl  modes_tables
modes_tables:
    .skip   3 * 4096
    .section .note.GNU-stack, "", @progbits
