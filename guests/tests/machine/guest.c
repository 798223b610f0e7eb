/* SPDX-License-Identifier: MIT */
/*
 * A guest that has the machine and knows what it did: it takes a known number of each kind of exit,
 * counts for itself, tells on its console, and ends in the way that its command line names. It says
 * "count WHAT N" for each; ci/tests/test_image.py holds the profile against that.
 */
#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT_LOADED  0x2badb002u
#define MULTIBOOT_CMDLINE (1u << 2)

#define COM1         0x3f8u
#define LINE_STATUS  (COM1 + 5)
#define LINE_EMPTY   0x20u
#define PIC_MASTER   0x20u
#define PIC_SLAVE    0xa0u
#define PIC_EOI      0x20u
#define PIC_READ_IRR 0x0au
#define PIT          0x40u
#define PIT_PERIOD   20000u
#define CORE         0x7e00000u /* core/boot/image.lds */

#define FIRST_VECTOR 0x20u
#define OTHER_VECTOR 0x40u
#define VECTORS      0x50u
#define TIMER_COUNT  20u

struct multiboot {
    uint32_t flags, lower, upper, device, command_line;
};

extern const char interrupt_entries[];
void guest_interrupt(uint32_t vector);
void guest_main(uint32_t magic, const struct multiboot *information);

static volatile uint32_t interrupts[VECTORS];

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void put(char c)
{
    while (!(in8(LINE_STATUS) & LINE_EMPTY))
        ;
    out8(COM1, (uint8_t)c);
}

static void print(const char *text)
{
    for (; *text; text++)
        put(*text);
}

static void print_count(const char *what, uint32_t number)
{
    char digits[11], *at = digits + sizeof(digits) - 1;

    *at = '\0';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    print("count ");
    print(what);
    put(' ');
    print(at);
    put('\n');
}

static void vmcall(uint32_t number, uint32_t argument)
{
    __asm__ volatile("vmcall" : "+a"(number) : "D"(argument) : "memory");
}

void guest_interrupt(uint32_t vector)
{
    interrupts[vector]++;
    if (vector >= FIRST_VECTOR)
        out8(PIC_MASTER, PIC_EOI);
}

/* IRQ 0 alone, from that vector on. */
static void pic_start(uint8_t vector)
{
    out8(PIC_MASTER, 0x11);
    out8(PIC_MASTER + 1, vector);
    out8(PIC_MASTER + 1, 4);
    out8(PIC_MASTER + 1, 1);
    out8(PIC_MASTER + 1, 0xfe);
    out8(PIC_SLAVE + 1, 0xff);
}

static void idt_start(void)
{
    static struct {
        uint16_t low, selector, type, high;
    } idt[VECTORS];
    static struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } idtr;
    uint16_t selector;

    __asm__("mov %%cs, %0" : "=r"(selector));
    for (uint32_t i = 0; i < VECTORS; i++) {
        uint32_t entry = (uint32_t)interrupt_entries + 16 * i;
        idt[i].low = (uint16_t)entry;
        idt[i].selector = selector;
        idt[i].type = 0x8e00;
        idt[i].high = (uint16_t)(entry >> 16);
    }
    idtr.limit = sizeof(idt) - 1;
    idtr.base = (uint32_t)idt;
    __asm__ volatile("lidt %0" : : "m"(idtr));
}

/*
 * The timer's interrupts: a number of them in HLT; and one that waits while interrupts are off,
 * until the controller has given it another vector, under which alone it may come.
 */
static void take_interrupts(void)
{
    idt_start();
    pic_start(FIRST_VECTOR);
    out8(PIT + 3, 0x34);
    out8(PIT, PIT_PERIOD & 0xff);
    out8(PIT, PIT_PERIOD >> 8);
    while (interrupts[FIRST_VECTOR] < TIMER_COUNT)
        __asm__ volatile("sti; hlt; cli");
    out8(PIC_MASTER, PIC_READ_IRR);
    while (!(in8(PIC_MASTER) & 1))
        ;
    for (uint32_t count = 0; count < 29; count++)
        __asm__ volatile("int3" : : : "memory"); /* and as many exceptions besides */
    print_count("exception/0x3", interrupts[3]);
    uint32_t before = interrupts[FIRST_VECTOR];
    pic_start(OTHER_VECTOR);
    while (!interrupts[OTHER_VECTOR] && interrupts[FIRST_VECTOR] == before)
        __asm__ volatile("sti; hlt; cli");
    out8(PIC_MASTER + 1, 0xff);
    print_count("interrupt/0x20", interrupts[FIRST_VECTOR]);
    print_count("interrupt/0x40", interrupts[OTHER_VECTOR]);
}

static uint32_t cpuid(uint32_t leaf)
{
    uint32_t eax = leaf, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ebx;
}

static uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* Different numbers of each, so that no two can be taken for one another. */
static void take_exits(void)
{
    uint32_t count;

    for (count = 0; count < 101; count++)
        cpuid(0);
    print_count("cpuid/0x0", count);
    for (count = 0; count < 67; count++)
        cpuid(0x80000000);
    print_count("cpuid/0x80000000", count);
    for (count = 0; count < 70001; count++) /* more than the ring of records holds */
        cpuid(0x80000001);
    print_count("cpuid/0x80000001", count);
    for (count = 0; count < 211; count++)
        rdmsr(0x174);
    print_count("rdmsr/0x174", count);
    for (count = 0; count < 89; count++)
        wrmsr(0x175, 0x1000 + count);
    print_count("wrmsr/0x175", count);
    for (count = 0; count < 307; count++)
        out8(0x80, (uint8_t)count);
    print_count("out/0x80", count);
    for (count = 0; count < 151; count++)
        in8(0x61);
    print_count("in/0x61", count);
    for (count = 0; count < 43; count++)
        in8(0x64);
    print_count("in/0x64", count); /* the core's to watch, so it exits under every policy */
    for (count = 0; count < 127; count++)
        vmcall(0, 0);
    print_count("vmcall/0x0", count);
}

/* What was written can be read, whether that exits or not. */
static void check(void)
{
    if (rdmsr(0x175) != 0x1000 + 88)
        vmcall(2, 1);
    out8(0x70, 0x0f); /* CMOS: the shutdown status, which nobody needs now */
    out8(0x71, 0x5a);
    out8(0x70, 0x0f);
    if (in8(0x71) != 0x5a)
        vmcall(2, 2);
    out8(0x70, 0x0f);
    out8(0x71, 0);
}

static int is(const char *text, const char *word)
{
    while (*word && *text == *word)
        text++, word++;
    return *text == *word;
}

static void end(const char *how)
{
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } no_idt = {0, 0};

    if (is(how, "done"))
        vmcall(1, 0);
    if (is(how, "fail"))
        vmcall(2, 0x77);
    if (is(how, "spin"))
        for (;;)
            ;
    if (is(how, "reset"))
        out8(0xcf9, 6);
    if (is(how, "keyboard"))
        out8(0x64, 0xfe);
    if (is(how, "bochs"))
        out8(0x8900, 'S');
    if (is(how, "sleep")) /* PM1 control of Bochs's chipset: S5 */
        __asm__ volatile("outw %w0, %w1" : : "a"(0x2000), "d"(0xb004));
    if (is(how, "break"))
        __asm__ volatile("xchg %%bx, %%bx; 1: jmp 1b" : : : "memory");
    if (is(how, "core"))
        *(volatile uint32_t *)CORE = 1;
    if (is(how, "triple"))
        __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}

void guest_main(uint32_t magic, const struct multiboot *information)
{
    const char *how = "";

    print("machine guest\n");
    if (magic == MULTIBOOT_LOADED && information->flags & MULTIBOOT_CMDLINE)
        how = (const char *)information->command_line;
    take_exits();
    check();
    take_interrupts();
    print("ready to end\n");
    end(how); /* or halt */
}
