/* SPDX-License-Identifier: MIT */
/*
 * Checks: rows that prove behaviour. Each does the same under every policy and must find the same,
 * so that a forwarded access is known to have the effect of a direct one. A check that fails
 * reports the line it stands on.
 */
#include "check.h"

#define IA32_PAT            0x277
#define IA32_EFER           0xc0000080
#define IA32_LSTAR          0xc0000082
#define IA32_FS_BASE        0xc0000100
#define IA32_GS_BASE        0xc0000101
#define IA32_KERNEL_GS_BASE 0xc0000102
#define X2APIC_RESERVED     0x801
#define X2APIC_TPR          0x808

#define NOT_CANONICAL 0x8000000000000000ull
#define GARBAGE       0xfedcba9876543210ull

/* An MSR read, whole RAX and RDX: both upper halves must come back clear. */
static uint64_t rdmsr_whole(uint32_t msr)
{
    uint64_t rax = GARBAGE, rdx = GARBAGE;
    __asm__ volatile("rdmsr" : "+a"(rax), "+d"(rdx) : "c"(msr));
    EXPECT(!(rax >> 32) && !(rdx >> 32));
    return rdx << 32 | rax;
}

/* What is written is read again, and works: FS:0 and, after SWAPGS, GS:0 reach what it points to.
 */
static void check_msr(struct sample *samples, uint64_t count)
{
    static uint64_t through_fs = 0x1111222233334444ull, through_gs = 0x5555666677778888ull;
    uint64_t value;

    (void)samples;
    (void)count;
    EXPECT(try_wrmsr(IA32_FS_BASE, (uint64_t)&through_fs));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    EXPECT(value == through_fs);
    EXPECT(rdmsr_whole(IA32_FS_BASE) == (uint64_t)&through_fs);

    EXPECT(try_wrmsr(IA32_KERNEL_GS_BASE, (uint64_t)&through_gs));
    EXPECT(rdmsr_whole(IA32_KERNEL_GS_BASE) == (uint64_t)&through_gs);
    __asm__ volatile("swapgs; mov %%gs:0, %0" : "=r"(value));
    EXPECT(value == through_gs);
    EXPECT(rdmsr_whole(IA32_GS_BASE) == (uint64_t)&through_gs);
    __asm__ volatile("swapgs");

    EXPECT(try_wrmsr(IA32_LSTAR, 0xffff800012345678ull));
    EXPECT(rdmsr_whole(IA32_LSTAR) == 0xffff800012345678ull);
    EXPECT(rdmsr_whole(IA32_PAT) == 0x0007040600070406ull);
    EXPECT(try_wrmsr(IA32_EFER, rdmsr_whole(IA32_EFER) | 1));
    EXPECT(rdmsr_whole(IA32_EFER) == 0x501);

    EXPECT(!try_wrmsr(IA32_KERNEL_GS_BASE, NOT_CANONICAL) && exception_vector == VECTOR_GP);
    EXPECT(!try_wrmsr(IA32_FS_BASE, NOT_CANONICAL) && exception_vector == VECTOR_GP);
    EXPECT(!try_wrmsr(IA32_PAT, 2) && exception_vector == VECTOR_GP);
    EXPECT(!try_wrmsr(IA32_EFER, 0x400) && exception_vector == VECTOR_GP); /* LME under paging */
    EXPECT(rdmsr_whole(IA32_EFER) == 0x501);
}

static void check_x2apic(struct sample *samples, uint64_t count)
{
    uint64_t value;

    (void)samples;
    (void)count;
    EXPECT(try_wrmsr(X2APIC_TPR, 0x20));
    EXPECT(rdmsr_whole(X2APIC_TPR) == 0x20);
    EXPECT(try_wrmsr(X2APIC_TPR, 0));
    EXPECT(rdmsr_whole(X2APIC_TPR) == 0);
    EXPECT(!try_wrmsr(X2APIC_TPR, 0x100) && exception_vector == VECTOR_GP);
    EXPECT(!try_rdmsr(X2APIC_RESERVED, &value) && exception_vector == VECTOR_GP);
}

#define IN(width, suffix, register)                                                \
    static uint64_t in##width(uint16_t port)                                       \
    {                                                                              \
        uint64_t rax = GARBAGE;                                                    \
        __asm__ volatile("in" suffix " %w1, %%" register : "+a"(rax) : "d"(port)); \
        return rax;                                                                \
    }
IN(8, "b", "al")
IN(16, "w", "ax")
IN(32, "l", "eax")

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %w1" : : "a"(value), "d"(port));
}

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %w1" : : "a"(value), "d"(port));
}

#define PIC_MASK     0x21
#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define CMOS_SPARE   0x50 /* a byte of CMOS memory that firmware leaves alone */
#define PCI_ADDRESS  0xcf8
#define PCI_DATA     0xcfc
#define PCI_BRIDGE   0x80000000u /* bus 0, device 0, function 0: the host bridge */
#define INTEL_VENDOR 0x8086u

/* Devices behind ports keep what was written; each width fills its part of RAX and no more. */
static void check_io(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    out8(PIC_MASK, 0xfb);
    EXPECT(in8(PIC_MASK) == ((GARBAGE & ~0xffull) | 0xfb));
    out8(PIC_MASK, 0xff);
    EXPECT(in8(PIC_MASK) == (GARBAGE | 0xff));

    out8(CMOS_INDEX, CMOS_SPARE);
    uint8_t old = (uint8_t)in8(CMOS_DATA);
    out8(CMOS_DATA, (uint8_t)~old);
    out8(CMOS_INDEX, CMOS_SPARE);
    EXPECT((uint8_t)in8(CMOS_DATA) == (uint8_t)~old);
    out8(CMOS_DATA, old);

    out32(PCI_ADDRESS, PCI_BRIDGE);
    EXPECT(in32(PCI_ADDRESS) == PCI_BRIDGE);
    EXPECT((uint16_t)in32(PCI_DATA) == INTEL_VENDOR && !(in32(PCI_DATA) >> 32));
    EXPECT(in16(PCI_DATA) == ((GARBAGE & ~0xffffull) | INTEL_VENDOR));
    EXPECT(in16(PCI_DATA + 2) == ((GARBAGE & ~0xffffull) | (in32(PCI_DATA) >> 16)));
    EXPECT(in8(PCI_DATA + 1) == ((GARBAGE & ~0xffull) | INTEL_VENDOR >> 8));
}

static void check_cpuid(struct sample *samples, uint64_t count)
{
    uint64_t rax, rbx, rcx, rdx;

    (void)samples;
    (void)count;
#define CPUID(leaf) (rax = (GARBAGE << 32) | (leaf), rcx = GARBAGE << 32, rbx = rdx = GARBAGE)
#define EXECUTE()   __asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx))
    CPUID(0u);
    EXECUTE();
    EXPECT(!(rax >> 32) && !(rbx >> 32) && !(rcx >> 32) && !(rdx >> 32));
    EXPECT(rbx == 0x756e6547 && rdx == 0x49656e69 && rcx == 0x6c65746e); /* GenuineIntel */
    CPUID(1u);
    EXECUTE();
    EXPECT(!(rcx & 1u << 5) && rcx & 1u << 31 && !(rcx & 1u << 27)); /* VMX, hypervisor, OSXSAVE */
    CPUID(0x40000000u);
    EXECUTE();
    EXPECT(rax == 0x40000000 && rbx == 0x74697865 && rcx == 0x6574656d && rdx == 0x20202072);
}

ROWS = {
    {
        .name = "check/cpuid",
        CHECK(check_cpuid),
        .description = "CPUID hides VMX and names the hypervisor",
        .instruction = "CPUID",
    },
    {
        .name = "check/msr",
        CHECK(check_msr),
        .description = "MSRs keep and do what was written, and refuse what they must",
        .instruction = "WRMSR, RDMSR",
        .requires = ROW_REQUIRES_REAL_MSRS,
    },
    {
        .name = "check/io",
        CHECK(check_io),
        .description = "ports keep what was written; IN fills its part of RAX",
        .instruction = "OUT, IN",
        .requires = ROW_REQUIRES_REAL_PORTS,
    },
    {
        .name = "check/x2apic",
        CHECK(check_x2apic),
        .description = "the x2APIC's TPR keeps its value; reserved bits and registers fault",
        .instruction = "WRMSR, RDMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
};
