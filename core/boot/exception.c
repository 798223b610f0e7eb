/* SPDX-License-Identifier: MIT */
#include "exception.h"

#include "../platform.h"
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "apic.h"
#include "finish.h"
#include "power.h"
#include "string.h"

#define EXCEPTIONS  32u
#define REASON_SIZE 96u
#define ENTRY_SIZE  16u     /* of exception.S */
#define GATE_64     0x8e00u /* present, DPL 0, 64-bit interrupt gate */
#define TSS_64      0x89u   /* present, available 64-bit TSS */
#define CODE        0x08u
#define TASK_STATE  0x18u
#define VECTOR_NMI  2u
#define VECTOR_DF   8u
#define VECTOR_GP   13u
#define VECTOR_MC   18u

extern const char exception_entries[];

/* One .fixup entry: see X86_FIXUP. */
extern const struct fixup {
    uint64_t from;
    uint64_t to;
} fixup_start[], fixup_end[];

static struct idt_gate idt[IDT_VECTORS];

static unsigned stack_of(unsigned vector)
{
    return vector == VECTOR_NMI ? 1 : vector == VECTOR_DF ? 2 : vector == VECTOR_MC ? 3 : 0;
}

void idt_fill(struct idt_gate *gates, const char *entries, unsigned entry_size)
{
    for (unsigned i = 0; i < IDT_VECTORS; i++) {
        uint64_t entry = (uint64_t)entries + i * entry_size;
        gates[i].offset0 = (uint16_t)entry;
        gates[i].selector = CODE;
        gates[i].ist_and_type = (uint16_t)(GATE_64 | stack_of(i));
        gates[i].offset1 = (uint16_t)(entry >> 16);
        gates[i].offset2 = (uint32_t)(entry >> 32);
    }
}

void exception_start(struct exception_tables *tables, void *gs_base)
{
    uint64_t base = (uint64_t)&tables->task_state, limit = sizeof(tables->task_state) - 1;

    if (!idt[0].selector) /* by the CPU that booted, before there is another */
        idt_fill(idt, exception_entries, ENTRY_SIZE);
    for (unsigned i = 0; i < EXCEPTION_STACKS; i++)
        tables->task_state.ist[i] = (uint64_t)tables->stacks[i] + EXCEPTION_STACK_SIZE;
    tables->task_state.io_map = sizeof(tables->task_state);
    tables->gdt[1] = 0x00af9b000000ffff;
    tables->gdt[2] = 0x00cf93000000ffff;
    tables->gdt[3] =
        limit | (base & 0xffffff) << 16 | (uint64_t)TSS_64 << 40 | (base >> 24 & 0xff) << 56;
    tables->gdt[4] = base >> 32;
    struct descriptor_table_register gdtr = {sizeof(tables->gdt) - 1, (uint64_t)tables->gdt};
    struct descriptor_table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2"
                     :
                     : "m"(gdtr), "m"(idtr), "r"(TASK_STATE)
                     : "memory");
    x86_wrmsr(IA32_GS_BASE, (uint64_t)gs_base);
    /* Without it a machine check shuts the CPU down, and nobody learns why. */
    if (x86_cpuid(1, 0).edx & CPUID_1_EDX_MCE)
        x86_write_cr4(x86_read_cr4() | CR4_MCE);
}

/* By CPU: an NMI came while the host ran there, and how many have. */
static bool nmi_taken[PLATFORM_CPUS_MAX];
static uint32_t nmi_count[PLATFORM_CPUS_MAX];

bool exception_nmi_taken(void)
{
    return __atomic_exchange_n(&nmi_taken[platform_cpu_number()], false, __ATOMIC_RELAXED);
}

void exception_note_nmi(void)
{
    uint32_t cpu = platform_cpu_number();

    __atomic_store_n(&nmi_taken[cpu], true, __ATOMIC_RELAXED);
    nmi_count[cpu]++; /* NMIs do not interrupt each other */
}

uint32_t platform_nmi_count(void)
{
    return __atomic_load_n(&nmi_count[platform_cpu_number()], __ATOMIC_RELAXED);
}

/* One that came while the host waited for another: who runs a guest takes no interrupts. */
static void handle_interrupt(uint8_t vector)
{
    if (platform_interrupt(vector) || vector == APIC_SPURIOUS_VECTOR)
        return;
    platform_log("interrupt 0x%x that nobody asked for\n", vector);
    apic_write(APIC_REGISTER_EOI, 0);
}

static const char *name_of(uint64_t vector)
{
    static const char *const names[EXCEPTIONS] = {
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", NULL,  "#TS",
        "#NP", "#SS", "#GP", "#PF", NULL,  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    };
    return vector < EXCEPTIONS && names[vector] ? names[vector] : "reserved";
}

struct text {
    char *next, *last;
};

static void put(char c, void *context)
{
    struct text *text = context;

    if (text->next < text->last)
        *text->next++ = c;
    *text->next = '\0';
}

static void print(char *into, size_t size, const char *format, ...)
{
    struct text text = {into, into + size - 1};
    va_list arguments;

    va_start(arguments, format);
    string_format(put, &text, format, arguments);
    va_end(arguments);
}

static void tell(const struct exception_frame *frame)
{
    typedef unsigned long long ull;
    uint64_t cr2;

    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    platform_log("host exception %llu, error 0x%llx, rip %016llx, cr2 %016llx\n",
                 (ull)frame->vector, (ull)frame->error, (ull)frame->rip, (ull)cr2);
    platform_log("  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", (ull)frame->rax,
                 (ull)frame->rbx, (ull)frame->rcx, (ull)frame->rdx);
    platform_log("  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n", (ull)frame->rsi,
                 (ull)frame->rdi, (ull)frame->rbp, (ull)frame->rsp);
    platform_log("  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n", (ull)frame->r8,
                 (ull)frame->r9, (ull)frame->r10, (ull)frame->r11);
    platform_log("  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n", (ull)frame->r12,
                 (ull)frame->r13, (ull)frame->r14, (ull)frame->r15);
}

/* Reports that have begun, by local APIC id: who fails in here may not have GS to go by. */
static unsigned depths[256];

static unsigned *my_depth(void)
{
    return &depths[x86_cpuid(1, 0).ebx >> 24];
}

void exception_survived(void)
{
    *my_depth() = 0;
}

/*
 * Ends the run. What fails in here is told as well, in one line, so that the first report stands;
 * and what fails in that, not at all.
 */
static void end_run(const struct exception_frame *frame)
{
    char reason[REASON_SIZE];
    unsigned depth = (*my_depth())++;

    if (depth > 1)
        power_off();
    print(reason, sizeof(reason), "host exception %llu (%s) at 0x%llx%s",
          (unsigned long long)frame->vector, name_of(frame->vector), (unsigned long long)frame->rip,
          depth ? ", in reporting another" : ": see the console");
    if (depth)
        finish("failed", reason);
    tell(frame);
    boot_fail(reason);
}

void exception_handle(struct exception_frame *frame)
{
    if (frame->vector == VECTOR_NMI) {
        exception_note_nmi();
        return;
    }
    if (frame->vector >= EXCEPTIONS) {
        handle_interrupt((uint8_t)frame->vector);
        return;
    }
    if (frame->vector == VECTOR_GP)
        for (const struct fixup *f = fixup_start; f < fixup_end; f++)
            if (f->from == frame->rip) {
                frame->rip = f->to;
                return;
            }
    end_run(frame);
}
