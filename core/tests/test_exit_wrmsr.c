/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

/* The upper halves of RAX, RDX and RCX are not part of the operands. */
static enum exit_outcome write(uint32_t msr, uint64_t value)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rcx = 0xcccccccc00000000 | msr;
    guest.rax = 0xaaaaaaaa00000000 | (uint32_t)value;
    guest.rdx = 0xdddddddd00000000 | value >> 32;
    return exit_take(EXIT_REASON_WRMSR, 0);
}

static void accepts(uint32_t msr, uint64_t value, enum vmcs_field field, uint64_t result)
{
    assert_int_equal(write(msr, value), EXIT_RESUME);
    expect_field(field, result);
    expect_completed();
    assert_int_equal(cost.msr_accesses, 0);
    assert_int_equal(cost.vmwrites, 2);
}

static void refuses(uint32_t msr, uint64_t value)
{
    assert_int_equal(write(msr, value), EXIT_RESUME);
    expect_gp();
    assert_int_equal(cost.vmwrites, 2);
}

static void hardware(void **state)
{
    static const uint32_t there[] = {0x10,       0xe1,       0x1fff,    0x2000,
                                     0xc0000081, 0xc0000103, 0xc0002000};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(there); i++) {
        simulated_msr_remove(there[i]);
        refuses(there[i], 1); /* not there yet */
        simulated_msr_set(there[i], 0);
        assert_int_equal(write(there[i], 0xfedcba9876543210 - i), EXIT_RESUME);
        expect_completed();
        assert_int_equal(simulated_msr(there[i])->value, 0xfedcba9876543210 - i);
        assert_int_equal(cost.msr_accesses, 1);
        assert_int_equal(cost.vmreads, 3);
        assert_int_equal(cost.vmwrites, 1);
    }
}

static void as_the_policy_answers(void **state)
{
    static uint8_t answers[4096];
    (void)state;
    answers[0xe1 / 8] = 1 << 0xe1 % 8;
    answers[1024 + 0x83 / 8] = 1 << 0x83 % 8;              /* IA32_CSTAR */
    answers[1024 + 0x80 / 8] |= 1 << 0;                    /* IA32_EFER, which the core keeps */
    answers[2048 + 0x277 / 8] = (uint8_t)(1 << 0x277 % 8); /* IA32_PAT, too */
    answers[3072 + 0x81 / 8] = 1 << 0x81 % 8;              /* IA32_STAR */
    msr_policy_set(&guest.msrs, answers);
    static const uint32_t emulated[] = {0xe1, IA32_CSTAR};
    for (size_t i = 0; i < COUNT_OF(emulated); i++) {
        simulated_msr_set(emulated[i], 0x77);
        assert_int_equal(write(emulated[i], UINT64_MAX), EXIT_RESUME);
        expect_completed();
        assert_int_equal(simulated_msr(emulated[i])->value, 0x77);
        assert_int_equal(cost.msr_accesses, 0);
    }
    simulated_msr_set(IA32_STAR, 0x77);
    refuses(IA32_STAR, 1);
    assert_int_equal(simulated_msr(IA32_STAR)->value, 0x77);
    refuses(IA32_PAT, 0x0007040600070406);
    refuses(IA32_EFER, 1ull << 63); /* the core looks at it all the same */
    simulated_msr_set(0xe0, 0);
    assert_int_equal(write(0xe0, 5), EXIT_RESUME);
    assert_int_equal(simulated_msr(0xe0)->value, 5);
}

/* By these the CPU writes to memory: nothing of them is forwarded, under any policy. */
static void what_never_passes(void **state)
{
    static const uint32_t msrs[] = {0x3f1, 0x3f4,  0x3f5,  0x560,  0x570, 0x587,
                                    0x600, 0x17d0, 0x17d1, 0x1903, 0x19ff};
    static uint8_t answers[4096];
    (void)state;
    memset(answers, 0, sizeof(answers));
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        simulated_msr_set(msrs[i], 0);
        refuses(msrs[i], 0x1000);
        assert_int_equal(simulated_msr(msrs[i])->value, 0);
        assert_int_equal(cost.msr_accesses, 0);
    }
    memset(answers, 0xff, 1024); /* where a policy has all of them emulated */
    msr_policy_set(&guest.msrs, answers);
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        assert_int_equal(write(msrs[i], 0x1000), EXIT_RESUME);
        expect_completed();
        assert_int_equal(simulated_msr(msrs[i])->value, 0);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

static void what_tells_of_vmx_is_refused(void **state)
{
    (void)state;
    simulated_msr_set(IA32_FEATURE_CONTROL, 0);
    refuses(IA32_FEATURE_CONTROL, 5);
    assert_int_equal(simulated_msr(IA32_FEATURE_CONTROL)->value, 0);
    for (uint32_t msr = IA32_VMX_BASIC; msr <= IA32_VMX_LAST; msr++) {
        refuses(msr, 0);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

static void addresses_must_be_canonical(void **state)
{
    static const struct {
        uint32_t msr;
        enum vmcs_field field;
    } held[] = {
        {IA32_SYSENTER_ESP, VMCS_GUEST_SYSENTER_ESP},
        {IA32_SYSENTER_EIP, VMCS_GUEST_SYSENTER_EIP},
        {IA32_FS_BASE, VMCS_GUEST_FS_BASE},
        {IA32_GS_BASE, VMCS_GUEST_GS_BASE},
    };
    static const uint64_t good[] = {0, 0x1000, 0x00007fffffffffff, 0xffff800000000000, UINT64_MAX};
    static const uint64_t bad[] = {0x0000800000000000, 0xffff7fffffffffff, 0x8000000000000000,
                                   0x0001000000000000};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        for (size_t j = 0; j < COUNT_OF(good); j++)
            accepts(held[i].msr, good[j], held[i].field, good[j]);
        for (size_t j = 0; j < COUNT_OF(bad); j++)
            refuses(held[i].msr, bad[j]);
    }
}

static void sysenter_cs_is_32_bits(void **state)
{
    (void)state;
    accepts(IA32_SYSENTER_CS, 0xffffffff00000010, VMCS_GUEST_SYSENTER_CS, 0x10);
}

static void debugctl_takes_lbr_and_btf(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 4; value++)
        accepts(IA32_DEBUGCTL, value, VMCS_GUEST_DEBUGCTL, value);
    for (int bit = 2; bit < 64; bit++)
        refuses(IA32_DEBUGCTL, 1ull << bit);
}

static void pat_takes_memory_types_only(void **state)
{
    (void)state;
    for (int entry = 0; entry < 8; entry++)
        for (uint64_t type = 0; type < 256; type++) {
            uint64_t pat = (0x0606060606060606 & ~(0xffull << 8 * entry)) | type << 8 * entry;
            bool valid = type == 0 || type == 1 || (type >= 4 && type <= 7);
            if (valid)
                accepts(IA32_PAT, pat, VMCS_GUEST_PAT, pat);
            else
                refuses(IA32_PAT, pat);
        }
}

static void efer_bits(void **state)
{
    const uint64_t known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    (void)state;
    for (int bit = 0; bit < 64; bit++)
        if (!(known >> bit & 1))
            refuses(IA32_EFER, 0xd00 | 1ull << bit);
    accepts(IA32_EFER, 0xd01, VMCS_GUEST_EFER, 0xd01);
    accepts(IA32_EFER, 0x500, VMCS_GUEST_EFER, 0x500);
    /* LMA reads as it was, whatever is written. */
    accepts(IA32_EFER, 0x901, VMCS_GUEST_EFER, 0xd01);
}

static void efer_lme_is_fixed_under_paging(void **state)
{
    (void)state;
    refuses(IA32_EFER, 0);
    refuses(IA32_EFER, EFER_NXE);
    exit_field(VMCS_CR0_MASK, CR0_NE | CR0_CD | CR0_NW); /* an unrestricted guest's */
    exit_field(VMCS_GUEST_CR0, CR0_PE);
    exit_field(VMCS_GUEST_EFER, 0);
    accepts(IA32_EFER, EFER_LME, VMCS_GUEST_EFER, EFER_LME);
    accepts(IA32_EFER, EFER_LME | EFER_LMA, VMCS_GUEST_EFER, EFER_LME);
    accepts(IA32_EFER, 0, VMCS_GUEST_EFER, 0);
    exit_field(VMCS_GUEST_CR0, CR0_PE | CR0_PG);
    refuses(IA32_EFER, EFER_LME);
    accepts(IA32_EFER, EFER_SCE, VMCS_GUEST_EFER, EFER_SCE);
}

static void x2apic(void **state)
{
    (void)state;
    assert_int_equal(write(0x808, 0x30), EXIT_RESUME);
    expected.apic.page[4 * 8] = 0x30;
    expect_completed();
    assert_int_equal(cost.vmreads, 3);
    assert_int_equal(cost.vmwrites, 1);
    assert_int_equal(cost.msr_accesses, 0);
    refuses(0x808, 0x100);       /* reserved */
    refuses(0x808, 0x100000000); /* reserved, in EDX */
    refuses(0x802, 0);           /* read-only */
    assert_int_equal(write(0x80b, 0), EXIT_RESUME);
    expect_completed();
    refuses(0x80b, 1);
    for (uint32_t msr = 0x840; msr <= 0x8ff; msr++)
        refuses(msr, 0);
}

static void apic_base_and_deadline(void **state)
{
    (void)state;
    assert_int_equal(write(0x1b, 0xfee00d00), EXIT_RESUME); /* as it is */
    expect_completed();
    refuses(0x1b, 0xfee00900); /* to xAPIC mode */
    refuses(0x1b, 0xfee00d00 | 1ull << 48);
    assert_int_equal(write(0x80f, 0x1ff), EXIT_RESUME);
    assert_int_equal(write(0x832, 0x40041), EXIT_RESUME);
    assert_int_equal(write(0x6e0, 1ull << 40), EXIT_RESUME);
    assert_int_equal(guest.apic.deadline, 1ull << 40);
    assert_int_equal(write(0x6e0, 1), EXIT_EVENTS); /* has passed */
    assert_int_equal(local_apic_waiting(&guest.apic), 0x41);
    simulated_leaf(1, 0)->ecx &= ~(1u << 24);
    local_apic_reset(&guest.apic, 3);
    refuses(0x6e0, 1);
    refuses(0x832, 0x40041);
}

/* Where the guest has the CPU's own local APIC, by the long way of the TPR too. */
static void the_cpus_own_apic(void **state)
{
    static const uint32_t msrs[] = {0x1b, 0x6e0, 0x808, 0x80b, 0x830};
    (void)state;
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        simulated_msr_set(msrs[i], 0);
        assert_int_equal(write(msrs[i], 0x3400000020 + i), EXIT_RESUME);
        expect_completed();
        assert_int_equal(simulated_msr(msrs[i])->value, 0x3400000020 + i);
        assert_int_equal(cost.msr_accesses, 1);
    }
    refuses(0x801, 0);
}

/* In xAPIC mode the TPR is no MSR. */
static void x2apic_in_xapic_mode(void **state)
{
    (void)state;
    assert_int_equal(write(0x1b, 0xfee00000), EXIT_EVENTS);
    refuses(0x808, 0);
    assert_int_equal(write(0x1b, 0xfee00800), EXIT_EVENTS);
    refuses(0x808, 0);
    assert_int_equal(write(0x1b, 0xfee00c00), EXIT_EVENTS);
    assert_int_equal(write(0x808, 0x20), EXIT_RESUME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(hardware),
        exit_test(as_the_policy_answers),
        exit_test(what_never_passes),
        exit_test(what_tells_of_vmx_is_refused),
        exit_test(addresses_must_be_canonical),
        exit_test(sysenter_cs_is_32_bits),
        exit_test(debugctl_takes_lbr_and_btf),
        exit_test(pat_takes_memory_types_only),
        exit_test(efer_bits),
        exit_test(efer_lme_is_fixed_under_paging),
        exit_test(x2apic),
        exit_test(apic_base_and_deadline),
        exit_test(the_cpus_own_apic),
        exit_test(x2apic_in_xapic_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
