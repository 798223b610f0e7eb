/* SPDX-License-Identifier: MIT */
/* Descriptor tables of this CPU, and what happens on an exception in the host. */
#ifndef EXITMETER_CORE_BOOT_EXCEPTION_H
#define EXITMETER_CORE_BOOT_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

/* What exception.S pushes, lowest address first. */
struct exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

#define IDT_VECTORS 256u

struct idt_gate {
    uint16_t offset0;
    uint16_t selector;
    uint16_t ist_and_type;
    uint16_t offset1;
    uint32_t offset2;
    uint32_t reserved;
};

/* Interrupt gates to entries that lie so far apart; #DF, NMI and #MC on stacks of their own. */
void idt_fill(struct idt_gate *gates, const char *entries, unsigned entry_size);

#define EXCEPTION_STACKS     3u
#define EXCEPTION_STACK_SIZE 8192u

/* What each CPU has of its own; the IDT is everyone's. */
struct exception_tables {
    char stacks[EXCEPTION_STACKS][EXCEPTION_STACK_SIZE] __attribute__((aligned(16)));
    uint64_t gdt[5];
    struct __attribute__((packed)) {
        uint32_t reserved0;
        uint64_t rsp[3];
        uint64_t reserved1;
        uint64_t ist[7];
        uint64_t reserved2;
        uint16_t reserved3;
        uint16_t io_map;
    } task_state;
};

/*
 * GDT with a TSS, IDT with all 256 vectors; #DF, NMI and #MC on stacks of their own. gs_base is
 * what GS points to in VMX root operation: the CPU's struct cpu.
 */
void exception_start(struct exception_tables *tables, void *gs_base);

/*
 * Whether an NMI has been taken by this CPU since the last call. A guest whose x2APIC passes
 * through can send itself one that arrives only after its next VM exit: no reason to end the run.
 */
bool exception_nmi_taken(void);

/* Such an NMI has been taken. */
void exception_note_nmi(void);

/* For an image of tests: boot_fail() has been left behind, and the CPU goes on. */
void exception_survived(void);

/*
 * Called by exception.S. An interrupt goes to platform_interrupt(). Returns after that, after an
 * NMI, and if the faulting instruction has an entry in .fixup; else the state is printed and
 * boot_fail() ends the run, its reason naming exception and RIP.
 */
void exception_handle(struct exception_frame *frame);

#endif
