/* SPDX-License-Identifier: MIT */
/* What CPUID leaf 0xa is taken to say, and which events are refused. */
#include "../vmx/performance.h"
#include "tests.h"

#include <string.h>

#define ALL_RINGS (PERFEVTSEL_OS | PERFEVTSEL_USR)

static struct performance_capability detected(void)
{
    struct performance_capability capability;
    performance_detect(&capability);
    return capability;
}

static void versions(void **state)
{
    static const struct {
        uint8_t version, general;
        uint16_t fixed;
        uint64_t counters;
        bool any_thread;
    } cpus[] = {
        {1, 2, 0, 0x3, false},
        {2, 2, 0x7, 0x700000003, false},
        {3, 4, 0x7, 0x70000000f, true},
        {4, 8, 0x7, 0x7000000ff, true},
        {5, 8, 0xf, 0xf000000ff, true},
        {5, 6, 0x77, 0x770000003f, true},
        {5, 8, 0x8000, 1ull << 47 | 0xff, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cpus); i++) {
        simulated_performance_add(cpus[i].version, cpus[i].general, cpus[i].fixed, false);
        struct performance_capability capability = detected();
        assert_null(capability.absent);
        assert_int_equal(capability.version, cpus[i].version);
        assert_int_equal(capability.counters, cpus[i].counters);
        assert_int_equal(capability.any_thread, cpus[i].any_thread);
        assert_int_equal(capability.general_mask, 0xffffffffffff);
        assert_int_equal(capability.unavailable, 0);
        assert_false(capability.full_width);
    }
}

static void widths_and_vectors(void **state)
{
    (void)state;
    /* Version 4: 4 counters of 40 bits, 3 events known of which 1 is missing, fixed: 2 of 64 bits.
     */
    *simulated_leaf(0xa, 0) =
        (struct cpuid_registers){.eax = 0x03280404, .ebx = 0xfff2, .edx = 1 << 15 | 64 << 5 | 2};
    struct performance_capability capability = detected();
    assert_int_equal(capability.general_mask, 0xffffffffff);
    assert_int_equal(capability.fixed_mask, UINT64_MAX);
    assert_int_equal(capability.counters, 0x30000000f);
    assert_int_equal(capability.unavailable, 0x7a); /* 1, and 3 to 6, for which there is no bit */
    assert_false(capability.any_thread);

    /* More than there is room for: 255 counters, 31 fixed ones. Version 4 has no use for ECX. */
    *simulated_leaf(0xa, 0) =
        (struct cpuid_registers){.eax = 0x0730ff04, .ecx = 0xffffffff, .edx = 48 << 5 | 31};
    assert_int_equal(detected().counters, 0xffff000000ff);
    simulated_leaf(0xa, 0)->edx = 48 << 5 | 1;
    assert_int_equal(detected().counters, 0x1000000ff);
}

static void full_width_writes(void **state)
{
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    assert_true(detected().full_width);
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_PDCM;
    assert_false(detected().full_width);
    simulated_leaf(1, 0)->ecx |= CPUID_1_ECX_PDCM;
    simulated_cpu.accesses.countdown = 1;
    assert_false(detected().full_width);
}

static void no_pmu_in_words(void **state)
{
    (void)state;
    assert_string_equal(detected().absent, "no PMU: CPUID leaf 0xa says version 0 (none, or hidden "
                                           "by a hypervisor)");
    simulated_performance_add(3, 4, 7, false);
    simulated_leaf(0, 0)->eax = 9;
    assert_string_equal(detected().absent, "no PMU: this CPU has no CPUID leaf 0xa");
    simulated_leaf(0, 0)->eax = 0xd;
    simulated_leaf(0xa, 0)->eax = 0x07000401; /* counters of no bits */
    assert_string_equal(detected().absent, "no PMU: CPUID leaf 0xa offers no counters");
}

static void refuses(struct performance_event event, const char *part)
{
    struct performance_capability capability = detected();
    const char *text = performance_refuses(&capability, &event);
    if (!text || !strstr(text, part))
        fail_msg("selector 0x%llx: \"%s\", not \"%s\"", (unsigned long long)event.selector,
                 text ? text : "accepted", part);
}

static void accepts(struct performance_event event)
{
    struct performance_capability capability = detected();
    const char *text = performance_refuses(&capability, &event);
    if (text)
        fail_msg("selector 0x%llx: \"%s\"", (unsigned long long)event.selector, text);
}

static struct performance_event raw(uint64_t selector)
{
    return (struct performance_event){.selector = selector, .where = PERFORMANCE_BOTH};
}

static struct performance_event fixed(uint64_t index)
{
    return (struct performance_event){.fixed = true, .selector = index, .where = PERFORMANCE_BOTH};
}

static void selector_bits(void **state)
{
    static const char *const texts[64] = {
        [19] = "PC (bit 19)",
        [20] = "INT (bit 20)",
        [21] = NULL,
        [22] = "EN (bit 22)",
    };
    (void)state;
    simulated_performance_add(3, 4, 7, false);
    for (unsigned bit = 16; bit < 64; bit++) {
        struct performance_event event = raw(1ull << bit | ALL_RINGS | 0x1d1);
        if (bit >= 32)
            refuses(event, "bits 63:32 are reserved");
        else if (texts[bit])
            refuses(event, texts[bit]);
        else
            accepts(event);
    }
    accepts(raw(0xffa7ffff)); /* all that is left */
    accepts(raw(PERFEVTSEL_USR | 0x1d1));
    refuses(raw(0x1d1), "at no privilege level");
    refuses(raw(ALL_RINGS | 0x0300), "event 0 is no event");
}

static void any_thread(void **state)
{
    struct performance_event event = raw(ALL_RINGS | PERFEVTSEL_ANY_THREAD | 0x3c);
    (void)state;
    simulated_performance_add(2, 2, 7, false);
    refuses(event, "AnyThread");
    simulated_performance_add(5, 8, 7, false);
    accepts(event);
    simulated_leaf(0xa, 0)->edx |= 1 << 15;
    refuses(event, "AnyThread");
}

static void predefined_events_that_are_missing(void **state)
{
    static const uint16_t events[] = {0x003c, 0x00c0, 0x013c, 0x4f2e, 0x412e, 0x00c4,
                                      0x00c5, 0x01a4, 0x02a4, 0x0073, 0x019c, 0x02c2};
    (void)state;
    simulated_performance_add(5, 8, 7, false);
    for (unsigned bit = 0; bit < COUNT_OF(events); bit++) {
        struct performance_event event = raw(ALL_RINGS | events[bit]);
        simulated_leaf(0xa, 0)->eax = 12u << 24 | 48u << 16 | 8u << 8 | 5;
        simulated_leaf(0xa, 0)->ebx = 1u << bit;
        refuses(event, "has not got this pre-defined event");
        event.selector |= 2u << 24 | PERFEVTSEL_EDGE; /* the same event, counted differently */
        refuses(event, "has not got this pre-defined event");
        simulated_leaf(0xa, 0)->ebx = ~(1u << bit);
        accepts(event);
        /* Not a bit of a vector that short: missing for sure only up to the seventh. */
        simulated_leaf(0xa, 0)->eax = bit << 24 | 48u << 16 | 8u << 8 | 5;
        simulated_leaf(0xa, 0)->ebx = UINT32_MAX;
        if (bit < 7)
            refuses(event, "has not got this pre-defined event");
        else
            accepts(event);
    }
}

static void counters_there_are(void **state)
{
    struct performance_event event = raw(ALL_RINGS | 0x1d1);
    (void)state;
    simulated_performance_add(2, 2, 7, false);
    event.counters = 0x2;
    accepts(event);
    event.counters = 0xc;
    refuses(event, "none of the counters that can count it");
    event.counters = 0x700000000; /* fixed ones are not chosen by mask */
    refuses(event, "none of the counters that can count it");
    accepts(fixed(2));
    refuses(fixed(3), "no such fixed-function counter");
    refuses(fixed(16), "no such fixed-function counter");
    refuses(fixed(UINT64_MAX), "no such fixed-function counter");
    simulated_performance_add(1, 2, 0, false);
    refuses(fixed(0), "no such fixed-function counter");
}

static void where_it_counts(void **state)
{
    struct performance_event event = raw(ALL_RINGS | 0x1d1);
    (void)state;
    simulated_performance_add(1, 2, 0, false);
    accepts(event);
    event.where = PERFORMANCE_HOST;
    refuses(event, "PMU version 1 has no IA32_PERF_GLOBAL_CTRL");
    simulated_performance_add(2, 2, 7, false);
    accepts(event);
    event.where = PERFORMANCE_GUEST;
    accepts(event);
    event.where = (enum performance_where)0;
    refuses(event, "neither in the host nor in the guest");
    event.where = (enum performance_where)4;
    refuses(event, "neither in the host nor in the guest");
}

static void without_a_pmu_all_are_refused(void **state)
{
    (void)state;
    refuses(raw(ALL_RINGS | 0xc0), "no PMU: ");
    refuses(fixed(0), "no PMU: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(versions),
        simulated_test(widths_and_vectors),
        simulated_test(full_width_writes),
        simulated_test(no_pmu_in_words),
        simulated_test(selector_bits),
        simulated_test(any_thread),
        simulated_test(predefined_events_that_are_missing),
        simulated_test(counters_there_are),
        simulated_test(where_it_counts),
        simulated_test(without_a_pmu_all_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
