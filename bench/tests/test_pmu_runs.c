/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../pmu_runs.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 40u

static char name[] = "event";

static struct pmu_event general(uint32_t counters)
{
    return (struct pmu_event){.name = name, .fixed = -1, .counters = counters};
}

static struct pmu_event fixed(int counter, uint32_t counters)
{
    return (struct pmu_event){.name = name, .fixed = counter, .counters = counters};
}

/* Places the events and holds each place against what the event and the CPU allow. */
static size_t runs_of(const struct pmu_event *events, size_t count, unsigned general_counters,
                      unsigned fixed_counters, struct pmu_place *places)
{
    size_t runs;
    char *error;
    for (size_t i = 0; i < count; i++)
        places[i] = (struct pmu_place){~(size_t)0, false, ~0u};
    assert_int_equal(pmu_runs_make(events, count, general_counters, fixed_counters, EVENTS_MAX,
                                   places, &runs, &error),
                     0);
    for (size_t i = 0; i < count; i++) {
        const struct pmu_place *place = &places[i];
        assert_true(place->run < runs);
        if (place->fixed) {
            assert_int_equal(place->counter, events[i].fixed);
            assert_true(place->counter < fixed_counters);
        } else {
            assert_true(place->counter < general_counters);
            assert_true(events[i].counters >> place->counter & 1);
        }
        for (size_t k = 0; k < i; k++) {
            const struct pmu_place *other = &places[k];
            assert_false(other->run == place->run && other->fixed == place->fixed &&
                         other->counter == place->counter);
            assert_false(other->run == place->run && events[i].extra_msr &&
                         events[i].extra_msr == events[k].extra_msr &&
                         events[i].extra_value != events[k].extra_value);
        }
    }
    return runs;
}

static void as_many_events_as_counters(void **state)
{
    struct pmu_event events[8] = {
        fixed(0, ~0u), fixed(1, ~0u), fixed(2, 0),  general(~0u),
        general(~0u),  general(~0u),  general(~0u), general(~0u),
    };
    struct pmu_place places[8];
    (void)state;
    assert_int_equal(runs_of(events, 0, 4, 3, places), 0);
    assert_int_equal(runs_of(events, 7, 4, 3, places), 1);
    for (unsigned i = 0; i < 7; i++) { /* in their order */
        assert_int_equal(places[i].fixed, i < 3);
        assert_int_equal(places[i].counter, i < 3 ? i : i - 3);
    }
    assert_int_equal(runs_of(events, 8, 4, 3, places), 2);
    assert_int_equal(places[7].run, 1);
    assert_int_equal(runs_of(events, 8, 8, 3, places), 1);
}

static void ten_thousand_counters_are_thirty_two(void **state)
{
    struct pmu_event events[33];
    struct pmu_place places[33];
    (void)state;
    for (unsigned i = 0; i < 33; i++)
        events[i] = general(~0u);
    assert_int_equal(runs_of(events, 32, 10000, 10000, places), 1);
    assert_int_equal(runs_of(events, 33, 10000, 10000, places), 2);
}

/* One that can go anywhere makes room for those that cannot. */
static void events_make_room(void **state)
{
    const struct pmu_event on_general[] = {general(0xf), general(0x1), general(0x3), general(0x7)};
    const struct pmu_event off_fixed[] = {fixed(0, 0xf), fixed(0, 0), fixed(0, 0x1)};
    struct pmu_place places[4];
    (void)state;
    assert_int_equal(runs_of(on_general, 4, 4, 3, places), 1);
    assert_int_equal(places[0].counter, 3);
    assert_int_equal(runs_of(off_fixed, 3, 4, 3, places), 1);
    assert_true(places[1].fixed);
}

static void events_for_the_same_counter(void **state)
{
    const struct pmu_event events[] = {general(0x4), general(0x4), general(0x4), general(0xf)};
    struct pmu_place places[4];
    (void)state;
    assert_int_equal(runs_of(events, 4, 4, 3, places), 3);
    assert_int_equal(places[3].run, 0); /* the first run with room */
}

static void extra_msrs_hold_one_value_a_run(void **state)
{
    struct pmu_event events[4] = {general(0xf), general(0xf), general(0xf), general(0xf)};
    struct pmu_place places[4];
    (void)state;
    events[0].extra_msr = events[1].extra_msr = events[2].extra_msr = 0x1a6;
    events[0].extra_value = events[2].extra_value = 1;
    events[1].extra_value = 2;
    events[3].extra_msr = 0x1a7;
    events[3].extra_value = 2;
    assert_int_equal(runs_of(events, 4, 4, 3, places), 2);
    assert_int_equal(places[0].run, 0);
    assert_int_equal(places[1].run, 1);
    assert_int_equal(places[2].run, 0);
    assert_int_equal(places[3].run, 0);
}

/* However many counters there are, and the other side's events take none of it. */
static void each_side_has_its_limit(void **state)
{
    struct pmu_event events[8];
    struct pmu_place places[8];
    size_t runs;
    char *error;
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        events[i] = general(~0u);
        events[i].guest = i % 2;
    }
    assert_int_equal(pmu_runs_make(events, 8, 8, 4, 3, places, &runs, &error), 0);
    assert_int_equal(runs, 2);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(places[i].run, i >= 6);
    for (size_t i = 0; i < 8; i++)
        events[i].guest = i < 4;
    assert_int_equal(pmu_runs_make(events, 8, 8, 4, 3, places, &runs, &error), 0);
    assert_int_equal(runs, 2);
    assert_int_equal(places[3].run, 1);
    assert_int_equal(places[6].run, 0);
    assert_int_equal(places[7].run, 1);
}

static void no_counter_at_all(void **state)
{
    const struct pmu_event slots = fixed(3, 0), upper = general(0xf0), twin = fixed(3, 0x1);
    const struct pmu_event *const refused[] = {&slots, &upper};
    struct pmu_place place;
    size_t runs;
    char *error;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pmu_runs_make(refused[i], 1, 4, 3, EVENTS_MAX, &place, &runs, &error), -1);
        assert_non_null(strstr(error, "'event'"));
        free(error);
    }
    assert_int_equal(runs_of(&slots, 1, 4, 4, &place), 1);
    assert_int_equal(runs_of(&upper, 1, 8, 3, &place), 1);
    assert_int_equal(runs_of(&twin, 1, 4, 3, &place), 1);
    assert_false(place.fixed);
}

/* runs_of() checks each place; and no event of a later run would have found a counter free. */
static void random_events(void **state)
{
    struct pmu_event events[EVENTS_MAX];
    struct pmu_place places[EVENTS_MAX];
    uint64_t random = 1;
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        size_t count = 1 + random_below(&random, EVENTS_MAX);
        unsigned counters = random_below(&random, 2) ? 4 : 8;
        for (size_t i = 0; i < count; i++) {
            uint32_t mask = random_below(&random, 3) ? ~0u : 1 + random_below(&random, 15);
            events[i] = random_below(&random, 4) ? general(mask)
                                                 : fixed((int)random_below(&random, 3), mask);
            events[i].extra_msr = random_below(&random, 5) ? 0 : 0x1a6;
            events[i].extra_value = events[i].extra_msr ? 1 + random_below(&random, 3) : 0;
        }
        size_t runs = runs_of(events, count, counters, 3, places);
        for (size_t i = 0; i < count; i++)
            for (size_t run = 0; run < places[i].run; run++) {
                uint32_t taken = 0;
                bool agrees = true;
                for (size_t k = 0; k < i; k++) {
                    if (places[k].run != run)
                        continue;
                    taken |= places[k].fixed ? 0 : 1u << places[k].counter;
                    agrees = agrees && !(events[i].extra_msr && events[k].extra_msr &&
                                         events[i].extra_value != events[k].extra_value);
                }
                /* Later events only fill counters, or move others between those in use. */
                for (size_t k = i + 1; k < count; k++)
                    taken |= places[k].run == run && !places[k].fixed ? 1u << places[k].counter : 0;
                assert_true(!agrees || !(events[i].counters & ~taken & ((1u << counters) - 1)));
            }
        assert_true(runs <= count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_events_as_counters),
        cmocka_unit_test(ten_thousand_counters_are_thirty_two),
        cmocka_unit_test(events_make_room),
        cmocka_unit_test(events_for_the_same_counter),
        cmocka_unit_test(extra_msrs_hold_one_value_a_run),
        cmocka_unit_test(each_side_has_its_limit),
        cmocka_unit_test(no_counter_at_all),
        cmocka_unit_test(random_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
