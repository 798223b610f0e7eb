/* SPDX-License-Identifier: MIT */
/*
 * From a start-up interrupt to C in 64-bit mode, for every CPU but the one that booted. smp.c copies
 * the first part, which is all that runs in real-address mode, to a page below 1 MiB: CS is that page
 * and IP 0 (SDM Vol. 3A 9.4.4).
 */
#define CR0_PE           0x1
#define CR0_NE_MP_PG     0x80000022
#define CR0_CD_NW_TS_EM  0x6000000c
#define CR4_PAE          0x20
#define EFER             0xc0000080
#define EFER_LME_NXE     0x900
#define CODE_64          0x08
#define DATA             0x10
#define CODE_32          0x18

    .section .rodata.trampoline, "a"
    .code16
    .globl  smp_trampoline, smp_trampoline_end
smp_trampoline:
    cli
    mov     %cs, %ax
    mov     %ax, %ds
    lgdtl   trampoline_gdtr - smp_trampoline
    mov     %cr0, %eax
    or      $CR0_PE, %eax
    mov     %eax, %cr0
    ljmpl   $CODE_32, $arrive_32
    .balign 4
trampoline_gdtr:
    .short  trampoline_gdt_end - trampoline_gdt - 1
    .long   trampoline_gdt
smp_trampoline_end:

    .balign 8
trampoline_gdt:
    .quad   0
    .quad   0x00af9b000000ffff          /* 64-bit code */
    .quad   0x00cf93000000ffff          /* data */
    .quad   0x00cf9b000000ffff          /* 32-bit code */
trampoline_gdt_end:

    .section .text.trampoline, "ax"
    .code32
arrive_32:
    mov     $DATA, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $CR4_PAE, %eax
    mov     %eax, %cr4
    mov     $boot_pml4, %eax            /* as the CPU that booted: start.S */
    mov     %eax, %cr3
    mov     $EFER, %ecx
    xor     %edx, %edx
    mov     $EFER_LME_NXE, %eax
    wrmsr
    mov     %cr0, %eax
    or      $CR0_NE_MP_PG, %eax
    and     $~CR0_CD_NW_TS_EM, %eax     /* after INIT the caches are off */
    mov     %eax, %cr0
    ljmp    $CODE_64, $arrive_64

    .code64
arrive_64:
    xor     %eax, %eax
    mov     %eax, %fs
    mov     %eax, %gs
    mov     $1, %edi
    lock xadd %edi, smp_arrived         /* smp.c; all may come at once */
    cmp     smp_limit, %edi
    jae     1f
    mov     smp_stacks(,%rdi,8), %rsp
    xor     %ebp, %ebp
    call    smp_serve
1:  cli                                 /* nobody has asked for it */
    hlt
    jmp     1b

    .section .note.GNU-stack, "", @progbits
