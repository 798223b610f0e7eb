/* SPDX-License-Identifier: MIT */
/* Entry points of the 256 vectors: push vector and error code alike, then the registers. */

.macro EXCEPTION vector, has_error
    .balign 16
  .if !\has_error
    push    $0
  .endif
    push    $\vector
    jmp     common
.endm

    .text
    .balign 16
    .globl  exception_entries
exception_entries:
    .set    vector, 0
    .rept   256
  .if vector == 8 || vector == 10 || vector == 11 || vector == 12 || vector == 13 || vector == 14 || vector == 17 || vector == 21
    EXCEPTION vector, 1
  .else
    EXCEPTION vector, 0
  .endif
    .set    vector, vector + 1
    .endr

common:
    push    %rax
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
    call    exception_handle
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
    .section .note.GNU-stack, "", @progbits
