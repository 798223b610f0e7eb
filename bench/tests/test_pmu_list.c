/* SPDX-License-Identifier: MIT */
/*
 * Lists of events: modifiers, what is refused and how, and that nothing at all breaks it.
 */
#include "tests.h"

#include "../pmu_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *refusal(const char *list, const char *model)
{
    struct pmu_event *events;
    size_t count;
    char *error = NULL;
    if (pmu_events_encode(list, pmu_model_find(model), &events, &count, &error) == 0)
        fail_msg("'%s' was encoded for %s", list, model);
    assert_null(events);
    assert_int_equal(count, 0);
    return error;
}

static uint64_t selector_of(const char *name, const char *model)
{
    struct pmu_event *events;
    size_t count;
    char *error = NULL;
    if (pmu_events_encode(name, pmu_model_find(model), &events, &count, &error) < 0)
        fail_msg("%s", error);
    assert_int_equal(count, 1);
    uint64_t selector = events->selector;
    pmu_events_free(events, count);
    return selector;
}

static void modifiers(void **state)
{
    (void)state;
    assert_int_equal(selector_of("UOPS_ISSUED:ANY:k:u", "hsw"), 0x03010e);
    assert_int_equal(selector_of("UOPS_ISSUED:ANY:c=4:i:e", "hsw"), 0x0486010e);
    assert_int_equal(selector_of("UOPS_ISSUED.ANY.t=1", "hsw"), 0x22010e);
    assert_int_equal(selector_of("UOPS_ISSUED:ANY:intx=1", "hsw"), 0x10002010eull);
    assert_int_equal(selector_of("UOPS_ISSUED:ANY:intxcp=1", "hsw"), 0x20002010eull);
    assert_int_equal(selector_of("TOPDOWN:BACKEND_BOUND_SLOTS:c=2", "icx"), 0x020202a4);
    /* Intel's counter mask of 1 gives way to the user's. */
    assert_int_equal(selector_of("ARITH:IDIV_ACTIVE:c=4", "spr"), 0x040208b0);
    assert_int_equal(selector_of("hsw::UOPS_ISSUED", "hsw"), 0x02010e);
    assert_int_equal(selector_of("hsw::cycles", "hsw"), 0x02003c);
    assert_int_equal(selector_of("cycles:k", "hsw"), 0x02003c);
    assert_int_equal(selector_of("cycles:u:k", "hsw"), 0x03003c);
    assert_int_equal(selector_of("cycles:k=1:u=0", "hsw"), 0x02003c);
    assert_int_equal(selector_of("ref-cycles:k:u", "hsw"), 0x030000);
}

/* A fixed counter counts the event as it is and nothing else. */
static void changed_events_are_not_for_fixed_counters(void **state)
{
    struct pmu_event *events;
    size_t count;
    char *error = NULL;
    (void)state;
    assert_int_equal(pmu_events_encode("INST_RETIRED:ANY_P:c=1,INST_RETIRED:ANY_P:t=1,"
                                       "INST_RETIRED:ANY_P:k:u",
                                       pmu_model_find("hsw"), &events, &count, &error),
                     0);
    assert_int_equal(count, 3);
    assert_int_equal(events[0].fixed, -1);
    assert_int_equal(events[1].fixed, -1);
    assert_int_equal(events[2].fixed, 0);
    pmu_events_free(events, count);
    free(refusal("TOPDOWN:SLOTS:c=1", "icx"));
    free(refusal("TOPDOWN:SLOTS:e=1", "icx"));
}

static void refused(void **state)
{
    static const struct {
        const char *model, *list, *words[3];
    } lists[] = {
        {"hsw", "", {"empty"}},
        {"hsw", ",cycles", {"empty"}},
        {"hsw", "cycles,", {"empty"}},
        {"hsw", "cycles,,instructions", {"empty"}},
        {"hsw", "instructons", {"'instructons'", "did you mean instructions?"}},
        {"hsw", "LLC_MISES", {"did you mean LLC_MISSES?"}},
        {"hsw", "uops_isued:any", {"'uops_isued:any'", "did you mean UOPS_ISSUED?"}},
        {"hsw", "xyzzy", {"hsw has no event 'xyzzy'", "pmu list --pmu-model hsw"}},
        {"hsw", "MEM_LOAD_RETIRED:L1_MISS", {"hsw has no event", "it is on ", "skx, clx"}},
        {"hsw", "slots", {"hsw has no event 'slots'", "it is on icl, icx, spr"}},
        {"hsw", "CYCLE_ACTIVITY:CYCLES_NO_EXECUT", {"did you mean CYCLES_NO_EXECUTE?"}},
        {"hsw", "UOPS_ISSUED:ANI", {"UOPS_ISSUED of hsw", "'ANI'", "did you mean ANY?"}},
        {"spr", "UOPS_ISSUED:FLAGS_MERGE", {"'FLAGS_MERGE'", "it is on ", "hsw"}},
        {"hsw", "UOPS_ISSUED:ANY:q=1", {"no modifier 'q=1'", "k, u, e, i, c, t, intx"}},
        {"icx", "UOPS_ISSUED:ANY:t=1", {"no modifier 't=1'", "it is on ", "skx"}},
        {"hsw", "UOPS_ISSUED:ANY:c=256", {"value of a modifier"}},
        {"hsw", "UOPS_ISSUED:c=1:c=2", {"twice"}},
        {"hsw", "L2_RQSTS:MISS:PF_MISS:CODE_RD_MISS", {"do not go together"}},
        {"hsw", "CYCLE_ACTIVITY", {"needs a unit mask", "CYCLES_NO_EXECUTE"}},
        {"hsw", "cycles:e", {"k and u", "'e'"}},
        {"hsw", "cycles:", {"k and u", "''"}},
        {"hsw", "cycles:u", {"CPL 3", ":k:u"}},
        {"hsw", "UOPS_ISSUED:u", {"CPL 3", ":k:u"}},
        {"hsw", "UOPS_ISSUED:k=0", {"CPL 3"}},
        {"hsw", "cycles,cycles", {"'cycles' is there twice"}},
        {"hsw", "LLC_MISSES,cache-misses", {"twice, also as cache-misses"}},
        {"hsw", "UOPS_ISSUED,uops_issued:any", {"twice"}},
        {"hsw", "skx::UOPS_ISSUED", {"another PMU model", "hsw"}},
        {"hsw", "hsw_ep::cycles", {"another PMU model"}},
        {"hsw", "MEM_TRANS_RETIRED:LOAD_LATENCY", {"PEBS"}},
        {"hsw", "\033[2J", {"'?[2J'"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char *error = refusal(lists[i].list, lists[i].model);
        for (size_t k = 0; k < 3 && lists[i].words[k]; k++)
            if (!strstr(error, lists[i].words[k]))
                fail_msg("'%s' on %s: no '%s' in: %s", lists[i].list, lists[i].model,
                         lists[i].words[k], error);
        free(error);
    }
}

/* Whatever is encoded keeps its promises: no other bits, counted somewhere, at CPL 0. */
static void check(const char *name, const struct pmu_model *model, size_t *encoded)
{
    struct pmu_event *events;
    size_t count;
    char *error = NULL;
    if (pmu_events_encode(name, model, &events, &count, &error) < 0) {
        assert_true(error[0] != '\0');
        free(error);
        return;
    }
    ++*encoded;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].selector & ~PMU_SELECTOR_BITS, 0);
        assert_true(events[i].selector & PMU_OS);
        assert_int_equal((events[i].selector & PMU_EVENT_SELECT) == 0, events[i].counters == 0);
        assert_true(events[i].counters || events[i].fixed >= 0);
        assert_true(events[i].fixed < (int)model->fixed_counters);
        assert_int_equal(events[i].extra_value != 0, events[i].extra_msr != 0);
    }
    pmu_events_free(events, count);
}

static void every_event_of_every_model(void **state)
{
    size_t encoded = 0;
    pfm_pmu_info_t pmu;
    (void)state;
    for (size_t m = 0; m < pmu_model_count; m++) {
        size_t before = encoded;
        assert_true(pmu_model_info(&pmu_models[m], &pmu));
        for (int next = pmu.first_event; next != -1; next = pfm_get_event_next(next)) {
            pfm_event_info_t event = {.size = sizeof(event)};
            assert_int_equal(pfm_get_event_info(next, PFM_OS_NONE, &event), PFM_SUCCESS);
            for (int i = 0; i < event.nattrs; i++) {
                pfm_event_attr_info_t mask = {.size = sizeof(mask)};
                char name[256];
                pfm_get_event_attr_info(next, i, PFM_OS_NONE, &mask);
                snprintf(name, sizeof(name), "%s%s%s", event.name,
                         mask.type == PFM_ATTR_UMASK ? ":" : "",
                         mask.type == PFM_ATTR_UMASK ? mask.name : "");
                check(name, &pmu_models[m], &encoded);
            }
        }
        assert_true(encoded >= before + (size_t)pmu.nevents / 2);
    }
}

static void noise(void **state)
{
    static const char *const parts[] = {"UOPS_ISSUED", "ANY", "cycles",
                                        "hsw",         ":",   "::",
                                        ".",           ",",   "=",
                                        "k",           "u=1", "c=255",
                                        "-1",          "0x",  "\xff",
                                        " ",           "%s",  "MEM_LOAD_UOPS_RETIRED",
                                        "L1_MISS",     "t",   "99999999999999"};
    uint64_t random = 5;
    size_t encoded = 0;
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        char list[256] = "";
        for (uint32_t i = random_below(&random, 8); i > 0; i--)
            strcat(list, parts[random_below(&random, sizeof(parts) / sizeof(parts[0]))]);
        check(list, pmu_model_find("hsw"), &encoded);
    }
    assert_true(encoded > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modifiers), cmocka_unit_test(changed_events_are_not_for_fixed_counters),
        cmocka_unit_test(refused),   cmocka_unit_test(every_event_of_every_model),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
