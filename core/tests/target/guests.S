/* SPDX-License-Identifier: MIT */
/* Code of the self-test's guests, copied into their memory: guest.h says what each does. */
#define HYPERCALL_PHASE_DONE 1

.macro GUEST name
    .balign 8
    .globl  program_\name
program_\name:
.endm

.macro GUEST_END name
    .globl  program_\name\()_end
program_\name\()_end:
.endm

    .section .rodata.guests, "a"

GUEST count
1:  inc     %rbx
    mov     %rbx, (%rdi)
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
    jmp     1b
GUEST_END count

GUEST endless
    sti                                 /* Bochs 2.7 exits for no interrupt while IF is 0 from entry on */
1:  incq    (%rdi)
    jmp     1b
GUEST_END endless

GUEST pingpong
    mov     %rdx, %r10                  /* CPUID leaves R8 to R15 alone */
    mov     $8, %r8d
    sub     %rdx, %r8
    xor     %r9d, %r9d
1:  inc     %r9
    mov     %r9, (%rdi,%r10)
2:  cmp     %r9, (%rdi,%r8)             /* until the other is there, too */
    jb      2b
    xor     %eax, %eax
    cpuid
    dec     %rsi
    jnz     1b
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
GUEST_END pingpong

    .section .note.GNU-stack, "", @progbits
