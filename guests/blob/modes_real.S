/* SPDX-License-Identifier: MIT */
/*
 * A visit to real mode, all segments 0: instructions that exit and some that do not, segments,
 * and events through the interrupt table. What came of each is left behind for modes.h's reader.
 */
#include "modes.inc"

/* Runs an instruction. What it raised is event number slot: vector, bytes pushed, IP pushed less its own. */
    .macro  TRY slot, instruction:vararg
    movw    $8f, tried_at
    movw    $9f, tried_behind
    movw    %sp, tried_sp
8:  \instruction
9:  movl    event, %eax
    movl    %eax, real_events + 4 * \slot
    movl    $0, event
    movw    $0, tried_behind
    .endm

    .section .low, "awx", @progbits
    .code16
    .globl  visit_real
visit_real:
    incl    real_visits
    cld
    xorl    %eax, %eax
    movw    $real_results, %di
    movw    $(real_results_end - real_results) / 4, %cx
    rep stosl

    xorw    %di, %di                    /* every exception, and TEST_VECTOR */
    movl    $stubs, %eax                /* the segment's half is 0 */
1:  stosl
    addw    $8, %ax
    cmpw    $4 * 32, %di
    jne     1b
    movl    %eax, 4 * TEST_VECTOR

    movl    %cr0, %eax
    movl    %eax, real_cr0
    xorl    $CR0_NE, %eax
    movl    %eax, %cr0
    movl    %cr0, %ebx
    movl    %ebx, real_cr0_toggled
    xorl    $CR0_NE, %eax
    movl    %eax, %cr0
    movl    $IA32_EFER, %ecx
    rdmsr
    movl    %eax, real_efer
    xorl    %eax, %eax
    cpuid
    movl    %ebx, real_vendor
    movl    %edx, real_vendor + 4
    movl    %ecx, real_vendor + 8
    movl    $NO_HYPERCALL, %eax
    xorl    %ecx, %ecx
    vmcall
    movl    %eax, real_hypercall

    /* The same byte through ES and through DS. */
    movw    $scratch, %ax
    shrw    $4, %ax
    subw    $0x10, %ax
    movw    %ax, %es
    movw    $0x5aa5, %es:0x100
    movw    scratch, %bx
    movw    %bx, real_through_es

    movb    $0xfb, %al
    outb    %al, $PIC_MASK
    xorl    %eax, %eax
    inb     $PIC_MASK, %al
    movl    %eax, real_in

    /* Out of scratch through FS, and into the 8 bytes behind through ES; 16-bit CX, SI and DI. */
    movw    $0xf7ff, scratch
    movw    %es, %ax
    addw    $0xf, %ax
    movw    %ax, %fs
    movl    $0xdead0010, %esi
    movl    $0xbeef0108, %edi
    movl    $0xabcd0002, %ecx
    movw    $PIC_MASK, %dx
    rep outsb %fs:(%si), (%dx)
    movl    %ecx, real_registers
    movl    %esi, real_registers + 4
    movl    $0xabcd0002, %ecx
    rep insb (%dx), %es:(%di)
    movl    %edi, real_registers + 8
    movl    scratch + 8, %eax
    movl    %eax, real_ins
    movb    $PIC_ALL, %al
    outb    %al, $PIC_MASK
    xorw    %ax, %ax
    movw    %ax, %es
    movw    %ax, %fs

    TRY     0, int $TEST_VECTOR
    TRY     1, ud2
    TRY     2, divw zero
    movl    $IA32_PAT, %ecx             /* a memory type that there is not */
    movl    $2, %eax
    xorl    %edx, %edx
    TRY     3, wrmsr
    movl    %cr0, %eax                  /* PG without PE */
    xorl    $CR0_NE, %eax
    orl     $CR0_PG, %eax
    TRY     4, movl %eax, %cr0
    movw    $0xffff, %si                /* a word that is not all in the segment */
    movw    $0x80, %dx
    TRY     5, outsw (%si), (%dx)
    ret

    .balign 8
stubs:
    .set    vector, 0
    .rept   EVENT_STUBS
    .balign 8
  .if vector < 32
    movb    $vector, event
  .else
    movb    $TEST_VECTOR, event
  .endif
    jmp     caught
    .set    vector, vector + 1
    .endr

caught:
    pushw   %bp
    movw    %sp, %bp
    pushl   %eax
    movw    tried_sp, %ax
    subw    %bp, %ax
    subw    $2, %ax
    movb    %al, event + 1
    movw    2(%bp), %ax
    subw    tried_at, %ax
    movw    %ax, event + 2
    movw    tried_behind, %ax
    testw   %ax, %ax
    jz      1f
    movw    %ax, 2(%bp)
    popl    %eax
    popw    %bp
    iretw
1:  movl    $HYPERCALL_FAILED, %eax
    movzbl  event, %edi
    addl    $MODE_FAILED, %edi
    xorl    %ecx, %ecx
    vmcall

    .balign 16
scratch:
    .skip   16
tried_at:
    .short  0
tried_behind:
    .short  0
tried_sp:
    .short  0
zero:
    .short  0
    .balign 4
event:
    .long   0
    .globl  real_cr0, real_cr0_toggled, real_efer, real_vendor, real_hypercall
    .globl  real_through_es, real_in, real_registers, real_ins, real_events
real_results:
real_cr0:
    .long   0
real_cr0_toggled:
    .long   0
real_efer:
    .long   0
real_vendor:
    .long   0, 0, 0
real_hypercall:
    .long   0
real_through_es:
    .long   0
real_in:
    .long   0
real_registers:                         /* behind OUTSB and INSB: ECX, ESI, EDI */
    .long   0, 0, 0
real_ins:
    .long   0
real_events:
    .long   0, 0, 0, 0, 0, 0
real_results_end:
    .section .note.GNU-stack, "", @progbits
