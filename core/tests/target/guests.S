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

/* The interrupt command in RAX, to APIC id 1. */
.macro SEND_IPI
    mov     $0x830, %ecx
    mov     $1, %edx
    wrmsr
.endm

GUEST sends
    mov     %rdx, %r8
    mov     $0x4500, %eax               /* INIT, assert */
    SEND_IPI
    mov     $0x4604, %eax               /* SIPI: page 4 */
    SEND_IPI
0:  pause
    cmpq    $0, 8(%rdi)                 /* until the other takes interrupts */
    je      0b
    xor     %r9d, %r9d
1:  mov     $2000, %ecx                 /* until the other is back from its EOI, and far from any exit */
3:  pause
    dec     %ecx
    jnz     3b
    inc     %r9
    mov     %r8d, %eax
    or      $0x4000, %eax               /* fixed, assert */
    SEND_IPI
2:  pause
    cmp     %r9, (%rdi)                 /* until it has been taken */
    jb      2b
    cmp     %rsi, (%rdi)
    jb      1b
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
GUEST_END sends

GUEST interrupted
    lgdt    0x900
    lidt    0x910
    mov     $0x80f, %ecx                /* SVR: software-enabled */
    mov     $0x1ff, %eax
    xor     %edx, %edx
    wrmsr
    movq    $1, 8(%rdi)
1:  sti
    hlt
    cli
    cmpq    $50, (%rdi)
    jb      1b
    sti
2:  cmp     %rsi, (%rdi)                /* no exit but by interrupt */
    jb      2b
    cli
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
    .globl  program_interrupted_handler
program_interrupted_handler:
    incq    (%rdi)
    mov     $0x80b, %ecx                /* EOI */
    xor     %eax, %eax
    xor     %edx, %edx
    wrmsr
    iretq
GUEST_END interrupted

.macro KEEP
  .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    push    %\register
  .endr
.endm

GUEST exits
    lgdt    0x900
    lidt    0x910
  .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    mov     $0x1122334455667700 + \number, %r\number
  .endr
    mov     $0x8877665544332211, %rbp
    mov     $0x1234567890abcdef, %rsi
    mov     $0x80f, %ecx                /* SVR: software-enabled */
    mov     $0x1ff, %eax
    xor     %edx, %edx
    wrmsr
    KEEP
    xor     %eax, %eax
    cpuid
    KEEP
    mov     $0x277, %ecx                /* IA32_PAT */
    rdmsr
    KEEP
    mov     %cr3, %rax
    mov     %rax, %cr3
    KEEP
    mov     $0x5a, %al
    out     %al, $0x80
    KEEP
    mov     $0x83f, %ecx                /* to itself: it waits, as interrupts are off */
    mov     $0x51, %eax
    xor     %edx, %edx
    wrmsr
    KEEP
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
    .globl  program_exits_nmi
program_exits_nmi:
    incq    0x5008
    iretq
GUEST_END exits

/* The interrupt command in EAX, to APIC id 0. */
.macro AT_CPU_0 command
    mov     $0x830, %ecx
    xor     %edx, %edx
    mov     $\command, %eax
    wrmsr
.endm

GUEST storms
    mov     $0x80f, %ecx                /* SVR: software-enabled */
    mov     $0x1ff, %eax
    xor     %edx, %edx
    wrmsr
    mov     %rdi, %r8
    mov     %rdi, %r9
    sti                                 /* as in `endless` */
1:  xor     %eax, %eax
    cpuid
    AT_CPU_0 0x4051                     /* fixed */
    AT_CPU_0 0x4400                     /* NMI */
    AT_CPU_0 0x4500                     /* INIT */
    AT_CPU_0 0x4604                     /* SIPI */
    AT_CPU_0 0xc4400                    /* NMI, to all but itself */
    wbinvd
    invd
    mov     %cr3, %rax
    mov     %rax, %cr3
    mov     %r9, %rdi
    add     $64, %rdi
    mov     $500, %ecx
    rep     stosq
    incq    (%r8)
    jmp     1b
GUEST_END storms

GUEST sends_nmis
    sti                                 /* as in `endless` */
1:  mov     $300, %ecx                  /* not in step with what the other does */
    add     %r9d, %ecx
2:  dec     %ecx
    jnz     2b
    add     $7, %r9d
    and     $127, %r9d
    AT_CPU_0 0x4400
    incq    (%rdi)
    jmp     1b
GUEST_END sends_nmis

GUEST measures
    lgdt    0x900
    lidt    0x910
    lea     64(%rdi), %r8
1:  lfence
    rdtsc
    mov     %eax, %r9d
    xor     %eax, %eax
    cpuid
    lfence
    rdtsc
    sub     %r9d, %eax
    mov     %eax, (%r8)
    add     $4, %r8
    dec     %rsi
    jnz     1b
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
    .globl  program_measures_nmi
program_measures_nmi:
    incq    0x5008
    iretq
GUEST_END measures

GUEST floor
    mov     $3, %edi
1:  xor     %eax, %eax
    mov     $1, %ecx
    lea     2f(%rip), %rbx
    cpuid
2:  dec     %edi
    jnz     1b
    xor     %ecx, %ecx
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
GUEST_END floor

    .code16
GUEST real
    mov     $0x500, %ax                 /* GUEST_DATA */
    mov     %ax, %ds
    movw    $100, 0
    movw    $1, 8
    mov     $HYPERCALL_PHASE_DONE, %eax
    vmcall
GUEST_END real
    .code64

    .section .note.GNU-stack, "", @progbits
