/* SPDX-License-Identifier: MIT */
#include "../vmx/disturbance.h"
#include "../x86/msr.h"
#include "tests.h"

#include <string.h>

/* A CPU that has all of it. */
static void furnish(void)
{
    simulated_leaf(6, 0)->ecx = CPUID_6_ECX_APERF_MPERF;
    simulated_msr_set(IA32_APERF, 3000);
    simulated_msr_set(IA32_MPERF, 2000);
    simulated_msr_set(MSR_SMI_COUNT, 17);
    simulated_msr(MSR_SMI_COUNT)->read_only = true;
}

static void all_is_read(void **state)
{
    struct disturbance_facts facts;
    uint64_t tsc = simulated_cpu.tsc;
    (void)state;
    furnish();
    disturbance_read(&facts);
    assert_true(facts.has_clocks && facts.has_smi_count);
    assert_int_equal(facts.tsc, tsc);
    assert_int_equal(facts.aperf, 3000);
    assert_int_equal(facts.mperf, 2000);
    assert_int_equal(facts.smi_count, 17);
    assert_int_equal(simulated_cpu.wrmsrs, 0);
}

static void clocks_that_are_not_there(void **state)
{
    struct disturbance_facts facts;
    (void)state;
    furnish();
    simulated_leaf(6, 0)->ecx = 0;
    disturbance_read(&facts);
    assert_false(facts.has_clocks);
    assert_true(facts.has_smi_count);
    simulated_leaf(6, 0)->ecx = 1;
    simulated_leaf(0, 0)->eax = 5;
    disturbance_read(&facts);
    assert_false(facts.has_clocks);
    simulated_leaf(0, 0)->eax = 0xd;
    simulated_msr_remove(IA32_MPERF);
    disturbance_read(&facts);
    assert_false(facts.has_clocks);
}

static void smis_that_nobody_counts(void **state)
{
    struct disturbance_facts facts;
    (void)state;
    furnish();
    simulated_leaf(1, 0)->eax = 0x00f00; /* family 15 */
    disturbance_read(&facts);
    assert_false(facts.has_smi_count);
    simulated_leaf(1, 0)->eax = 0x306c3;
    simulated_leaf(0, 0)->ebx = 0x68747541; /* not Intel */
    disturbance_read(&facts);
    assert_false(facts.has_smi_count);
    simulated_leaf(0, 0)->ebx = 0x756e6547;
    simulated_msr_remove(MSR_SMI_COUNT);
    disturbance_read(&facts);
    assert_false(facts.has_smi_count);
    assert_true(facts.has_clocks);
}

/* A count of 0 may be one, or an MSR that is not there and reads 0 like all of them. */
static void a_count_of_zero(void **state)
{
    struct disturbance_facts facts;
    (void)state;
    furnish();
    simulated_msr(MSR_SMI_COUNT)->value = 0;
    disturbance_read(&facts);
    assert_true(facts.has_smi_count);
    assert_int_equal(facts.smi_count, 0);
    simulated_msr(MSR_SMI_COUNT)->read_only = false;
    disturbance_read(&facts);
    assert_false(facts.has_smi_count);
}

static const struct disturbance_facts early = {.tsc = 1000000,
                                               .aperf = 500,
                                               .mperf = 700,
                                               .smi_count = 4,
                                               .has_clocks = true,
                                               .has_smi_count = true};

static struct disturbance judged(struct disturbance_facts after)
{
    struct disturbance disturbance;
    memset(&disturbance, 0xff, sizeof(disturbance));
    disturbance_judge(&early, &after, &disturbance);
    return disturbance;
}

static struct disturbance_facts later(uint64_t tsc, uint64_t aperf, uint64_t mperf, uint32_t smis)
{
    struct disturbance_facts facts = early;
    facts.tsc += tsc;
    facts.aperf += aperf;
    facts.mperf += mperf;
    facts.smi_count += smis;
    return facts;
}

static void ratios(void **state)
{
    static const struct {
        uint64_t tsc, aperf, mperf, core, awake;
    } pairs[] = {
        {1000, 1000, 1000, 1000, 1000},
        {100000, 135000, 100000, 1350, 1000}, /* turbo */
        {100000, 30000, 100000, 300, 1000},
        {100000, 20000, 40000, 500, 400}, /* halted for more than half of it */
        {3000, 2000, 3000, 667, 1000},
        {3000, 1000, 3000, 333, 1000},
        {1ull << 62, 3ull << 61, 1ull << 62, 1500, 1000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct disturbance d = judged(later(pairs[i].tsc, pairs[i].aperf, pairs[i].mperf, 0));
        assert_null(d.clocks_absent);
        assert_int_equal(d.core_per_mille, pairs[i].core);
        assert_int_equal(d.awake_per_mille, pairs[i].awake);
        assert_null(d.smis_absent);
        assert_int_equal(d.smis, 0);
    }
    judged(later(1, UINT64_MAX - 700, 1, 0)); /* nonsense, but no division by 0 */
}

static void smis_that_struck(void **state)
{
    (void)state;
    assert_int_equal(judged(later(1, 1, 1, 3)).smis, 3);
    assert_int_equal(judged(later(1, 1, 1, UINT32_MAX)).smis, UINT32_MAX); /* wrapped */
    struct disturbance_facts after = later(1, 1, 1, 3);
    after.has_smi_count = false;
    assert_string_equal(judged(after).smis_absent, "this CPU has no MSR_SMI_COUNT");
    assert_int_equal(judged(after).smis, 0);
    assert_null(judged(after).clocks_absent);
}

static void clocks_that_say_nothing(void **state)
{
    (void)state;
    struct disturbance_facts after = later(10, 10, 10, 0);
    after.has_clocks = false;
    assert_string_equal(judged(after).clocks_absent, "this CPU has no IA32_APERF and IA32_MPERF");
    assert_string_equal(judged(later(0, 10, 10, 0)).clocks_absent, "the TSC did not advance");
    assert_string_equal(judged(later(10, 10, 0, 0)).clocks_absent,
                        "IA32_APERF and IA32_MPERF do not count");
    assert_string_equal(judged(later(10, 0, 0, 0)).clocks_absent,
                        "IA32_APERF and IA32_MPERF do not count");
    assert_string_equal(judged(later(10, (uint64_t)-1, 10, 0)).clocks_absent,
                        "IA32_APERF or IA32_MPERF was written in between");
    assert_string_equal(judged(later(10, 10, (uint64_t)-700, 0)).clocks_absent,
                        "IA32_APERF or IA32_MPERF was written in between");
    assert_int_equal(judged(later(10, 0, 0, 0)).core_per_mille, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(all_is_read),
        simulated_test(clocks_that_are_not_there),
        simulated_test(smis_that_nobody_counts),
        simulated_test(a_count_of_zero),
        simulated_test(ratios),
        simulated_test(smis_that_struck),
        simulated_test(clocks_that_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
