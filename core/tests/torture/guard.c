/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "../../boot/cpu.h"
#include "../../platform.h"
#include "../../x86/instructions.h"

#include <string.h>

#define CANARY_PAGES  256u
#define CANARY_CHUNKS 32u
#define CANARY        0xc3u
#define MSR(number)     \
    {                   \
#number, number \
    }

/* image.lds */
extern const char image_start[], image_data[];

static uint64_t gdt_base(void)
{
    return x86_read_gdtr().base;
}

static uint64_t idt_base(void)
{
    return x86_read_idtr().base;
}

static uint64_t limits(void)
{
    return (uint64_t)x86_read_gdtr().limit << 16 | x86_read_idtr().limit;
}

/* To what every VM exit makes them (SDM Vol. 3C 28.5.2), which the host is content with. */
static void widen_limits(void)
{
    struct descriptor_table_register gdtr = x86_read_gdtr(), idtr = x86_read_idtr();

    gdtr.limit = idtr.limit = 0xffff;
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr));
}

static uint64_t selectors(void)
{
    return (uint64_t)x86_read_cs() << 48 | (uint64_t)x86_read_ss() << 32 |
           (uint64_t)x86_read_ds() << 16 | x86_read_tr();
}

static uint64_t interrupts_on(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    return flags & 0x200;
}

static uint64_t xcr0(void)
{
    return x86_read_cr4() & 1u << 18 ? x86_xgetbv(0) : 0;
}

static struct watched {
    const char *name;
    uint64_t (*read)(void); /* NULL: an MSR */
    uint32_t msr;
    uint64_t was;
} registers[] =
    {
        {"CR0", x86_read_cr0, 0, 0},
        {"CR3", x86_read_cr3, 0, 0},
        {"CR4", x86_read_cr4, 0, 0},
        {"CR8", x86_read_cr8, 0, 0},
        {"GDTR base", gdt_base, 0, 0},
        {"IDTR base", idt_base, 0, 0},
        {"limit of GDTR or IDTR", limits, 0, 0},
        {"CS, SS, DS or TR", selectors, 0, 0},
        {"RFLAGS.IF", interrupts_on, 0, 0},
        {"IA32_APIC_BASE", NULL, 0x1b, 0},
        {"IA32_SYSENTER_CS", NULL, 0x174, 0},
        {"IA32_SYSENTER_ESP", NULL, 0x175, 0},
        {"IA32_SYSENTER_EIP", NULL, 0x176, 0},
        {"IA32_PAT", NULL, 0x277, 0},
        {"IA32_EFER", NULL, 0xc0000080, 0},
        {"IA32_FS_BASE", NULL, 0xc0000100, 0},
        {"IA32_GS_BASE", NULL, 0xc0000101, 0},
},
  resident[] = {
      {"DR0", x86_read_dr0, 0, 0},
      {"DR1", x86_read_dr1, 0, 0},
      {"DR2", x86_read_dr2, 0, 0},
      {"DR3", x86_read_dr3, 0, 0},
      {"XCR0", xcr0, 0, 0},
      {"IA32_STAR", NULL, 0xc0000081, 0},
      {"IA32_LSTAR", NULL, 0xc0000082, 0},
      {"IA32_CSTAR", NULL, 0xc0000083, 0},
      {"IA32_FMASK", NULL, 0xc0000084, 0},
      {"IA32_KERNEL_GS_BASE", NULL, 0xc0000102, 0},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static uint8_t *chunks[CANARY_CHUNKS];
static uint64_t code_was, tables_were;

static uint64_t read(const struct watched *watched)
{
    return watched->read ? watched->read() : x86_rdmsr(watched->msr);
}

static void note(struct watched *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        list[i].was = read(&list[i]);
}

static const char *changed(const struct watched *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (read(&list[i]) != list[i].was)
            return list[i].name;
    return NULL;
}

/* FNV-1a over words; what is left of a word at the end is left out. */
static uint64_t hash(const void *from, const void *to)
{
    uint64_t sum = 0xcbf29ce484222325ull;

    for (const uint64_t *word = from; word + 1 <= (const uint64_t *)to; word++)
        sum = (sum ^ *word) * 0x100000001b3ull;
    return sum;
}

static uint64_t hash_tables(void)
{
    const struct exception_tables *tables = &cpu_this()->tables;

    return hash(tables->gdt, tables + 1); /* the stacks are in use: NMIs may come */
}

const char *guard_begin(void)
{
    for (unsigned i = 0; i < CANARY_CHUNKS; i++) {
        chunks[i] = platform_pages_allocate(CANARY_PAGES, PAGE_SIZE);
        if (!chunks[i])
            return "no memory for canaries";
        memset(chunks[i], CANARY, CANARY_PAGES * PAGE_SIZE);
    }
    widen_limits();
    note(registers, COUNT(registers));
    note(resident, COUNT(resident));
    code_was = hash(image_start, image_data);
    tables_were = hash_tables();
    return NULL;
}

const char *guard_registers(void)
{
    return changed(registers, COUNT(registers));
}

const char *guard_resident(void)
{
    return changed(resident, COUNT(resident));
}

const char *guard_memory(void)
{
    if (hash(image_start, image_data) != code_was)
        return "the core's code or constants";
    if (hash_tables() != tables_were)
        return "the host's descriptor tables";
    for (unsigned i = 0; i < CANARY_CHUNKS; i++)
        for (const uint8_t *at = chunks[i]; at < chunks[i] + CANARY_PAGES * PAGE_SIZE; at += 8) {
            uint64_t word;
            memcpy(&word, at, sizeof(word));
            if (word != CANARY * 0x0101010101010101ull)
                return "memory that nobody has";
        }
    return NULL;
}
