/* SPDX-License-Identifier: MIT */
/*
 * The blob's first bytes: its header, and the way into a row. Builds its own GDT and IDT, so that an
 * exception in a guest is reported as such and not as a triple fault.
 */
#define HYPERCALL_FAILED   2
#define EXCEPTION_CODE     0x100
#define EXCEPTION_VECTORS  32
#define WITH_ERROR_CODE    0x60227d00   /* vectors 8, 10-14, 17, 21, 29, 30: SDM Vol. 3A table 6-1 */
#define GATE_64            0x8e00

    .section .header, "a"
    .balign 8
    .quad   0x31424f4c424d5845          /* GUEST_BLOB_MAGIC */
    .long   5, 208                      /* GUEST_BLOB_VERSION, sizeof(struct blob_row) */
    .long   row_count, low_size
    .quad   rows_start
    .quad   blob_enter
    .quad   blob_enter_protected
    .quad   low_load
    .quad   blob_file_end
    .quad   blob_memory_end
leave:
    .quad   0

    .text
    .globl  blob_enter
blob_enter:
    push    %rdi
    push    %rsi
    push    %rdx
    lgdt    gdtr(%rip)
    lea     idt(%rip), %rax             /* vector n: gate at idt + 16 n, stub at stubs + 16 n */
    lea     stubs(%rip), %rdx
    mov     $EXCEPTION_VECTORS, %ecx
1:  mov     %dx, (%rax)
    movw    $8, 2(%rax)
    movw    $GATE_64, 4(%rax)
    mov     %rdx, %rsi
    shr     $16, %rsi
    mov     %si, 6(%rax)
    movq    $0, 8(%rax)                 /* the blob lies below 4 GiB */
    add     $16, %rax
    add     $16, %rdx
    dec     %ecx
    jnz     1b
    lidt    idtr(%rip)
    pop     %rdx
    pop     %rsi
    pop     %rdi
    jmp     blob_main

    .balign 16
stubs:
    .set    vector, 0
    .rept   EXCEPTION_VECTORS
    .balign 16
    movl    $vector, exception_vector
  .if (WITH_ERROR_CODE >> vector) & 1
    jmp     exception
  .else
    jmp     exception_without_code
  .endif
    .set    vector, vector + 1
    .endr

/*
 * A row that expects an exception has put the way on into exception_resume (blob/exception.h). RCX is 0
 * at every VMCALL: the floor's exit stub tells CPUID from the rest by that.
 */
exception_without_code:
    push    $0
exception:
    cmpq    $0, exception_resume
    je      2f
    add     $8, %rsp                    /* error code */
    push    %rax
    mov     exception_resume, %rax
    mov     %rax, 8(%rsp)
    movq    $0, exception_resume
    pop     %rax
    iretq
2:  mov     $HYPERCALL_FAILED, %eax
    mov     exception_vector, %edi
    add     $EXCEPTION_CODE, %edi

/* The blob's last words: hypercall RAX with the argument RDI, or the monitor's own way. */
    .globl  blob_leave
blob_leave:
    mov     leave(%rip), %rdx
    test    %rdx, %rdx
    jz      3f
    jmp     *%rdx
3:  xor     %ecx, %ecx
    vmcall
    jmp     3b

    .section .rodata
    .balign 8
gdt:
    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:
    .short  . - gdt - 1
    .quad   gdt
    .balign 8
idtr:
    .short  16 * EXCEPTION_VECTORS - 1
    .quad   idt

    .bss
    .balign 16
idt:
    .skip   16 * EXCEPTION_VECTORS
    .globl  exception_vector, exception_resume
exception_resume:
    .skip   8
exception_vector:
    .skip   4
    .section .note.GNU-stack, "", @progbits
