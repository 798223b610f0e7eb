/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that their own handler ends at once: faults, traps, and one that software asks for.
 * The time is that of the delivery, the handler's dozen instructions and IRET, with or without a VM
 * exit.
 */
#include "exception.h"
#include "row.h"

#include "../../core/x86/control_registers.h"

/* start.S goes on there, once. */
#define RESUME_BEHIND "movq $2f, exception_resume"

#define EXCEPTION_CODE(id, prepare, operation)                                      \
    ROW_FUNCTION(id##_control, prepare "\n\t" RESUME_BEHIND, "2:")                  \
    ROW_FUNCTION(id##_op, prepare "\n\t" RESUME_BEHIND, operation "\n\t2:")         \
    ROW_FUNCTION(id##_twice,                                                        \
                 prepare "\n\t" RESUME_BEHIND "\n\t" operation "\n\t2:\n\t" prepare \
                         "\n\t" RESUME_BEHIND,                                      \
                 operation "\n\t2:")

EXCEPTION_CODE(ud, "", "ud2")
EXCEPTION_CODE(bp, "", "int3")
EXCEPTION_CODE(de, "xor %%ecx, %%ecx", "div %%ecx")
EXCEPTION_CODE(db, "", "movb $0, watched")
EXCEPTION_CODE(nm, "", "fnop")
EXCEPTION_CODE(gp, "mov $1, %%edi\n\tshl $63, %%rdi", "mov (%%rdi), %%al")
EXCEPTION_CODE(pf, "mov $0x40000000, %%edi", "mov (%%rdi), %%al")

/* What #DB is raised for: DR0's breakpoint on writes of one byte (SDM Vol. 3B 18.2.4). */
__attribute__((used)) static uint8_t watched;
#define DR7_WRITE_0 (1ull | 1ull << 16)
#define DR7_NONE    0x400ull

static void watch(void)
{
    __asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(&watched), "r"(DR7_WRITE_0 | DR7_NONE));
}

static void unwatch(void)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(DR7_NONE));
}

static void forbid_fpu(void)
{
    uint64_t cr0;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_TS));
}

static void allow_fpu(void)
{
    __asm__ volatile("clts");
}

#define VECTOR_DE 0
#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_UD 6
#define VECTOR_NM 7
#define VECTOR_GP 13
#define VECTOR_PF 14

ROWS = {
    {
        .name = "ud",
        CODE(ud),
        .description = "#UD, delivered to a handler that returns",
        .instruction = "UD2",
        .exits = {IF_EXCEPTION(VECTOR_UD)},
    },
    {
        .name = "bp",
        CODE(bp),
        .description = "#BP, delivered to a handler that returns",
        .instruction = "INT3",
        .exits = {IF_EXCEPTION(VECTOR_BP)},
    },
    {
        .name = "de",
        CODE(de),
        .description = "#DE, delivered to a handler that returns",
        .instruction = "DIV ECX",
        .exits = {IF_EXCEPTION(VECTOR_DE)},
    },
    {
        .name = "db",
        CODE(db),
        .description = "#DB of a breakpoint on a write, delivered to a handler that returns",
        .instruction = "MOV [watched], 0",
        .exits = {IF_EXCEPTION(VECTOR_DB)},
        .setup = watch,
        .teardown = unwatch,
    },
    {
        .name = "nm",
        CODE(nm),
        .description = "#NM with CR0.TS set, delivered to a handler that returns",
        .instruction = "FNOP",
        .exits = {IF_EXCEPTION(VECTOR_NM)},
        .setup = forbid_fpu,
        .teardown = allow_fpu,
    },
    {
        .name = "gp",
        CODE(gp),
        .description =
            "#GP of an address that is not canonical, delivered to a handler that returns",
        .instruction = "MOV AL, [RDI]",
        .exits = {IF_EXCEPTION(VECTOR_GP)},
    },
    {
        .name = "pf",
        CODE(pf),
        .description = "#PF of a page that is not present, delivered to a handler that returns",
        .instruction = "MOV AL, [RDI]",
        .exits = {IF_EXCEPTION(VECTOR_PF)},
    },
};
