/* SPDX-License-Identifier: MIT */
/* Descriptor tables of this CPU, and what happens on an exception in the host. */
#ifndef EXITMETER_CORE_BOOT_EXCEPTION_H
#define EXITMETER_CORE_BOOT_EXCEPTION_H

#include <stdint.h>

/* What exception.S pushes, lowest address first. */
struct exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * GDT with a TSS, IDT with the 32 exceptions; #DF, NMI and #MC on stacks of their own. gs_base is
 * what GS points to in VMX root operation: the CPU's struct probe_cpu.
 */
void exception_start(void *gs_base);

/*
 * Called by exception.S. Returns if the faulting instruction has an entry in .fixup; else the state
 * is printed and boot_fail() ends the run.
 */
void exception_handle(struct exception_frame *frame);

#endif
