/* SPDX-License-Identifier: MIT */
/* Entry points of #DB, #BP and NMI while the host is stepped through (step.h). */
#define X2APIC_ICR  0x830
#define NMI         0x4400          /* assert, delivery mode NMI */
#define VECTOR_SIZE 16              /* of exception.S */

    .text
    .balign 16
    .globl  step_debug
step_debug:
    push    $0
    push    $1
    jmp     1f
    .globl  step_breakpoint
step_breakpoint:
    push    $0
    push    $3
1:  push    %rax
    push    %rcx
    push    %rdx
    push    %rbx
    push    %rbp
    push    %rsi
    push    %rdi
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, %rdi
    cld
    call    step_handle
step_return:
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
    pop     %rbp
    pop     %rbx
    pop     %rdx
    pop     %rcx
    pop     %rax
    add     $16, %rsp
    iretq

/*
 * The first NMI comes while step_handle() waits for it. It sends a second, which is blocked, and
 * returns in the place of step_handle(): the IRET ends the blocking, and the second is taken right
 * before the instruction that was to be next. That one is the host's to handle.
 */
    .balign 16
    .globl  step_nmi
step_nmi:
    cmpq    $0, step_frame(%rip)
    je      exception_entries + 2 * VECTOR_SIZE
    mov     step_frame(%rip), %rsp
    movq    $0, step_frame(%rip)
    mov     $X2APIC_ICR, %ecx
    mov     step_apic_id(%rip), %edx
    mov     $NMI, %eax
    wrmsr
    jmp     step_return

/* The exceptions that step_handle() has caused: the instruction is put back before the host's own
 * entry is taken, as that may be made of it. */
.macro FAULT name, vector
    .balign 16
    .globl  step_\name
step_\name:
    push    %rax
    push    %rcx
    mov     step_patched(%rip), %rax
    mov     step_replaced(%rip), %cx
    mov     %cx, (%rax)
    pop     %rcx
    pop     %rax
    jmp     exception_entries + \vector * VECTOR_SIZE
.endm

FAULT gp, 13
FAULT ud, 6
FAULT mc, 18

/* The gate of an NMI that calls step_in_nmi(): until it returns, NMIs are blocked. */
    .balign 16
    .globl  step_nmi_context
step_nmi_context:
  .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    push    %\register
  .endr
    cld
    call    step_in_nmi
  .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
    pop     %\register
  .endr
    iretq

/* int step_keep(struct step_place *): as setjmp(). */
    .globl  step_keep
step_keep:
    mov     %rbx, (%rdi)
    mov     %rbp, 8(%rdi)
    mov     %r12, 16(%rdi)
    mov     %r13, 24(%rdi)
    mov     %r14, 32(%rdi)
    mov     %r15, 40(%rdi)
    lea     8(%rsp), %rax
    mov     %rax, 48(%rdi)
    mov     (%rsp), %rax
    mov     %rax, 56(%rdi)
    xor     %eax, %eax
    ret

/* _Noreturn void step_back(struct step_place *): as longjmp(), with 1. */
    .globl  step_back
step_back:
    mov     (%rdi), %rbx
    mov     8(%rdi), %rbp
    mov     16(%rdi), %r12
    mov     24(%rdi), %r13
    mov     32(%rdi), %r14
    mov     40(%rdi), %r15
    mov     48(%rdi), %rsp
    mov     $1, %eax
    jmp     *56(%rdi)

    .section .note.GNU-stack, "", @progbits
