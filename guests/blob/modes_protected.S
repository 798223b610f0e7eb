/* SPDX-License-Identifier: MIT */
/*
 * A visit to protected mode, flat segments, paging off: as modes_real.S, with 32-bit operands and
 * addresses, an IDT, and a turn with 32-bit paging.
 */
#include "modes.inc"

#define GATE_32      0x8e00
#define ALIAS        (16 << 22)         /* linear; mapped to 0 */
#define NOT_MAPPED   (17 << 22)
#define CR3_ANYTHING 0x7654000

/* Runs an instruction. What it raised is event number slot: vector, bytes pushed, EIP pushed less its own. */
    .macro  TRY slot, instruction:vararg
    movl    $8f, tried_at
    movl    $9f, tried_behind
    movl    %esp, tried_sp
8:  \instruction
9:  movl    event, %eax
    movl    %eax, protected_events + 4 * \slot
    movl    error_code, %eax
    movl    %eax, protected_errors + 4 * \slot
    movl    $0, event
    movl    $0, error_code
    movl    $0, tried_behind
    .endm

    .text
    .code32
    .globl  visit_protected
visit_protected:
    incl    protected_visits
    cld
    xorl    %eax, %eax
    movl    $protected_results, %edi
    movl    $(protected_results_end - protected_results) / 4, %ecx
    rep stosl

    movl    $idt, %edi                  /* every exception, and TEST_VECTOR */
    movl    $stubs, %eax
1:  call    write_gate
    cmpl    $idt + 8 * 32, %edi
    jne     1b
    movl    $idt + 8 * TEST_VECTOR, %edi
    call    write_gate
    lidt    idt_register

    movl    %cr0, %eax
    movl    %eax, protected_cr0
    xorl    $CR0_NE, %eax
    movl    %eax, %cr0
    movl    %cr0, %ebx
    movl    %ebx, protected_cr0_toggled
    xorl    $CR0_NE, %eax
    movl    %eax, %cr0
    movl    $CR3_ANYTHING, %eax         /* paging is off: any value will do */
    movl    %eax, %cr3
    movl    %cr3, %eax
    movl    %eax, protected_cr3
    movl    $CR4_PSE | CR4_PAE | CR4_PGE, %eax
    movl    %eax, %cr4
    movl    %cr4, %eax
    movl    %eax, protected_cr4
    xorl    %eax, %eax
    movl    %eax, %cr4
    movl    %cr4, %eax
    movl    %eax, protected_cr4 + 4
    movl    $IA32_EFER, %ecx
    rdmsr
    movl    %eax, protected_efer
    xorl    $EFER_LME, %eax
    wrmsr
    rdmsr
    movl    %eax, protected_efer + 4
    xorl    $EFER_LME, %eax
    wrmsr
    xorl    %eax, %eax
    cpuid
    movl    %ebx, protected_vendor
    movl    %edx, protected_vendor + 4
    movl    %ecx, protected_vendor + 8
    movl    $NO_HYPERCALL, %eax
    xorl    %ecx, %ecx
    vmcall
    movl    %eax, protected_hypercall
    movl    $0x10001, %eax              /* 32-bit operands */
    mull    %eax
    movl    %eax, protected_product
    movl    %edx, protected_product + 4

    movb    $0xfb, %al
    outb    %al, $PIC_MASK
    xorl    %eax, %eax
    inb     $PIC_MASK, %al
    movl    %eax, protected_in

    /* Out of scratch and into the 8 bytes behind, through segments with a base. */
    movl    $SELECTOR_BASED, %eax
    movl    %eax, %fs
    movl    %eax, %es
    movw    $0xf7ff, scratch
    movl    $scratch - BASE, %esi
    movl    $scratch + 8 - BASE, %edi
    movl    $2, %ecx
    movl    $PIC_MASK, %edx
    rep outsb %fs:(%esi), (%dx)
    subl    $scratch - BASE, %esi
    movl    %ecx, protected_registers
    movl    %esi, protected_registers + 4
    movl    $2, %ecx
    rep insb (%dx), %es:(%edi)
    subl    $scratch + 8 - BASE, %edi
    movl    %edi, protected_registers + 8
    movl    scratch + 8, %eax
    movl    %eax, protected_ins
    movb    $PIC_ALL, %al
    outb    %al, $PIC_MASK
    movl    $SELECTOR_DATA, %eax
    movl    %eax, %fs
    movl    %eax, %es

    TRY     0, int $TEST_VECTOR
    TRY     1, ud2
    movl    $IA32_PAT, %ecx
    movl    $2, %eax
    xorl    %edx, %edx
    TRY     2, wrmsr
    movl    $CR4_VMXE, %eax
    TRY     3, movl %eax, %cr4

    /* 4 MiB pages: 32 MiB as they are, the first once more at ALIAS, and nothing else. */
    movl    $directory, %edi
    movl    $0x83, %eax
1:  stosl
    addl    $1 << 22, %eax
    cmpl    $directory + 4 * 8, %edi
    jne     1b
    movl    $0x83, directory + 4 * (ALIAS >> 22)
    movl    $CR4_PSE, %eax
    movl    %eax, %cr4
    movl    $directory, %eax
    movl    %eax, %cr3
    movl    %cr0, %eax
    orl     $CR0_PG, %eax
    movl    %eax, %cr0
    movl    %cr0, %eax
    movl    %eax, protected_paged_cr0
    movl    %cr3, %eax
    movl    %eax, protected_paged_cr3
    movl    ALIAS + protected_alias, %eax
    movl    %eax, protected_alias + 4
    TRY     4, movl %eax, NOT_MAPPED
    movl    %cr2, %eax
    movl    %eax, protected_cr2
    movl    %cr0, %eax
    andl    $~CR0_PG, %eax
    movl    %eax, %cr0
    movl    %cr0, %eax
    movl    %eax, protected_unpaged_cr0
    xorl    %eax, %eax
    movl    %eax, %cr4
    ret

/* A gate at EDI for the stub at EAX; both go on to the next. */
write_gate:
    movl    %eax, %edx
    movw    %ax, (%edi)
    movw    $SELECTOR_CODE_32, 2(%edi)
    movw    $GATE_32, 4(%edi)
    shrl    $16, %edx
    movw    %dx, 6(%edi)
    addl    $8, %edi
    addl    $16, %eax
    ret

    .balign 16
stubs:
    .set    vector, 0
    .rept   EVENT_STUBS
    .balign 16
  .if vector < 32
    movb    $vector, event
  .else
    movb    $TEST_VECTOR, event
  .endif
    jmp     caught
    .set    vector, vector + 1
    .endr

/* 12 bytes were pushed, or 16: an error code at last. */
caught:
    pushl   %eax
    movl    tried_sp, %eax
    subl    %esp, %eax
    subl    $4, %eax
    movb    %al, event + 1
    cmpl    $16, %eax
    popl    %eax
    jne     1f
    popl    error_code
1:  pushl   %eax
    movl    4(%esp), %eax
    subl    tried_at, %eax
    movw    %ax, event + 2
    movl    tried_behind, %eax
    testl   %eax, %eax
    jz      2f
    movl    %eax, 4(%esp)
    popl    %eax
    iretl
2:  movl    $HYPERCALL_FAILED, %eax
    movzbl  event, %edi
    addl    $MODE_FAILED, %edi
    xorl    %ecx, %ecx
    vmcall

    .section .rodata
    .balign 4
idt_register:
    .short  8 * (TEST_VECTOR + 1) - 1
    .long   idt

    .section .low, "awx", @progbits     /* reached through ALIAS too */
    .balign 8
    .globl  protected_alias
protected_alias:                        /* a value, and the same read elsewhere */
    .long   0x600d600d, 0

    .bss
    .balign 4096
    .globl  protected_directory
protected_directory:
directory:
    .skip   4096
    .balign 16
idt:
    .skip   8 * (TEST_VECTOR + 1)
scratch:
    .skip   16
tried_at:
    .skip   4
tried_behind:
    .skip   4
tried_sp:
    .skip   4
event:
    .skip   4
error_code:
    .skip   4
    .globl  protected_cr0, protected_cr0_toggled, protected_cr3, protected_cr4
    .globl  protected_efer, protected_vendor, protected_hypercall, protected_product, protected_in
    .globl  protected_registers, protected_ins, protected_paged_cr0, protected_paged_cr3
    .globl  protected_cr2, protected_unpaged_cr0, protected_events, protected_errors
protected_results:
protected_cr0:
    .skip   4
protected_cr0_toggled:
    .skip   4
protected_cr3:
    .skip   4
protected_cr4:
    .skip   8
protected_efer:
    .skip   8
protected_vendor:
    .skip   12
protected_hypercall:
    .skip   4
protected_product:
    .skip   8
protected_in:
    .skip   4
protected_registers:
    .skip   12
protected_ins:
    .skip   4
protected_paged_cr0:
    .skip   4
protected_paged_cr3:
    .skip   4
protected_cr2:
    .skip   4
protected_unpaged_cr0:
    .skip   4
protected_events:
    .skip   4 * 5
protected_errors:
    .skip   4 * 5
protected_results_end:
    .section .note.GNU-stack, "", @progbits
