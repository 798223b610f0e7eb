/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../vmx/control.h"

#include <string.h>

/* SDM Vol. 3D A.3.1: bit X of the low half means X cannot be 0, of the high half that it can be 1.
 */
struct naive {
    bool possible;
    uint32_t value;
    uint32_t first_bad;
};

static struct naive naive_choice(uint64_t capability, const struct control_wish *wish)
{
    struct naive result = {.possible = true};

    for (uint32_t bit = 0; bit < 32; bit++) {
        bool can_be_0 = !(capability >> bit & 1), can_be_1 = capability >> (32 + bit) & 1;
        bool set = wish->set >> bit & 1, clear = wish->clear >> bit & 1;
        bool optional = wish->optional >> bit & 1;
        bool bad = (set && clear) || (set && !can_be_1) || (clear && !can_be_0);
        if (bad && result.possible) {
            result.possible = false;
            result.first_bad = bit;
        }
        if (set || (optional && can_be_1 && !clear) || !can_be_0)
            result.value |= 1u << bit;
    }
    return result;
}

static void compare(uint64_t capability, const struct control_wish *wish)
{
    struct naive model = naive_choice(capability, wish);
    struct control_refusal refusal = {99, false};
    uint32_t value = 0x5a5a5a5a;
    bool possible = control_choose(capability, wish, &value, &refusal);

    assert_int_equal(possible, model.possible);
    if (possible) {
        assert_int_equal(value, model.value);
    } else {
        assert_int_equal(refusal.bit, model.first_bad);
        assert_int_equal(refusal.wanted, wish->set >> model.first_bad & 1);
    }
}

/* A bit of a capability MSR is fixed to 0, free, or fixed to 1. */
static uint64_t capability_of(unsigned kinds, const unsigned *bits, unsigned count)
{
    uint64_t capability = 0;
    for (unsigned i = 0; i < count; i++, kinds /= 3) {
        if (kinds % 3 >= 1)
            capability |= 1ull << (32 + bits[i]);
        if (kinds % 3 == 2)
            capability |= 1ull << bits[i];
    }
    return capability;
}

static void every_combination_of_three_bits(void **state)
{
    static const unsigned bits[] = {0, 7, 31};
    (void)state;
    for (unsigned kinds = 0; kinds < 27; kinds++)
        for (unsigned wishes = 0; wishes < 512; wishes++) {
            struct control_wish wish = {0};
            for (unsigned i = 0; i < 3; i++) {
                wish.set |= (wishes >> (3 * i) & 1u) << bits[i];
                wish.clear |= (wishes >> (3 * i + 1) & 1u) << bits[i];
                wish.optional |= (wishes >> (3 * i + 2) & 1u) << bits[i];
            }
            compare(capability_of(kinds, bits, 3), &wish);
        }
}

static void random_words(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint32_t may = (uint32_t)random_bits(&seed);
        uint64_t capability = (uint64_t)may << 32 | (may & (uint32_t)random_bits(&seed));
        uint32_t some = (uint32_t)(random_bits(&seed) & random_bits(&seed) & random_bits(&seed));
        struct control_wish wish = {.set = i & 1 ? some & may : some,
                                    .clear = (uint32_t)(random_bits(&seed) & random_bits(&seed)),
                                    .optional = (uint32_t)random_bits(&seed)};
        if (i & 2)
            wish.clear &= ~(wish.set | (uint32_t)capability);
        compare(capability, &wish);
    }
}

static void the_lowest_bad_bit_is_named(void **state)
{
    struct control_refusal refusal;
    uint32_t value;
    (void)state;
    assert_false(control_choose(0xfffffff700000000, &(struct control_wish){.set = 0x80000018},
                                &value, &refusal));
    assert_int_equal(refusal.bit, 3);
    assert_true(refusal.wanted);
    assert_false(control_choose(0xffffffff80000010, &(struct control_wish){.clear = 0x80000018},
                                &value, &refusal));
    assert_int_equal(refusal.bit, 4);
    assert_false(refusal.wanted);
    assert_false(control_choose(
        0xffffffff00000000, &(struct control_wish){.set = 0x20, .clear = 0x21}, &value, &refusal));
    assert_int_equal(refusal.bit, 5);
    assert_true(refusal.wanted);
}

/* Bits of SDM Vol. 3C tables 25-5, 25-6, 25-7, 25-13 and 25-16. */
static void bits_and_names_are_the_sdms(void **state)
{
    static const struct {
        enum control_group group;
        uint32_t value;
        uint32_t bit;
        const char *name;
    } known[] = {
        {CONTROL_PIN_BASED, (uint32_t)PIN_BASED_EXTERNAL_INTERRUPT_EXITING, 0,
         "external-interrupt exiting"},
        {CONTROL_PIN_BASED, (uint32_t)PIN_BASED_NMI_EXITING, 3, "NMI exiting"},
        {CONTROL_PIN_BASED, (uint32_t)PIN_BASED_PREEMPTION_TIMER, 6,
         "activate VMX-preemption timer"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_HLT_EXITING, 7, "HLT exiting"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_RDTSC_EXITING, 12, "RDTSC exiting"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_CR3_LOAD_EXITING, 15, "CR3-load exiting"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_TPR_SHADOW, 21, "use TPR shadow"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_IO_BITMAPS, 25, "use I/O bitmaps"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_MSR_BITMAPS, 28, "use MSR bitmaps"},
        {CONTROL_PRIMARY, (uint32_t)PRIMARY_SECONDARY, 31, "activate secondary controls"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_EPT, 1, "enable EPT"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_RDTSCP, 3, "enable RDTSCP"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_VPID, 5, "enable VPID"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_UNRESTRICTED_GUEST, 7, "unrestricted guest"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_INVPCID, 12, "enable INVPCID"},
        {CONTROL_SECONDARY, (uint32_t)SECONDARY_TSC_SCALING, 25, "use TSC scaling"},
        {CONTROL_EXIT, (uint32_t)EXIT_HOST_64_BIT, 9, "host address-space size"},
        {CONTROL_EXIT, (uint32_t)EXIT_ACKNOWLEDGE_INTERRUPT, 15, "acknowledge interrupt on exit"},
        {CONTROL_EXIT, (uint32_t)EXIT_LOAD_EFER, 21, "load IA32_EFER"},
        {CONTROL_ENTRY, (uint32_t)ENTRY_IA32E_GUEST, 9, "IA-32e mode guest"},
        {CONTROL_ENTRY, (uint32_t)ENTRY_LOAD_EFER, 15, "load IA32_EFER"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        assert_int_equal(known[i].value, 1u << known[i].bit);
        assert_string_equal(control_name(known[i].group, known[i].bit), known[i].name);
    }
}

static void every_bit_has_some_name(void **state)
{
    (void)state;
    for (int group = 0; group < CONTROL_GROUPS; group++) {
        assert_true(strlen(control_group_name((enum control_group)group)) > 0);
        for (uint32_t bit = 0; bit < 40; bit++)
            assert_true(strlen(control_name((enum control_group)group, bit)) > 0);
    }
    assert_string_equal(control_name(CONTROL_PIN_BASED, 1), "reserved");
    assert_string_equal(control_name(CONTROL_SECONDARY, 32), "reserved");
    assert_string_equal(control_name(CONTROL_ENTRY, UINT32_MAX), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_of_three_bits),
        cmocka_unit_test(random_words),
        cmocka_unit_test(the_lowest_bad_bit_is_named),
        cmocka_unit_test(bits_and_names_are_the_sdms),
        cmocka_unit_test(every_bit_has_some_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
