/* SPDX-License-Identifier: MIT */
/* CR3 and CR4: what they refuse, what they invalidate, and the PDPTEs of PAE paging. */
#include "exit_fixture.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

#define GUEST_BYTES 0x4000ull

static struct ept ept;
static char *memory; /* the guest's, from 0 on */

static int paging_setup(void **state)
{
    int result = exit_setup(state);

    memory = platform_pages_allocate(GUEST_BYTES / PAGE_SIZE, PAGE_SIZE);
    if (ept_create(&ept, &exit_capability) ||
        !ept_map(&ept, 0, platform_physical(memory), GUEST_BYTES, EPT_ALL))
        return -1;
    guest.ept = &ept;
    return result;
}

static int paging_teardown(void **state)
{
    ept_destroy(&ept);
    platform_pages_free(memory, GUEST_BYTES / PAGE_SIZE);
    return simulated_cpu_teardown(state);
}

#define paging_test(function) \
    cmocka_unit_test_setup_teardown(function, paging_setup, paging_teardown)

static enum exit_outcome load(unsigned number, uint64_t value)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rbx = value;
    return exit_take(EXIT_REASON_CR_ACCESS, number | 3 << 8);
}

static void refuses(unsigned number, uint64_t value)
{
    assert_int_equal(load(number, value), EXIT_RESUME);
    expect_gp();
    assert_int_equal(cost.invalidations, 0);
}

static void loads_cr3(uint64_t value, uint64_t is, unsigned invalidations)
{
    assert_int_equal(load(3, value), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR3, is);
    expect_completed();
    assert_int_equal(cost.invalidations, invalidations);
}

static void loads_cr4(uint64_t value, unsigned invalidations)
{
    assert_int_equal(load(4, value), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR4, value | CR4_VMXE);
    expect_field(VMCS_CR4_SHADOW, value);
    expect_completed();
    assert_int_equal(cost.invalidations, invalidations);
}

static void cr3_in_long_mode(void **state)
{
    (void)state;
    loads_cr3(0x5018, 0x5018, 1);
    loads_cr3(0x0000fffffffff000, 0x0000fffffffff000, 1);
    for (int bit = 48; bit < 64; bit++)
        refuses(3, 0x5000 | 1ull << bit);
    exit_capability.physical_bits = 39;
    refuses(3, 1ull << 39);
    loads_cr3(1ull << 38, 1ull << 38, 1);
    assert_int_equal(exit_take(EXIT_REASON_CR_ACCESS, 3 | 1 << 4 | 9 << 8), EXIT_RESUME);
    assert_int_equal(guest.r9, 1ull << 38);
}

static void cr3_with_pcids(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_PCIDE);
    loads_cr3(0x5007, 0x5007, 1);
    loads_cr3(0x5007 | CR3_NO_FLUSH, 0x5007, 0);
    refuses(3, 0x5007 | 1ull << 62);
    exit_field(VMCS_GUEST_CR4, 0x2020);
    refuses(3, 0x5000 | CR3_NO_FLUSH);
}

/* Bits 62:61 with linear-address masking. */
static void cr3_with_lam(void **state)
{
    (void)state;
    simulated_leaf(7, 1)->eax = 1u << 26;
    loads_cr3(0x5000 | 3ull << 61, 0x5000 | 3ull << 61, 1);
    refuses(3, 0x5000 | 1ull << 60);
}

static void cr4_takes(void **state)
{
    (void)state;
    loads_cr4(0x20 | 0x60f, 0);
    loads_cr4(0x20 | 0x60f | CR4_OSXSAVE, 0);
    loads_cr4(0x20 | CR4_PGE, 1);
    loads_cr4(0x20 | CR4_PGE, 0);
    loads_cr4(0x20 | CR4_PGE | CR4_SMEP, 1);
    loads_cr4(0x20 | CR4_PSE, 1);
    exit_field(VMCS_GUEST_CR3, 0x5000);
    loads_cr4(0x20 | CR4_PCIDE, 1);
    exit_field(VMCS_GUEST_CR3, 0x5007);
    loads_cr4(0x20 | CR4_PCIDE | 8, 0); /* it was set before */
    loads_cr4(0x20, 1);
}

static void cr4_refuses(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++)
        if (!(0x1707ffull >> bit & 1)) /* FIXED1, but for VMXE */
            refuses(4, 0x20 | 1ull << bit);
    exit_capability.cr4_fixed1 = UINT32_MAX;
    refuses(4, 0x20 | CR4_VMXE);
    refuses(4, 0x20 | CR4_SMXE);
    refuses(4, 0);               /* PAE, in long mode */
    refuses(4, 0x20 | CR4_LA57); /* changed there */
    refuses(4, 0x20 | CR4_CET);  /* WP is clear */
    exit_field(VMCS_GUEST_CR3, 0x5001);
    refuses(4, 0x20 | CR4_PCIDE); /* with a PCID */
    exit_field(VMCS_GUEST_CR3, 0x5000);
    exit_field(VMCS_GUEST_EFER, 0);
    refuses(4, CR4_PCIDE); /* outside of long mode */
    exit_field(VMCS_GUEST_CR0, 0x80010033);
    exit_field(VMCS_GUEST_EFER, 0x500);
    loads_cr4(0x20 | CR4_CET, 1);
}

/* 32-bit code under PAE paging, its table at 0x2020. */
static uint64_t *enter_pae(void)
{
    uint64_t *table = (uint64_t *)(memory + 0x2020);

    exit_field(VMCS_GUEST_EFER, 0);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_ENTRY_CONTROLS, 0);
    for (uint64_t i = 0; i < 4; i++)
        table[i] = (0x1001 + (i << 12)) | 0x18 | 0xe00; /* PWT, PCD and the ignored bits */
    return table;
}

static void expect_pdptes(const uint64_t *table)
{
    for (int i = 0; i < 4; i++)
        expect_field((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), table[i]);
}

static void cr3_loads_the_pdptes(void **state)
{
    uint64_t *table = enter_pae();
    (void)state;
    assert_int_equal(load(3, 0xfeedbeef0000203f), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR3, 0x203f);
    expect_pdptes(table);
    expect_completed();
    assert_int_equal(cost.invalidations, 1);
    table[1] = UINT64_MAX - 1; /* not present: all others are ignored */
    assert_int_equal(load(3, 0x2020), EXIT_RESUME);
    expect_field(VMCS_GUEST_CR3, 0x2020);
    expect_pdptes(table);
    expect_completed();
}

static void reserved_bits_of_pdptes(void **state)
{
    uint64_t *table = enter_pae();
    (void)state;
    for (int i = 0; i < 4; i++)
        for (int bit = 1; bit < 64; bit++) {
            uint64_t old = table[i];
            table[i] |= 1ull << bit;
            if (bit == 1 || bit == 2 || (bit >= 5 && bit <= 8) || bit >= 48)
                refuses(3, 0x2020);
            else
                assert_int_equal(load(3, 0x2020), EXIT_RESUME);
            table[i] = old;
            exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
        }
}

static void pdptes_outside_of_memory(void **state)
{
    (void)state;
    enter_pae();
    assert_int_equal(load(3, 0x80000000), EXIT_STOP);
    expect_stop(STOP_UNHANDLED, 0x80000000, "CR3: PDPTEs outside of guest memory");
    expect_unchanged();
    exit_field(VMCS_GUEST_CR3, GUEST_BYTES);
    assert_int_equal(load(4, 0x20 | CR4_PGE), EXIT_STOP);
    expect_stop(STOP_UNHANDLED, GUEST_BYTES, "CR3: PDPTEs outside of guest memory");
    assert_int_equal(load(0, 0xc0000031), EXIT_STOP);
    expect_stop(STOP_UNHANDLED, GUEST_BYTES, "CR3: PDPTEs outside of guest memory");
}

/* Loaded anew by some changes of CR4 and CR0, and by no others. */
static void cr4_and_cr0_load_the_pdptes(void **state)
{
    static const uint64_t bits[] = {CR4_PGE, CR4_PSE, CR4_SMEP};
    uint64_t *table = enter_pae();
    (void)state;
    exit_field(VMCS_GUEST_CR3, 0x2020);
    for (size_t i = 0; i < COUNT_OF(bits); i++) {
        table[2] += 0x1000;
        assert_int_equal(load(4, 0x20 | bits[i]), EXIT_RESUME);
        expect_field(VMCS_GUEST_CR4, 0x2020 | bits[i]);
        expect_field(VMCS_CR4_SHADOW, 0x20 | bits[i]);
        expect_pdptes(table);
        expect_completed();
        exit_field(VMCS_GUEST_CR4, 0x2020);
    }
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_SMEP);
    table[3] += 0x1000;
    loads_cr4(0x20 | CR4_SMEP | 8, 0);                  /* DE */
    assert_int_equal(load(0, 0xc0000031), EXIT_RESUME); /* CD */
    expect_field(VMCS_GUEST_CR0, 0x80000031);
    expect_field(VMCS_CR0_SHADOW, 0xc0000031);
    expect_pdptes(table);
    expect_completed();
    table[3] |= 2;
    refuses(0, 0x80000031);
    refuses(4, 0x20);
    loads_cr4(CR4_SMEP, 1); /* to 32-bit paging: no PDPTEs */
    refuses(4, 0x20 | CR4_SMEP);
}

/* The type that leaves global translations alone, or the next best, or no VPID from now on. */
static void invalidation_by_capability(void **state)
{
    static const struct {
        uint64_t capability;
        unsigned cr3, invlpg;
    } cases[] = {
        {0xf0100000000, 1, 1},
        {0x20100000000, 1, 1},
        {0x40100000000, 1, 1},
        {0x80100000000, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        exit_capability.ept_vpid = cases[i].capability;
        simulated_msr(IA32_VMX_EPT_VPID_CAP)->value = cases[i].capability;
        guest.controls[CONTROL_SECONDARY] = SECONDARY_EPT | SECONDARY_VPID;
        exit_field(VMCS_SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_VPID);
        loads_cr3(0x5000, 0x5000, cases[i].cr3);
        exit_field(VMCS_GUEST_RIP, EXIT_RIP);
        assert_int_equal(exit_take(EXIT_REASON_INVLPG, 0x8000000000000000), EXIT_RESUME);
        if (!cases[i].invlpg) {
            expected.controls[CONTROL_SECONDARY] = SECONDARY_EPT;
            expect_field(VMCS_SECONDARY_CONTROLS, SECONDARY_EPT);
        }
        expect_completed();
        assert_int_equal(cost.invalidations, cases[i].invlpg);
    }
    /* Without a VPID, VM entry does it. */
    loads_cr3(0x5000, 0x5000, 0);
    guest.controls[CONTROL_SECONDARY] = SECONDARY_EPT | SECONDARY_VPID;
    exit_field(VMCS_SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_VPID);
    exit_capability.ept_vpid = 0xf0000000000; /* no INVVPID at all */
    assert_int_equal(load(3, 0x5000), EXIT_RESUME);
    expected.controls[CONTROL_SECONDARY] = SECONDARY_EPT;
    expect_field(VMCS_SECONDARY_CONTROLS, SECONDARY_EPT);
    expect_completed();
    assert_int_equal(cost.invalidations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        paging_test(cr3_in_long_mode),
        paging_test(cr3_with_pcids),
        paging_test(cr3_with_lam),
        paging_test(cr4_takes),
        paging_test(cr4_refuses),
        paging_test(cr3_loads_the_pdptes),
        paging_test(reserved_bits_of_pdptes),
        paging_test(pdptes_outside_of_memory),
        paging_test(cr4_and_cr0_load_the_pdptes),
        paging_test(invalidation_by_capability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
