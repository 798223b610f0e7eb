/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../facts_json.h"

#include <string.h>

static const struct target real = {.name = "native", .unit = "TSC cycles"};
static const struct target emulated = {.name = "bochs", .unit = "ticks"};

static struct machine_facts machine;

static int set_up(void **state)
{
    (void)state;
    machine = (struct machine_facts){
        .signature = 0x000906ed,
        .known = 0x1ff,
        .microcode = 0xf4ull << 32,
        .platform_info = 0x2400,
        .power = 2,
        .threads = 2,
        .clock = {2, 300, 24000000},
        .frequency = {3600, 5000, 100},
        .ept_vpid = 1ull << 16,
    };
    return 0;
}

static json_t *described(const struct target *target)
{
    const struct run_facts facts = {.target = target, .cpu_model = "host"};
    return fact_machine(&facts, &machine);
}

static void number_is(const json_t *json, const char *key, long long expected)
{
    const json_t *value = json_object_get(json, key);
    assert_true(json_is_integer(value));
    assert_int_equal(json_integer_value(value), expected);
}

/* null, and a reason with these words in it. */
static void absent(const json_t *json, const char *key, const char *words)
{
    char name[64];
    snprintf(name, sizeof(name), "%s_absent", key);
    assert_true(json_is_null(json_object_get(json, key)));
    assert_non_null(strstr(json_string_value(json_object_get(json, name)), words));
}

/* From a machine that has gone wrong: no number is better than one below 0. */
static void a_clock_that_cannot_be(void **state)
{
    (void)state;
    memcpy(machine.clock, (uint32_t[]){1, UINT32_MAX, UINT32_MAX}, sizeof(machine.clock));
    json_t *json = described(&real);
    absent(json, "tsc_hz", "0x15");
    json_decref(json);
}

static void a_real_cpu(void **state)
{
    (void)state;
    json_t *json = described(&real);
    number_is(json, "family", 6);
    number_is(json, "model", 0x9e);
    number_is(json, "stepping", 13);
    assert_string_equal(json_string_value(json_object_get(json, "microcode")), "0x000000f4");
    number_is(json, "base_mhz", 3600);
    number_is(json, "max_mhz", 5000);
    number_is(json, "tsc_hz", 3600000000);
    number_is(json, "threads_per_core", 2);
    assert_true(json_is_true(json_object_get(json, "turbo")));
    assert_int_equal(json_array_size(json_object_get(json, "ept_page_sizes")), 2);
    json_decref(json);
}

static void turbo_is_switched_off_by_msr_or_not_offered(void **state)
{
    (void)state;
    machine.misc_enable = 1ull << 38;
    json_t *json = described(&real);
    assert_true(json_is_false(json_object_get(json, "turbo")));
    json_decref(json);
    machine.misc_enable = machine.power = 0;
    json = described(&real);
    assert_true(json_is_false(json_object_get(json, "turbo")));
    json_decref(json);
}

/* CPUs before Skylake have no leaf 0x16, and say their ratio by MSR. */
static void an_older_cpu(void **state)
{
    (void)state;
    machine.known &= ~(uint64_t)(MACHINE_FREQUENCY | MACHINE_CLOCK);
    json_t *json = described(&real);
    number_is(json, "base_mhz", 3600);
    absent(json, "max_mhz", "leaf 0x16");
    absent(json, "tsc_hz", "leaf 0x15");
    json_decref(json);
    machine.clock[0] = 0; /* there, and says nothing: no division by it */
    machine.known |= MACHINE_CLOCK;
    json = described(&real);
    absent(json, "tsc_hz", "leaf 0x15");
    json_decref(json);
}

static void nothing_known_is_nothing_claimed(void **state)
{
    (void)state;
    machine.known = 0;
    json_t *json = described(&real);
    for (size_t i = 0; i < 6; i++)
        absent(json,
               (const char *const[]){"microcode", "base_mhz", "max_mhz", "tsc_hz", "turbo",
                                     "threads_per_core"}[i],
               "");
    const json_t *mitigations = json_object_get(json, "mitigations");
    absent(mitigations, "spec_ctrl", "IA32_SPEC_CTRL");
    absent(mitigations, "arch_capabilities", "IA32_ARCH_CAPABILITIES");
    json_decref(json);
}

static void an_emulated_cpu_has_no_frequency(void **state)
{
    (void)state;
    json_t *json = described(&emulated);
    absent(json, "base_mhz", "emulated");
    absent(json, "turbo", "emulated");
    number_is(json, "stepping", 13);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_real_cpu, set_up),
        cmocka_unit_test_setup(a_clock_that_cannot_be, set_up),
        cmocka_unit_test_setup(turbo_is_switched_off_by_msr_or_not_offered, set_up),
        cmocka_unit_test_setup(an_older_cpu, set_up),
        cmocka_unit_test_setup(nothing_known_is_nothing_claimed, set_up),
        cmocka_unit_test_setup(an_emulated_cpu_has_no_frequency, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
