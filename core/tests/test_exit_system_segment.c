/* SPDX-License-Identifier: MIT */
/* LLDT and LTR: selectors, descriptors, and every refusal of SDM Vol. 2. */
#include "descriptor_fixture.h"

#include "../vmx/event.h"

#include <string.h>

enum {
    LLDT = 2,
    LTR = 3,
};

#define IN_REGISTER(number) (1u << 10 | (uint64_t)(number) << 3)
#define LDT                 2u
#define TSS_16              1u
#define TSS                 9u
#define PRESENT             0x80u
#define BASE                0x89abcdefull
#define UPPER               0xffff8123ull

static enum exit_outcome take(unsigned instruction, uint64_t more, uint64_t displacement)
{
    return descriptor_take(EXIT_REASON_LDTR_OR_TR, instruction, more, displacement);
}

/* A descriptor of 16 bytes at a selector; flags are AVL, L, D and G in bits 3:0. */
static void describe(uint16_t selector, unsigned rights, uint32_t limit, unsigned flags)
{
    uint64_t low = (limit & 0xffff) | (BASE & 0xffffff) << 16 | (uint64_t)rights << 40 |
                   (uint64_t)(limit >> 16) << 48 | (uint64_t)flags << 52 | (BASE >> 24) << 56;
    uint64_t high = UPPER;
    memcpy(descriptor_memory + DESCRIPTOR_GDT + (selector & 0xfff8), &low, 8);
    memcpy(descriptor_memory + DESCRIPTOR_GDT + (selector & 0xfff8) + 8, &high, 8);
}

static uint8_t rights_at(uint16_t selector)
{
    return (uint8_t)descriptor_memory[DESCRIPTOR_GDT + (selector & 0xfff8) + 5];
}

static enum exit_outcome load(unsigned instruction, uint64_t selector)
{
    guest.rbx = selector;
    return take(instruction, IN_REGISTER(3), 0);
}

static void refuses(unsigned instruction, uint16_t selector, uint32_t vector)
{
    assert_int_equal(load(instruction, selector), EXIT_RESUME);
    descriptor_expect(0x80000b00 | vector, selector & 0xfffc);
}

static void loads_ldtr(void **state)
{
    (void)state;
    describe(0x50, PRESENT | LDT, 0x12345, 1); /* AVL */
    for (unsigned privilege = 0; privilege < 4; privilege++) {
        assert_int_equal(load(LLDT, 0xfedcba9876540050 | privilege), EXIT_RESUME);
        expect_field(VMCS_GUEST_LDTR_SELECTOR, 0x50 | privilege);
        expect_field(VMCS_GUEST_LDTR_BASE, UPPER << 32 | BASE);
        expect_field(VMCS_GUEST_LDTR_LIMIT, 0x12345);
        expect_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x1082);
        expect_completed();
    }
    assert_int_equal(rights_at(0x50), PRESENT | LDT);
    describe(0x50, PRESENT | LDT | 0x60, 0xabcde, 8); /* DPL 3, G */
    memcpy(descriptor_memory + DESCRIPTOR_DATA, "\x50", 2);
    assert_int_equal(take(LLDT, 0, DESCRIPTOR_DATA), EXIT_RESUME);
    expect_field(VMCS_GUEST_LDTR_SELECTOR, 0x50);
    expect_field(VMCS_GUEST_LDTR_LIMIT, 0xabcdefff);
    expect_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x80e2);
    expect_completed();
}

/* A null selector makes LDTR unusable, and is refused for TR. */
static void null_selectors(void **state)
{
    (void)state;
    for (uint16_t selector = 0; selector < 4; selector++) {
        exit_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82);
        assert_int_equal(load(LLDT, selector), EXIT_RESUME);
        expect_field(VMCS_GUEST_LDTR_SELECTOR, selector);
        expect_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x10000);
        expect_completed();
        refuses(LTR, selector, VECTOR_GP);
    }
}

static void loads_tr(void **state)
{
    (void)state;
    describe(0x60, PRESENT | TSS, 0x67, 0);
    assert_int_equal(load(LTR, 0x60), EXIT_RESUME);
    expect_field(VMCS_GUEST_TR_SELECTOR, 0x60);
    expect_field(VMCS_GUEST_TR_BASE, UPPER << 32 | BASE);
    expect_field(VMCS_GUEST_TR_LIMIT, 0x67);
    expect_field(VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b);
    expect_completed();
    assert_int_equal(rights_at(0x60), PRESENT | TSS | 2); /* busy, in the GDT too */
    refuses(LTR, 0x60, VECTOR_GP);
}

/* Descriptors of 8 bytes, and the 16-bit TSS, which IA-32e mode has not got. */
static void outside_of_64_bit_mode(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    describe(0x60, PRESENT | TSS_16, 0x2b, 0);
    refuses(LTR, 0x60, VECTOR_GP); /* compatibility mode */
    exit_field(VMCS_GUEST_CR0, 0x33);
    exit_field(VMCS_GUEST_EFER, 0);
    assert_int_equal(load(LTR, 0x60), EXIT_RESUME);
    expect_field(VMCS_GUEST_TR_SELECTOR, 0x60);
    expect_field(VMCS_GUEST_TR_BASE, BASE);
    expect_field(VMCS_GUEST_TR_LIMIT, 0x2b);
    expect_field(VMCS_GUEST_TR_ACCESS_RIGHTS, 0x83);
    expect_completed();
    describe(0x3f8, PRESENT | LDT, 0xf, 0); /* the last that the limit lets in */
    assert_int_equal(load(LLDT, 0x3f8), EXIT_RESUME);
    expect_field(VMCS_GUEST_LDTR_SELECTOR, 0x3f8);
    expect_field(VMCS_GUEST_LDTR_BASE, BASE);
    expect_field(VMCS_GUEST_LDTR_LIMIT, 0xf);
    expect_field(VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82);
    expect_completed();
}

static void every_type(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 32; type++)
        for (unsigned present = 0; present < 2; present++) {
            describe(0x50, type | present << 7, 0x67, 0);
            for (unsigned instruction = LLDT; instruction <= LTR; instruction++) {
                bool fits = type == (instruction == LTR ? TSS : LDT);
                if (!fits || !present) {
                    refuses(instruction, 0x50, fits ? VECTOR_NP : VECTOR_GP);
                } else {
                    assert_int_equal(load(instruction, 0x50), EXIT_RESUME);
                    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
                    describe(0x50, type | present << 7, 0x67, 0); /* not busy */
                }
            }
        }
}

static void refused_selectors(void **state)
{
    (void)state;
    describe(0x50, PRESENT | LDT, 0xf, 0);
    refuses(LLDT, 0x54, VECTOR_GP); /* in the LDT */
    refuses(LLDT, 0x57, VECTOR_GP);
    describe(0x3f8, PRESENT | LDT, 0xf, 0);
    refuses(LLDT, 0x3f8, VECTOR_GP); /* its upper half is beyond the limit */
    refuses(LTR, 0xfffb, VECTOR_GP);
    exit_field(VMCS_GUEST_GDTR_LIMIT, 0x5f);
    assert_int_equal(load(LLDT, 0x50), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    exit_field(VMCS_GUEST_GDTR_LIMIT, 0x5e);
    refuses(LLDT, 0x50, VECTOR_GP);
}

static void refused_descriptors(void **state)
{
    uint64_t high;
    (void)state;
    for (unsigned bit = 40; bit < 45; bit++) { /* a type in the upper half */
        describe(0x50, PRESENT | LDT, 0xf, 0);
        high = UPPER | 1ull << bit;
        memcpy(descriptor_memory + DESCRIPTOR_GDT + 0x58, &high, 8);
        refuses(LLDT, 0x50, VECTOR_GP);
    }
    describe(0x50, PRESENT | LDT, 0xf, 0);
    high = 0x8123; /* not canonical */
    memcpy(descriptor_memory + DESCRIPTOR_GDT + 0x58, &high, 8);
    refuses(LLDT, 0x50, VECTOR_GP);
    exit_capability.cr4_fixed1 |= CR4_LA57;
    assert_int_equal(load(LLDT, 0x50), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
}

/* Supervisor accesses, of a user's privilege or not; LTR writes. */
static void the_gdt_in_guest_memory(void **state)
{
    uint64_t *table = (uint64_t *)(descriptor_memory + 0x3000);
    (void)state;
    exit_field(VMCS_GUEST_GDTR_BASE, 0x200000);
    assert_int_equal(load(LLDT, 0x50), EXIT_RESUME);
    descriptor_expect(0x80000b0e, 0);
    assert_int_equal(simulated_cpu.cr2, 0x200050);
    exit_field(VMCS_GUEST_GDTR_BASE, DESCRIPTOR_BYTES);
    assert_int_equal(load(LLDT, 0x50), EXIT_STOP);
    expect_stop(STOP_UNHANDLED, DESCRIPTOR_BYTES + 0x50,
                "LDTR or TR: operand or descriptor in memory that EPT does not map");
    exit_field(VMCS_GUEST_GDTR_BASE, DESCRIPTOR_GDT);

    table[0] = 0x81; /* a page of 2 MiB for supervisors, read-only */
    exit_field(VMCS_GUEST_CR0, 0x80010033);
    describe(0x50, PRESENT | LDT, 0xf, 0);
    describe(0x60, PRESENT | TSS, 0x67, 0);
    assert_int_equal(load(LLDT, 0x50), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_int_equal(load(LTR, 0x60), EXIT_RESUME);
    descriptor_expect(0x80000b0e, 3);
    assert_int_equal(simulated_cpu.cr2, DESCRIPTOR_GDT + 0x65);
    assert_int_equal(rights_at(0x60), PRESENT | TSS);
}

static void users_load_nothing(void **state)
{
    (void)state;
    describe(0x50, PRESENT | LDT, 0xf, 0);
    for (uint64_t level = 1; level < 4; level++) {
        exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | level << 5);
        assert_int_equal(load(LLDT, 0x50), EXIT_RESUME);
        descriptor_expect_gp();
        assert_int_equal(load(LTR, 0), EXIT_RESUME);
        descriptor_expect_gp();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        descriptor_test(loads_ldtr),
        descriptor_test(null_selectors),
        descriptor_test(loads_tr),
        descriptor_test(outside_of_64_bit_mode),
        descriptor_test(every_type),
        descriptor_test(refused_selectors),
        descriptor_test(refused_descriptors),
        descriptor_test(the_gdt_in_guest_memory),
        descriptor_test(users_load_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
