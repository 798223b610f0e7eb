/* SPDX-License-Identifier: MIT */
/* CR0 and CR8, CLTS and LMSW, and what no exit qualification should say. */
#include "exit_fixture.h"

#include "../vmx/registers.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

#define CR0_START 0x80000033ull /* as the guest reads it in the beginning */

enum {
    RAX = 0,
    RBX = 3,
    RSP = 4,
    R13 = 13,
};

/* MOV to a control register, from a register that differs from test to test. */
static enum exit_outcome load(unsigned number, uint64_t value)
{
    static unsigned from;
    from = (from + 1) & 15;
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    vcpu_set_register(&guest, from, value);
    return exit_take(EXIT_REASON_CR_ACCESS, number | from << 8);
}

static void loads_cr0(uint64_t value, uint64_t is, uint64_t shadow)
{
    assert_int_equal(load(0, value), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, is);
    expect_field(VMCS_CR0_SHADOW, shadow);
    expect_completed();
}

static void refuses(unsigned number, uint64_t value)
{
    assert_int_equal(load(number, value), EXIT_RESUME);
    expect_gp();
    assert_int_equal(cost.invalidations, 0);
}

/* Fixed bits and those that VM entry does not load are the guest's in the shadow alone. */
static void cr0_hides_what_vmx_fixes(void **state)
{
    (void)state;
    loads_cr0(0x80000011, 0x80000031, 0x80000011);              /* NE */
    loads_cr0(0xc0000011, 0x80000031, 0xc0000011);              /* CD */
    loads_cr0(0xe0000031, 0x80000031, 0xe0000031);              /* CD and NW */
    loads_cr0(0x80000001, 0x80000031, 0x80000011);              /* ET cannot be cleared */
    loads_cr0(0x80000031 | 0x1ffaffc0, 0x80000031, 0x80000031); /* reserved: no effect */
    loads_cr0(0x8005003f, 0x8005003f, 0x8005003f);              /* all that is left */
    assert_int_equal(cost.invalidations, 1);                    /* WP */
    loads_cr0(0x80050037, 0x80050037, 0x80050037);
    assert_int_equal(cost.invalidations, 0);
}

static void cr0_refuses(void **state)
{
    (void)state;
    refuses(0, CR0_START | 1ull << 32);
    refuses(0, CR0_START | 1ull << 63);
    refuses(0, CR0_START & ~CR0_PE);
    refuses(0, CR0_START | CR0_NW);
    refuses(0, CR0_START & ~CR0_PG); /* in 64-bit mode */
    refuses(0, CR0_START & ~(CR0_PG | CR0_PE));
    exit_field(VMCS_GUEST_CR0, 0x80010033);
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_CET);
    refuses(0, CR0_START);
    loads_cr0(CR0_START | CR0_WP, 0x80010033, 0x80010033);
}

/* In 32-bit code the operand is 32 bits wide, whatever the register holds above. */
static void compatibility_mode_has_32_bit_operands(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    loads_cr0(CR0_START | 0xffffffffull << 32, CR0_START, CR0_START);
}

static void paging_cannot_end_without_unrestricted_guest(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    assert_int_equal(load(0, 0x33), EXIT_STOP);
    expect_stop(STOP_UNHANDLED, 0x33,
                "CR0: PE or PG cleared, and this vCPU is no unrestricted guest");
    expect_unchanged();
    assert_int_equal(load(0, 0x32), EXIT_STOP);
    expect_unchanged();
    /* #GP comes first. */
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_PCIDE);
    refuses(0, 0x33);
}

static void unrestricted(uint64_t cr0, uint64_t efer)
{
    guest.controls[CONTROL_SECONDARY] |= SECONDARY_UNRESTRICTED_GUEST;
    exit_field(VMCS_CR0_MASK, 0x60000020);
    exit_field(VMCS_GUEST_CR0, cr0 | CR0_NE);
    exit_field(VMCS_CR0_SHADOW, cr0);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_GUEST_EFER, efer);
    exit_field(VMCS_ENTRY_CONTROLS, efer & EFER_LMA ? 0x3fb | 0xc000 : 0x1fb | 0xc000);
}

/* LMA and the VM-entry control follow PG, with LME, both ways. */
static void long_mode_follows_paging(void **state)
{
    (void)state;
    unrestricted(0x11, EFER_LME);
    assert_int_equal(load(0, 0x80000011), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x80000031);
    expect_field(VMCS_CR0_SHADOW, 0x80000011);
    expect_field(VMCS_GUEST_EFER, EFER_LME | EFER_LMA);
    expect_field(VMCS_ENTRY_CONTROLS, 0x3fb | 0xc000);
    expected.controls[CONTROL_ENTRY] = 0x3fb | 0xc000;
    expect_completed();
    assert_int_equal(cost.invalidations, 1);

    assert_int_equal(load(0, 0x11), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x31);
    expect_field(VMCS_CR0_SHADOW, 0x11);
    expect_field(VMCS_GUEST_EFER, EFER_LME);
    expect_field(VMCS_ENTRY_CONTROLS, 0x1fb | 0xc000);
    expected.controls[CONTROL_ENTRY] = 0x1fb | 0xc000;
    expect_completed();
    assert_int_equal(cost.invalidations, 1);

    /* Without LME, and without paging after it: 32-bit paging and real mode. */
    exit_field(VMCS_GUEST_CR4, 0x2000);
    exit_field(VMCS_GUEST_EFER, 0);
    assert_int_equal(load(0, 0x80000011), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x80000031);
    expect_field(VMCS_CR0_SHADOW, 0x80000011);
    expected.controls[CONTROL_ENTRY] = 0x1fb | 0xc000;
    expect_completed();
    assert_int_equal(load(0, 0x10), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x30);
    expect_field(VMCS_CR0_SHADOW, 0x10);
    expect_completed();
}

static void long_mode_is_refused(void **state)
{
    (void)state;
    unrestricted(0x11, EFER_LME);
    exit_field(VMCS_GUEST_CR4, 0x2000); /* PAE clear */
    refuses(0, 0x80000011);
    exit_field(VMCS_GUEST_CR4, 0x2020);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b); /* L set */
    refuses(0, 0x80000011);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_GUEST_TR_ACCESS_RIGHTS, 0x83); /* a 16-bit TSS */
    refuses(0, 0x80000011);
    unrestricted(0x80000011, EFER_LME | EFER_LMA);
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_PCIDE);
    refuses(0, 0x11);
    exit_field(VMCS_GUEST_CR4, 0x2020);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b); /* 64-bit mode */
    refuses(0, 0x11);
}

static void clts_and_lmsw(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CR0, 0x8000003b);
    assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 2 << 4), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x80000033);
    expect_field(VMCS_CR0_SHADOW, 0x80000033);
    expect_completed();
    for (uint64_t source = 0; source < 0x10000; source += 7) {
        exit_field(VMCS_GUEST_RIP, EXIT_RIP);
        assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 3 << 4 | source << 16), EXIT_RESUME);
        expect_field(VMCS_GUEST_CR0, 0x80000031 | (source & 0xe)); /* PE stays */
        expect_field(VMCS_CR0_SHADOW, 0x80000031 | (source & 0xe));
        expect_completed();
    }
    /* PE can be set. */
    unrestricted(0x10, 0);
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 3 << 4 | 1 << 16 | 1 << 6), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR0, 0x31);
    expect_field(VMCS_CR0_SHADOW, 0x11);
    expect_completed();
}

static void cr8_is_the_tpr(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 16; value++) {
        assert_int_equal(load(8, value), EXIT_RESUME);
        expected.apic.page[4 * 8] = (uint32_t)value << 4;
        expect_completed();
        exit_field(VMCS_GUEST_RIP, EXIT_RIP);
        assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 8 | 1 << 4 | R13 << 8), EXIT_RESUME);
        expected.r13 = value;
        expect_completed();
    }
    refuses(8, 16);
    refuses(8, 1ull << 32);
    refuses(8, UINT64_MAX);
}

/* The guest has the CPU's own local APIC: one TPR, the CPU's. */
static void cr8_of_the_cpus_own_apic(void **state)
{
    (void)state;
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    assert_int_equal(load(8, 7), EXIT_RESUME);
    expect_completed();
    assert_int_equal(simulated_cpu.cr8, 7);
    simulated_cpu.cr8 = 9;
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 8 | 1 << 4 | R13 << 8), EXIT_RESUME);
    expected.r13 = 9;
    expect_completed();
    refuses(8, 16);
}

/* An interrupt that the old TPR held back. */
static void cr8_lets_an_interrupt_through(void **state)
{
    (void)state;
    guest.apic.page[4 * 0xf] |= 0x100; /* enabled, as software must */
    load(8, 15);
    local_apic_request(&guest.apic, 0x80);
    assert_int_equal(local_apic_waiting(&guest.apic), -1);
    assert_int_equal(load(8, 1), EXIT_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), 0x80);
    expected.apic.page[4 * 8] = 0x10;
    expect_completed();
}

/* Every qualification, those too that no CPU should make: defined, and nothing but the guest's. */
static void every_qualification_ends_somewhere(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t qualification = random_bits(&seed) & (i % 2 ? 0xf3f : UINT64_MAX);
        uint64_t value = random_bits(&seed) >> random_below(&seed, 64);
        unsigned access = qualification >> 4 & 3, number = qualification & 15;
        exit_setup(state);
        vcpu_set_register(&guest, qualification >> 8 & 15, value);
        enum exit_outcome outcome = exit_take(EXIT_REASON_CR_ACCESS, qualification);
        bool known = access > 1 || (access == 0 && number == 0) || number == 3 || number == 8 ||
                     (access == 0 && number == 4);
        if (!known) {
            assert_int_equal(outcome, EXIT_STOP);
            expect_stop(STOP_UNHANDLED, qualification,
                        "control-register access that the SDM does not define");
            expect_unchanged();
        }
        assert_int_equal(*simulated_field(VMCS_GUEST_CR0) & 0xe0000021, 0x80000021);
        assert_int_equal(*simulated_field(VMCS_GUEST_CR4) & ~0x1727ffull, 0);
        assert_int_equal(*simulated_field(VMCS_GUEST_CR4) & 0x6020, 0x2020);
        assert_int_equal(*simulated_field(VMCS_GUEST_CR3) >> 48, 0);
        assert_int_equal(simulated_cpu.faults, 0);
    }
}

static void stack_pointer_is_the_vmcss(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CR3, 0x5000);
    assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 3 | 1 << 4 | RSP << 8), EXIT_RESUME);
    expect_field(VMCS_GUEST_RSP, 0x5000);
    expect_completed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(cr0_hides_what_vmx_fixes),
        exit_test(cr0_refuses),
        exit_test(compatibility_mode_has_32_bit_operands),
        exit_test(paging_cannot_end_without_unrestricted_guest),
        exit_test(long_mode_follows_paging),
        exit_test(long_mode_is_refused),
        exit_test(clts_and_lmsw),
        exit_test(cr8_is_the_tpr),
        exit_test(cr8_of_the_cpus_own_apic),
        exit_test(cr8_lets_an_interrupt_through),
        exit_test(every_qualification_ends_somewhere),
        exit_test(stack_pointer_is_the_vmcss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
