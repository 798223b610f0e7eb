/* SPDX-License-Identifier: MIT */
#include "delivery.h"

#include "check.h"
#include "idt.h"

#define IA32_APIC_BASE 0x1b
#define BASE_X2APIC    (1ull << 10)
#define BASE_ENABLE    (1ull << 11)

#define X2APIC_TPR   0x808
#define X2APIC_SVR   0x80f
#define SVR_ENABLED  0x1ffull
#define SVR_DISABLED 0x0ffull
#define LVT_MASKED   (1ull << 16)
#define LVT_DEADLINE (2ull << 17)
#define ICR_SELF     (1u << 18)

#define XAPIC_TPR 0x80u
#define XAPIC_SVR 0xf0u
#define XAPIC_ICR 0x300u

#define VECTORS    128u
#define VECTOR_NMI 2u

volatile uint32_t delivered, delivery_nested;

static uint64_t idt[2 * VECTORS];
static struct table_register old;

/* The entry of the guest's page tables for the 2 MiB that the window lies in, and the APIC's page
 * is all there is in those. */
#define WINDOW_ENTRY \
    ((volatile uint64_t *)(GUEST_PAGE_TABLES + 8192 + 8 * (XAPIC_WINDOW / 0x200000)))
#define APIC_ADDRESS   0xfee00000ull
#define UNCACHED_2_MIB 0x93ull
_Static_assert(XAPIC_WINDOW % 0x200000 == 0 && XAPIC_WINDOW < GUEST_MEMORY_SIZE &&
                   XAPIC_WINDOW >= GUEST_SAMPLES_BASE + GUEST_SAMPLES_MAX * sizeof(struct sample),
               "2 MiB of guest memory that nothing else uses");
static uint64_t window_mapped, base_before;

__attribute__((naked)) static void on_interrupt(void)
{
    __asm__ volatile("incl delivered; mov $" X2APIC_EOI_TEXT ", %%ecx; xor %%eax, %%eax;"
                     "xor %%edx, %%edx; wrmsr; iretq" ::);
}

__attribute__((naked)) static void on_interrupt_xapic(void)
{
    __asm__ volatile("incl delivered; movl $0, " XAPIC_WINDOW_TEXT "+0xb0; iretq" ::);
}

/* The first of two asks for the second, which comes behind its IRET. */
__attribute__((naked)) static void on_nmi(void)
{
    __asm__ volatile("incl delivered; cmpl $0, delivery_nested; je 1f; movl $0, delivery_nested;"
                     "mov %0, %%eax; xor %%ecx, %%ecx; vmcall; 1: iretq"
                     :
                     : "i"(HYPERCALL_NMI));
}

/* Where none can be asked for, an NMI is the word that the row does not come back. */
__attribute__((naked)) static void on_watchdog(void)
{
    __asm__ volatile("mov %0, %%eax; mov %1, %%edi; jmp blob_leave"
                     :
                     : "i"(HYPERCALL_FAILED), "i"(0x100 + VECTOR_NMI));
}

/* start.S: of a monitor that has none of our hypercalls. */
extern const volatile uint64_t blob_leave_to;

void delivery_prove(uint64_t wanted)
{
    EXPECT(delivered == (uint32_t)wanted);
}

/* Takes what is pending: the instruction behind STI still belongs to its shadow. */
static void take(void)
{
    __asm__ volatile("sti; nop; nop; cli" : : : "rax", "rcx", "rdx", "memory");
}

static void write(uint32_t msr, uint64_t value)
{
    EXPECT(try_wrmsr(msr, value));
}

static void load(void (*handler)(void))
{
    const struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};

    idt_copy(idt, &old);
    idt_set(idt, DELIVERY_VECTOR, handler);
    idt_set(idt, VECTOR_NMI, blob_leave_to ? on_watchdog : on_nmi);
    idt_load(&mine);
    delivered = 0;
}

void delivery_open(void)
{
    load(on_interrupt);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
}

void delivery_close(void)
{
    __asm__ volatile("cli");
    write(X2APIC_SVR, SVR_DISABLED);
    idt_load(&old);
}

void delivery_begin(void)
{
    delivery_open();
    write(X2APIC_SELF_IPI, DELIVERY_VECTOR);
}

void delivery_end(void)
{
    write(X2APIC_SELF_IPI, DELIVERY_VECTOR); /* whether one is pending still or not */
    take();
    delivery_close();
}

static volatile uint32_t *xapic(uint32_t offset)
{
    return (volatile uint32_t *)(uint64_t)(XAPIC_WINDOW + offset);
}

static void map_window(uint64_t entry)
{
    *WINDOW_ENTRY = entry;
    __asm__ volatile("invlpg (%0)" : : "r"((uint64_t)XAPIC_WINDOW) : "memory");
}

/* From x2APIC mode the way is by disabled (SDM Vol. 3A 11.12.5). */
void delivery_open_xapic(void)
{
    EXPECT(try_rdmsr(IA32_APIC_BASE, &base_before));
    if (base_before & BASE_X2APIC) {
        write(IA32_APIC_BASE, base_before & ~(BASE_X2APIC | BASE_ENABLE));
        write(IA32_APIC_BASE, base_before & ~BASE_X2APIC);
    }
    window_mapped = *WINDOW_ENTRY;
    map_window(APIC_ADDRESS | UNCACHED_2_MIB);
    load(on_interrupt_xapic);
    *xapic(XAPIC_SVR) = SVR_ENABLED;
    *xapic(XAPIC_TPR) = 0;
}

void delivery_close_xapic(void)
{
    __asm__ volatile("cli");
    *xapic(XAPIC_SVR) = SVR_DISABLED;
    idt_load(&old);
    map_window(window_mapped);
    if (base_before & BASE_X2APIC)
        write(IA32_APIC_BASE, base_before);
}

void delivery_begin_xapic(void)
{
    delivery_open_xapic();
    *xapic(XAPIC_ICR) = ICR_SELF | DELIVERY_VECTOR;
}

void delivery_end_xapic(void)
{
    *xapic(XAPIC_ICR) = ICR_SELF | DELIVERY_VECTOR;
    take();
    delivery_close_xapic();
}

void delivery_open_on(void)
{
    delivery_open();
    __asm__ volatile("sti");
}

void delivery_open_xapic_on(void)
{
    delivery_open_xapic();
    __asm__ volatile("sti");
}

void delivery_open_deadline(void)
{
    delivery_open();
    write(X2APIC_LVT_TIMER, LVT_DEADLINE | DELIVERY_VECTOR);
    __asm__ volatile("mfence; sti" : : : "memory");
}

void delivery_close_deadline(void)
{
    __asm__ volatile("cli");
    write(X2APIC_LVT_TIMER, LVT_MASKED);
    delivery_close();
}
