/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

#include "../x86/msr.h"

#include <string.h>

static void read(uint64_t msr)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rcx = msr;
    guest.rax = guest.rdx = UINT64_MAX;
    assert_int_equal(exit_take(EXIT_REASON_RDMSR, 0), EXIT_RESUME);
}

/* Both results are 32 bits wide; the upper halves of RAX and RDX are cleared. */
static void expect_read(uint64_t value)
{
    expected.rax = (uint32_t)value;
    expected.rdx = value >> 32;
    expect_completed();
    assert_int_equal(cost.vmwrites, 1);
}

static void expect_refused(void)
{
    expect_gp();
    assert_int_equal(cost.vmwrites, 2);
}

static void hardware(void **state)
{
    static const uint32_t there[] = {0x10, 0xe1, 0x1fff, 0xc0000081, 0xc0000102, 0xc0001fff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(there); i++) {
        simulated_msr_set(there[i], 0x0123456789abcdef + i);
        read(there[i]);
        expect_read(0x0123456789abcdef + i);
        assert_int_equal(cost.vmreads, 3);
        assert_int_equal(cost.msr_accesses, 1);
    }
    /* ECX alone names the MSR. */
    read(0xffffffff00000010);
    expect_read(0x0123456789abcdef);
}

static void hardware_that_is_not_there(void **state)
{
    static const uint32_t missing[] = {0x11, 0x1ffe, 0xc0000104};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        read(missing[i]);
        expect_refused();
        assert_int_equal(cost.msr_accesses, 1);
    }
}

/* Neither table reaches these; the CPU itself answers. */
static void numbers_out_of_range(void **state)
{
    static const uint32_t numbers[] = {0x2000,     0x4000,     0x40000080, 0x80000000, 0xbfffffff,
                                       0xc0002000, 0xc0010080, 0xfffffffe, 0xffffffff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        read(numbers[i]);
        expect_refused();
        simulated_msr_set(numbers[i], ~(uint64_t)numbers[i]);
        read(numbers[i]);
        expect_read(~(uint64_t)numbers[i]);
    }
}

static void what_tells_of_vmx_is_refused(void **state)
{
    (void)state;
    read(IA32_FEATURE_CONTROL);
    expect_refused();
    for (uint32_t msr = IA32_VMX_BASIC; msr <= IA32_VMX_LAST; msr++) {
        simulated_msr_set(msr, 1);
        read(msr);
        expect_refused();
        assert_int_equal(cost.msr_accesses, 0);
    }
}

/* By these the CPU writes to memory: nothing of them is forwarded, under any policy. */
static void what_never_passes(void **state)
{
    static const uint32_t msrs[] = {0x3f1, 0x3f4,  0x3f5,  0x560,  0x570, 0x587,
                                    0x600, 0x17d0, 0x17d1, 0x1900, 0x19ff};
    static const uint32_t beside[] = {0x3f0, 0x3f2, 0x3f6, 0x588, 0x601, 0x17d2, 0x18ff, 0x1a00};
    static uint8_t answers[4096];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        simulated_msr_set(msrs[i], 0x1234);
        read(msrs[i]);
        expect_refused();
        assert_int_equal(cost.msr_accesses, 0);
    }
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        simulated_msr_set(beside[i], 0x1234);
        read(beside[i]);
        expect_read(0x1234);
    }
    memset(answers, 0xff, 1024); /* where a policy has all of them emulated */
    msr_policy_set(&guest.msrs, answers);
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        read(msrs[i]);
        expect_read(0);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

/* As msr_policy_set() has it: emulated in the first half of the page, refused in the second. */
static void as_the_policy_answers(void **state)
{
    static uint8_t answers[4096];
    (void)state;
    memset(answers, 0, sizeof(answers));
    answers[0x10 / 8] = 1 << 0x10 % 8;
    answers[1023] = 0x80;                       /* 0x1fff */
    answers[1024 + 0x82 / 8] = 1 << 0x82 % 8;   /* IA32_LSTAR */
    answers[1024 + 0x100 / 8] = 1 << 0;         /* IA32_FS_BASE, which the VMCS holds */
    answers[2048 + 0x174 / 8] = 1 << 0x174 % 8; /* IA32_SYSENTER_CS, too */
    answers[2048 + 0x11 / 8] = 1 << 0x11 % 8;
    answers[3072 + 0x102 / 8] = 1 << 2; /* IA32_KERNEL_GS_BASE */
    msr_policy_set(&guest.msrs, answers);
    static const uint32_t emulated[] = {0x10, 0x1fff, IA32_LSTAR};
    static const uint32_t refused[] = {IA32_SYSENTER_CS, 0x11, IA32_KERNEL_GS_BASE};
    static const uint32_t others[] = {0x12, 0x1ffe, IA32_CSTAR, IA32_TSC_AUX, 0x2000};
    for (size_t i = 0; i < COUNT_OF(emulated); i++) {
        simulated_msr_set(emulated[i], UINT64_MAX);
        read(emulated[i]);
        expect_read(0);
        assert_int_equal(cost.msr_accesses, 0);
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        simulated_msr_set(refused[i], UINT64_MAX);
        read(refused[i]);
        expect_refused();
        assert_int_equal(cost.msr_accesses, 0);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        simulated_msr_set(others[i], 0x1234567887654321);
        read(others[i]);
        expect_read(0x1234567887654321);
    }
    exit_field(VMCS_GUEST_FS_BASE, 0x7fff12345678);
    read(IA32_FS_BASE);
    expect_read(0x7fff12345678);
    msr_policy_set(&guest.msrs, NULL); /* and the next policy's are its own */
    simulated_msr_set(0x11, 0x5555);
    read(0x11);
    expect_read(0x5555);
}

static void held_by_the_vmcs(void **state)
{
    static const struct {
        uint32_t msr;
        enum vmcs_field field;
    } held[] = {
        {IA32_SYSENTER_CS, VMCS_GUEST_SYSENTER_CS},
        {IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP},
        {IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP},
        {IA32_DEBUGCTL, VMCS_GUEST_DEBUGCTL},
        {IA32_PAT, VMCS_GUEST_PAT},
        {IA32_EFER, VMCS_GUEST_EFER},
        {IA32_FS_BASE, VMCS_GUEST_FS_BASE},
        {IA32_GS_BASE, VMCS_GUEST_GS_BASE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        uint64_t value = 0x1111222200000000 * (i + 1) + 0x33334444 + i;
        if (VMCS_FIELD_WIDTH(held[i].field) == VMCS_WIDTH_32)
            value = (uint32_t)value;
        exit_field(held[i].field, value);
        read(held[i].msr);
        expect_read(value);
        assert_int_equal(cost.vmreads, 4);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

static void x2apic(void **state)
{
    (void)state;
    read(0x802);
    expect_read(3);
    assert_int_equal(cost.vmreads, 3);
    assert_int_equal(cost.msr_accesses, 0);
    guest.apic.page[4 * 8] = 0x52;
    read(0x808);
    expect_read(0x52);
    read(0x80a);
    expect_read(0x52);
    read(0x80f);
    expect_read(0xff);
    read(0x80b); /* write-only */
    expect_refused();
    for (uint32_t msr = 0x840; msr <= 0x8ff; msr++) {
        simulated_msr_set(0x800, 0); /* the CPU's own is never asked */
        read(msr);
        expect_refused();
        assert_int_equal(cost.msr_accesses, 0);
    }
}

static void apic_base_and_deadline(void **state)
{
    (void)state;
    read(0x1b);
    expect_read(0xfee00d00);
    read(0x6e0);
    expect_read(0);
    assert_int_equal(cost.msr_accesses, 0);
    simulated_leaf(1, 0)->ecx &= ~(1u << 24);
    local_apic_reset(&guest.apic, 3);
    read(0x6e0);
    expect_refused();
}

/* Those of the CPU's own local APIC, where the guest has that one. */
static void the_cpus_own_apic(void **state)
{
    static const uint32_t msrs[] = {0x1b, 0x6e0, 0x802, 0x808, 0x83f};
    (void)state;
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        simulated_msr_set(msrs[i], 0x1200000034 + i);
        read(msrs[i]);
        expect_read(0x1200000034 + i);
        assert_int_equal(cost.msr_accesses, 1);
    }
    read(0x801);
    expect_refused();
}

/* The MSRs next to each class belong to the CPU. */
static void neighbours(void **state)
{
    static const uint32_t beside[] = {
        0x39,  0x3b, 0x173, 0x177, 0x1d8, 0x1da, 0x276, 0x278,      0x47f,      0x494,     0x7ff,
        0x900, 0x0,  0x1,   0x1a,  0x1c,  0x6df, 0x6e1, 0xc0000000, 0xc0000081, 0xc0000102};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        simulated_msr_set(beside[i], 77 + i);
        read(beside[i]);
        expect_read(77 + i);
        assert_int_equal(cost.msr_accesses, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(hardware),
        exit_test(hardware_that_is_not_there),
        exit_test(numbers_out_of_range),
        exit_test(what_never_passes),
        exit_test(what_tells_of_vmx_is_refused),
        exit_test(as_the_policy_answers),
        exit_test(held_by_the_vmcs),
        exit_test(x2apic),
        exit_test(apic_base_and_deadline),
        exit_test(the_cpus_own_apic),
        exit_test(neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
