/* SPDX-License-Identifier: MIT */
/*
 * The local APIC where Bochs's own differs from the SDM, so that only the core's can be held to it:
 * logical destinations, lowest priority, NMIs, modes, and registers as they are read afterwards.
 * ci/tests/test_apic.py runs it where the guest has the core's, in every form.
 */
#include "../blob/interrupt.h"

#define ICR_LOWEST    (1ull << 8)
#define ICR_NMI       (4ull << 8)
#define ICR_LOGICAL   (1ull << 11)
#define ICR_BROADCAST (0xffffffffull << 32)

#define LVT_MASKED   (1ull << 16)
#define LVT_DEADLINE (2ull << 17)

#define BASE_X2APIC (1ull << 10)
#define BASE_ENABLE (1ull << 11)

#define CPUID_1_EDX_APIC (1u << 9)

HANDLER(on_nmi, 2)

static struct table_register old;

static void start(void)
{
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
}

static void end(void)
{
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

static uint32_t takes(uint32_t msr, uint64_t value)
{
    count = 0;
    write(msr, value);
    open_and_close();
    return count;
}

static void check_logical(struct sample *samples, uint64_t samples_count)
{
    (void)samples;
    (void)samples_count;
    start();
    uint64_t id = read(X2APIC_ID) << 32, logical = read(X2APIC_LDR) << 32;
    EXPECT(takes(X2APIC_ICR, logical | ICR_LOGICAL | LOW_VECTOR) == 1);
    EXPECT(read(X2APIC_ICR) == (logical | ICR_LOGICAL | LOW_VECTOR));
    EXPECT(takes(X2APIC_ICR, logical << 1 | ICR_LOGICAL | LOW_VECTOR) == 0);
    EXPECT(takes(X2APIC_ICR, logical | 1ull << 60 | ICR_LOGICAL | LOW_VECTOR) == 0);
    EXPECT(takes(X2APIC_ICR, ICR_BROADCAST | ICR_LOGICAL | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, id | ICR_LOWEST | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, logical | ICR_LOGICAL | ICR_LOWEST | HIGH_VECTOR) == 1);
    EXPECT(taken[0] == HIGH_VECTOR);
    end();
}

/* Taken at once, whatever RFLAGS.IF and the TPR are. */
static void check_nmi(struct sample *samples, uint64_t samples_count)
{
    (void)samples;
    (void)samples_count;
    start();
    set_gate(2, on_nmi);
    count = 0;
    write(X2APIC_TPR, 0xff);
    write(X2APIC_ICR, read(X2APIC_ID) << 32 | ICR_NMI);
    EXPECT(count == 1 && taken[0] == 2);
    write(X2APIC_TPR, 0);
    write(X2APIC_ICR, ICR_SELF | ICR_NMI); /* no such form */
    EXPECT(count == 1);
    end();
}

static void check_deadline(struct sample *samples, uint64_t samples_count)
{
    uint32_t low, high;

    (void)samples;
    (void)samples_count;
    start();
    write(X2APIC_LVT_TIMER, LVT_DEADLINE | LOW_VECTOR);
    count = 0;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    write(IA32_TSC_DEADLINE, ((uint64_t)high << 32 | low) + 20000);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    EXPECT(count == 1 && read(IA32_TSC_DEADLINE) == 0);
    write(X2APIC_LVT_TIMER, LVT_MASKED);
    end();
}

/* SDM Vol. 3A 11.12.5: the ways between the modes, and those that there are not. */
static void check_base(struct sample *samples, uint64_t samples_count)
{
    uint64_t value;

    (void)samples;
    (void)samples_count;
    uint64_t base = read(IA32_APIC_BASE);
    uint64_t disabled = base & ~(BASE_X2APIC | BASE_ENABLE), xapic = disabled | BASE_ENABLE;
    EXPECT((base & 0xfffffffffffff000) == 0xfee00000 && base & BASE_X2APIC && base & BASE_ENABLE);
    EXPECT(cpuid(1, 0).edx & CPUID_1_EDX_APIC);
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_APIC_BASE, xapic));
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_APIC_BASE, disabled | BASE_X2APIC));
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_APIC_BASE, base | 1));
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_APIC_BASE, base | 1ull << 60));
    write(X2APIC_SVR, SVR_ENABLED);
    write(IA32_APIC_BASE, disabled);
    EXPECT(!(cpuid(1, 0).edx & CPUID_1_EDX_APIC));
    EXPECT_EXCEPTION(VECTOR_GP, try_rdmsr(X2APIC_ID, &value));
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_APIC_BASE, base));
    write(IA32_APIC_BASE, xapic);
    EXPECT(cpuid(1, 0).edx & CPUID_1_EDX_APIC);
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(X2APIC_SVR, SVR_ENABLED));
    write(IA32_APIC_BASE, base);
    EXPECT(read(IA32_APIC_BASE) == base);
    EXPECT(read(X2APIC_SVR) == SVR_DISABLED); /* as after RESET */
}

/* 30 MiB leads to the page of the APIC: its 4 KiB are all there is in those 2 MiB. */
#define PAGE_ENTRY  ((volatile uint64_t *)(GUEST_PAGE_TABLES + 8192 + 8 * 15))
#define APIC_PAGE   (30ull << 20)
#define UNCACHED_2M 0x93ull

static uint32_t page_read(uint32_t offset)
{
    return *(volatile uint32_t *)(APIC_PAGE + offset);
}

static void page_write(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(APIC_PAGE + offset) = value;
}

/* As HANDLER's, but without an EOI: the row does that. */
__attribute__((naked)) static void on_page(void)
{
    __asm__ volatile("incl %c0; iretq" : : "i"(&count));
}

/* In xAPIC mode, by its page. */
static void check_page(struct sample *samples, uint64_t samples_count)
{
    uint64_t mapped = *PAGE_ENTRY;

    (void)samples;
    (void)samples_count;
    load_idt(&old);
    set_gate(LOW_VECTOR, on_page);
    uint64_t base = read(IA32_APIC_BASE), xapic = base & ~BASE_X2APIC, id = read(X2APIC_ID);
    write(IA32_APIC_BASE, xapic & ~BASE_ENABLE);
    write(IA32_APIC_BASE, xapic);
    *PAGE_ENTRY = 0xfee00000 | UNCACHED_2M;
    __asm__ volatile("invlpg (%0)" : : "r"(APIC_PAGE) : "memory");

    EXPECT(page_read(0x20) == id << 24 && (page_read(0x30) & 0xff) == 0x15);
    EXPECT(page_read(0xf0) == 0xff && page_read(0xe0) == 0xffffffff);
    page_write(0xf0, 0x1ff);
    EXPECT(page_read(0xf0) == 0x1ff);
    page_write(0x80, 0x20);
    EXPECT(page_read(0x80) == 0x20 && read_cr8() == 2);
    EXPECT(write_cr8(0) && page_read(0x80) == 0);
    count = 0;
    page_write(0x300, 1 << 18 | LOW_VECTOR);
    EXPECT(page_read(0x220) == 1u << LOW_VECTOR % 32);
    open_and_close();
    EXPECT(count == 1 && page_read(0x220) == 0 && page_read(0x120) == 1u << LOW_VECTOR % 32);
    page_write(0xb0, 0);
    EXPECT(page_read(0x120) == 0);
    page_write(0x320, 1 << 16);
    page_write(0x380, 100000); /* what the CPU does not virtualize is emulated */
    EXPECT(page_read(0x390) > 0 && page_read(0x390) < 100000);
    page_write(0x380, 0);
    page_write(0x80, 0x35);
    EXPECT(page_read(0xa0) == 0x35);
    page_write(0x80, 0);
    page_write(0xe0, 0);
    page_write(0xd0, 0x21000000); /* cluster 2, the first of it */
    EXPECT(page_read(0xe0) == 0x0fffffff && page_read(0xd0) == 0x21000000);
    page_write(0x310, 0x23000000);
    page_write(0x300, 1 << 11 | LOW_VECTOR);
    open_and_close();
    EXPECT(count == 2);
    page_write(0xb0, 0);
    page_write(0x310, 0x31000000);
    page_write(0x300, 1 << 11 | LOW_VECTOR);
    open_and_close();
    EXPECT(count == 2);
    page_write(0x320, LOW_VECTOR);
    page_write(0x3e0, 0xb);
    page_write(0x380, 20000);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    EXPECT(count == 3);
    page_write(0xb0, 0);

    write(IA32_APIC_BASE, base);
    EXPECT(read(X2APIC_SVR) == 0x1ff); /* kept */
    *PAGE_ENTRY = mapped;
    __asm__ volatile("invlpg (%0); lidt %1" : : "r"(APIC_PAGE), "m"(old) : "memory");
}

ROWS = {
    {
        .name = "check/page",
        CHECK(check_page),
        .description = "xAPIC mode",
        .instruction = "MOV",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_logical",
        CHECK(check_logical),
        .description = "logical destinations and lowest priority, to oneself",
        .instruction = "WRMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_nmi",
        CHECK(check_nmi),
        .description = "an NMI to oneself",
        .instruction = "WRMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_deadline",
        CHECK(check_deadline),
        .description = "a deadline that has passed reads 0",
        .instruction = "WRMSR, RDMSR, HLT",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_base",
        CHECK(check_base),
        .description = "modes of the APIC by IA32_APIC_BASE",
        .instruction = "WRMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
};
