/* SPDX-License-Identifier: MIT */
/*
 * From the multiboot2 loader to C in 64-bit mode: identity map of the first 4 GiB by 2 MiB pages, a
 * flat GDT, a stack. Multiboot2 3.3: EAX holds the loader's magic, EBX the boot information, the CPU is
 * in protected mode without paging, interrupts off.
 */
#define MULTIBOOT2_MAGIC  0xe85250d6
#define MULTIBOOT2_LOADED 0x36d76289
#define HEADER_LENGTH     (header_end - header)

#define CR0_NE_MP_PG     0x80000022
#define CR0_CD_NW_TS_EM  0x6000000c
#define CR4_PAE          0x20
#define EFER             0xc0000080
#define EFER_LME_NXE     0x900
#define PAGE_LARGE_RW    0x83
#define PAGE_TABLE_RW    0x03

    .section .multiboot, "a"
    .balign 8
header:
    .long   MULTIBOOT2_MAGIC, 0, HEADER_LENGTH
    .long   -(MULTIBOOT2_MAGIC + 0 + HEADER_LENGTH)
    .short  6, 0                        /* modules on page boundaries */
    .long   8
    .short  0, 0                        /* end */
    .long   8
header_end:

    .section .text.boot, "ax"
    .code32
    .globl  boot_start
boot_start:
    cmp     $MULTIBOOT2_LOADED, %eax
    jne     stop32
    mov     $0x80000001, %eax           /* long mode? */
    mov     %ebx, %esi
    cpuid
    test    $(1 << 29), %edx
    jz      stop32
    mov     %esi, %ebx

    movl    $(boot_pdpt + PAGE_TABLE_RW), boot_pml4
    mov     $4, %ecx
    mov     $(boot_directories + PAGE_TABLE_RW), %eax
    mov     $boot_pdpt, %edi
1:  mov     %eax, (%edi)
    add     $4096, %eax
    add     $8, %edi
    loop    1b
    mov     $2048, %ecx
    mov     $PAGE_LARGE_RW, %eax
    mov     $boot_directories, %edi
2:  mov     %eax, (%edi)
    add     $0x200000, %eax
    add     $8, %edi
    loop    2b

    mov     $CR4_PAE, %eax
    mov     %eax, %cr4
    mov     $boot_pml4, %eax
    mov     %eax, %cr3
    mov     $EFER, %ecx
    xor     %edx, %edx
    mov     $EFER_LME_NXE, %eax
    wrmsr
    mov     %cr0, %eax
    or      $CR0_NE_MP_PG, %eax
    and     $~CR0_CD_NW_TS_EM, %eax     /* caches on: some firmware leaves them off */
    mov     %eax, %cr0
    lgdt    boot_gdtr
    ljmp    $8, $boot_64

/* Not a place where anything can be said but by the text screen. */
stop32:
    movl    $0x4f214f21, 0xb8000
    cli
    hlt
    jmp     stop32

    .code64
boot_64:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    xor     %eax, %eax
    mov     %eax, %fs
    mov     %eax, %gs
    mov     $boot_stack_end, %esp
    xor     %ebp, %ebp
    mov     %ebx, %edi
    call    boot_main
3:  cli
    hlt
    jmp     3b

    .section .rodata.boot, "a"
    .balign 8
boot_gdt:
    .quad   0
    .quad   0x00af9b000000ffff          /* 64-bit code */
    .quad   0x00cf93000000ffff          /* data */
boot_gdtr:
    .short  . - boot_gdt - 1
    .quad   boot_gdt

    .section .bss.boot, "aw", @nobits
    .balign 4096
    .globl  boot_pml4
boot_pml4:        .skip 4096
boot_pdpt:        .skip 4096
boot_directories: .skip 4 * 4096
boot_stack:       .skip 32768
boot_stack_end:
    .section .note.GNU-stack, "", @progbits
