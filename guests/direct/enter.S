/* SPDX-License-Identifier: MIT */
/*
 * Into the blob and back, on one CPU and without a monitor of ours in between (enter.h). Addresses
 * here are below 2 GiB, and the blob's page tables map them as the image's own do.
 */
#define CODE_SELECTOR 8
#define DATA_SELECTOR 0x10
#define DR7_NONE      0x400
#define EFER          0xc0000080
#define RFLAGS_NONE   2

    .text
/* uint64_t direct_enter(const struct direct_start *start, uint64_t *argument) */
    .globl  direct_enter
direct_enter:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rsi
    mov     %rsp, kept_rsp
    sgdt    kept_gdtr
    sidt    kept_idtr
    mov     %cr0, %rax
    mov     %rax, kept_cr0
    mov     %cr3, %rax
    mov     %rax, kept_cr3
    mov     %cr4, %rax
    mov     %rax, kept_cr4
    mov     $EFER, %ecx
    rdmsr
    mov     %eax, kept_efer
    mov     %edx, kept_efer+4
    mov     16(%rdi), %rax              /* the blob's CR3, CR0, CR4 */
    mov     %rax, %cr3
    mov     24(%rdi), %rax
    mov     %rax, %cr0
    mov     32(%rdi), %rax
    mov     %rax, %cr4
    mov     0(%rdi), %rax               /* RIP */
    mov     8(%rdi), %rsp
    mov     48(%rdi), %rsi
    mov     56(%rdi), %rdx
    mov     40(%rdi), %rdi
    jmp     *%rax

/* Where the blob goes at the end, in whatever state its row has left the CPU in. */
    .globl  direct_leave
direct_leave:
    cli
    cld
    mov     %rax, left_number
    mov     %rdi, left_argument
    mov     kept_cr0, %rax              /* CR0.WP may be off, CR0.TS on */
    mov     %rax, %cr0
    mov     kept_cr4, %rax
    mov     %rax, %cr4
    mov     kept_cr3, %rax
    mov     %rax, %cr3
    mov     kept_rsp, %rsp
    lgdt    kept_gdtr
    lidt    kept_idtr
    mov     $DR7_NONE, %eax
    mov     %rax, %dr7
    mov     $EFER, %ecx
    mov     kept_efer, %eax
    mov     kept_efer+4, %edx
    wrmsr
    xor     %eax, %eax
    lldt    %ax
    mov     %eax, %fs
    mov     %eax, %gs
    mov     $DATA_SELECTOR, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %rsp, %rdx
    pushq   $DATA_SELECTOR
    push    %rdx
    pushq   $RFLAGS_NONE
    pushq   $CODE_SELECTOR
    pushq   $1f
    iretq                               /* unblocks NMIs, too, where one has led here */
1:  pop     %rsi
    mov     left_argument, %rax
    mov     %rax, (%rsi)
    mov     left_number, %rax
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .bss
    .balign 8
kept_rsp:      .skip 8
kept_cr0:      .skip 8
kept_cr3:      .skip 8
kept_cr4:      .skip 8
kept_efer:     .skip 8
left_number:   .skip 8
left_argument: .skip 8
kept_gdtr:     .skip 16
kept_idtr:     .skip 16
    .section .note.GNU-stack, "", @progbits
