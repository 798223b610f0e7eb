/* SPDX-License-Identifier: MIT */
/*
 * Selectors against Intel's published event lists, by model. The expected codes are theirs.
 */
#include "tests.h"

#include "../pmu_correction.h"
#include "../pmu_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXED(counter) .fixed = (counter) + 1 /* so that 0 means none */

struct expected {
    const char *model, *event;
    uint32_t code;     /* event select, unit mask << 8, edge, invert, any-thread, counter mask */
    int fixed;         /* FIXED() */
    uint32_t counters; /* 0: any, or none if code is 0 */
    uint32_t extra_msr;
    uint64_t extra_value;
};

static const struct expected expected[] = {
    /* Haswell */
    {"hsw", "INST_RETIRED.ANY_P", .code = 0x00c0, FIXED(0)},
    {"hsw", "CPU_CLK_UNHALTED.THREAD_P", .code = 0x003c, FIXED(1)},
    {"hsw", "UNHALTED_REFERENCE_CYCLES", FIXED(2)}, /* CPU_CLK_UNHALTED.REF_TSC */
    {"hsw", "CPU_CLK_UNHALTED.REF_XCLK", .code = 0x013c},
    {"hsw", "LONGEST_LAT_CACHE.MISS", .code = 0x412e},
    {"hsw", "LONGEST_LAT_CACHE.REFERENCE", .code = 0x4f2e},
    {"hsw", "BR_INST_RETIRED.ALL_BRANCHES", .code = 0x00c4},
    {"hsw", "BR_MISP_RETIRED.ALL_BRANCHES", .code = 0x00c5},
    {"hsw", "UOPS_ISSUED.ANY", .code = 0x010e, .counters = 0xf},
    {"hsw", "DTLB_LOAD_MISSES.WALK_COMPLETED", .code = 0x0e08},
    {"hsw", "ITLB_MISSES.WALK_COMPLETED", .code = 0x0e85},
    {"hsw", "MEM_LOAD_UOPS_RETIRED.L1_MISS", .code = 0x08d1, .counters = 0xf},
    {"hsw", "MEM_LOAD_UOPS_RETIRED.L3_HIT", .code = 0x04d1, .counters = 0xf},
    {"hsw", "IDQ_UOPS_NOT_DELIVERED.CORE", .code = 0x019c, .counters = 0xf},
    {"hsw", "L1D_PEND_MISS.PENDING", .code = 0x0148, .counters = 0x4},
    {"hsw", "INST_RETIRED.PREC_DIST", .code = 0x01c0, .counters = 0x2},
    {"hsw", "EPT.WALK_CYCLES", .code = 0x104f},
    {"hsw", "TLB_FLUSH.DTLB_THREAD", .code = 0x01bd},
    {"hsw", "MACHINE_CLEARS.COUNT", .code = 0x010401c3},
    {"hsw", "L2_RQSTS.MISS", .code = 0x3f24},
    {"hsw", "L2_RQSTS.DEMAND_DATA_RD_HIT", .code = 0xc124},
    {"hsw", "UOPS_RETIRED.RETIRE_SLOTS", .code = 0x02c2},
    {"hsw", "OFFCORE_RESPONSE_1.DMND_DATA_RD.ANY_RESPONSE", .code = 0x01bb, .counters = 0xf,
     .extra_msr = 0x1a7, .extra_value = 0x10001},
    /* Skylake-X */
    {"skx", "INST_RETIRED.ANY_P", .code = 0x00c0, FIXED(0)},
    {"skx", "CPU_CLK_UNHALTED.THREAD_P", .code = 0x003c, FIXED(1)},
    {"skx", "UNHALTED_REFERENCE_CYCLES", FIXED(2)},
    {"skx", "LONGEST_LAT_CACHE.MISS", .code = 0x412e},
    {"skx", "LONGEST_LAT_CACHE.REFERENCE", .code = 0x4f2e},
    {"skx", "BR_INST_RETIRED.ALL_BRANCHES", .code = 0x00c4},
    {"skx", "BR_MISP_RETIRED.ALL_BRANCHES", .code = 0x00c5},
    {"skx", "UOPS_ISSUED.ANY", .code = 0x010e},
    {"skx", "DTLB_LOAD_MISSES.WALK_COMPLETED", .code = 0x0e08},
    {"skx", "ITLB_MISSES.WALK_COMPLETED", .code = 0x0e85},
    {"skx", "MEM_LOAD_RETIRED.L1_MISS", .code = 0x08d1, .counters = 0xf},
    {"skx", "IDQ_UOPS_NOT_DELIVERED.CORE", .code = 0x019c},
    {"skx", "CYCLE_ACTIVITY.STALLS_TOTAL", .code = 0x040004a3},
    {"skx", "EPT.WALK_PENDING", .code = 0x104f},
    {"skx", "INST_RETIRED.PREC_DIST", .code = 0x01c0, .counters = 0x2},
    {"skx", "ARITH.DIVIDER_ACTIVE", .code = 0x01000114},
    {"skx", "FRONTEND_RETIRED.L1I_MISS", .code = 0x01c6, .counters = 0xf, .extra_msr = 0x3f7,
     .extra_value = 0x12},
    /* Ice Lake-X */
    {"icx", "INST_RETIRED.ANY", FIXED(0)},
    {"icx", "INST_RETIRED.PREC_DIST", FIXED(0)},
    {"icx", "INST_RETIRED.ANY_P", .code = 0x00c0, FIXED(0)},
    {"icx", "CPU_CLK_UNHALTED.THREAD_P", .code = 0x003c, FIXED(1)},
    {"icx", "CPU_CLK_UNHALTED.REF_TSC", FIXED(2)},
    {"icx", "CPU_CLK_UNHALTED.REF_XCLK", .code = 0x013c},
    {"icx", "TOPDOWN.SLOTS", FIXED(3)},
    {"icx", "TOPDOWN.SLOTS_P", .code = 0x01a4, FIXED(3)},
    {"icx", "TOPDOWN.BACKEND_BOUND_SLOTS", .code = 0x02a4},
    {"icx", "TOPDOWN.BR_MISPREDICT_SLOTS", .code = 0x08a4},
    {"icx", "LONGEST_LAT_CACHE.MISS", .code = 0x412e},
    {"icx", "BR_INST_RETIRED.ALL_BRANCHES", .code = 0x00c4},
    {"icx", "BR_MISP_RETIRED.ALL_BRANCHES", .code = 0x00c5},
    {"icx", "UOPS_ISSUED.ANY", .code = 0x010e},
    {"icx", "UOPS_RETIRED.SLOTS", .code = 0x02c2},
    {"icx", "DTLB_LOAD_MISSES.WALK_COMPLETED", .code = 0x0e08, .counters = 0xf},
    {"icx", "ITLB_MISSES.WALK_COMPLETED", .code = 0x0e85, .counters = 0xf},
    {"icx", "MEM_LOAD_RETIRED.L1_MISS", .code = 0x08d1, .counters = 0xf},
    {"icx", "IDQ_UOPS_NOT_DELIVERED.CORE", .code = 0x019c},
    {"icx", "CYCLE_ACTIVITY.STALLS_TOTAL", .code = 0x040004a3, .counters = 0xff},
    {"icx", "CYCLE_ACTIVITY.CYCLES_L1D_MISS", .code = 0x080008a3, .counters = 0xf},
    {"icx", "ARITH.DIVIDER_ACTIVE", .code = 0x01000914},
    {"icx", "MEM_LOAD_MISC_RETIRED.UC", .code = 0x04d4, .counters = 0xf},
    {"icx", "UOPS_EXECUTED.STALL_CYCLES", .code = 0x018001b1},
    /* Sapphire Rapids */
    {"spr", "INST_RETIRED.ANY", FIXED(0)},
    {"spr", "INST_RETIRED.PREC_DIST", FIXED(0)},
    {"spr", "INST_RETIRED.ANY_P", .code = 0x00c0, FIXED(0)},
    {"spr", "CPU_CLK_UNHALTED.THREAD", FIXED(1)},
    {"spr", "CPU_CLK_UNHALTED.THREAD_P", .code = 0x003c, FIXED(1), .counters = 0xff},
    {"spr", "CPU_CLK_UNHALTED.REF_TSC", FIXED(2)},
    {"spr", "TOPDOWN.SLOTS", FIXED(3)},
    {"spr", "TOPDOWN.BACKEND_BOUND_SLOTS", .code = 0x02a4},
    {"spr", "TOPDOWN.BAD_SPEC_SLOTS", .code = 0x04a4, .counters = 0x1},
    {"spr", "TOPDOWN.BR_MISPREDICT_SLOTS", .code = 0x08a4, .counters = 0x1},
    {"spr", "TOPDOWN.MEMORY_BOUND_SLOTS", .code = 0x10a4},
    {"spr", "LONGEST_LAT_CACHE.MISS", .code = 0x412e, .counters = 0xff},
    {"spr", "LONGEST_LAT_CACHE.REFERENCE", .code = 0x4f2e, .counters = 0xff},
    {"spr", "BR_INST_RETIRED.ALL_BRANCHES", .code = 0x00c4},
    {"spr", "BR_MISP_RETIRED.ALL_BRANCHES", .code = 0x00c5},
    {"spr", "UOPS_ISSUED.ANY", .code = 0x01ae},
    {"spr", "INT_MISC.RECOVERY_CYCLES", .code = 0x01ad},
    {"spr", "DTLB_LOAD_MISSES.WALK_COMPLETED", .code = 0x0e12, .counters = 0xf},
    {"spr", "ITLB_MISSES.WALK_COMPLETED", .code = 0x0e11, .counters = 0xf},
    {"spr", "MEM_LOAD_RETIRED.L1_MISS", .code = 0x08d1, .counters = 0xf},
    {"spr", "IDQ_UOPS_NOT_DELIVERED.CORE", .code = 0x019c},
    {"spr", "ARITH.DIV_ACTIVE", .code = 0x010009b0},
    {"spr", "UOPS_RETIRED.MS", .code = 0x04c2, .extra_msr = 0x3f7, .extra_value = 0x8},
    {"spr", "INT_MISC.UNKNOWN_BRANCH_CYCLES", .code = 0x40ad, .extra_msr = 0x3f7,
     .extra_value = 0x7},
    {"spr", "EXE.AMX_BUSY", .code = 0x02b7},
    /* One of each other row that sets libpfm right */
    {"snb", "BR_INST_RETIRED.ALL_BRANCHES", .code = 0x00c4},
    {"snb_ep", "BR_MISP_RETIRED.ALL_BRANCHES", .code = 0x00c5},
    {"ivb", "MOVE_ELIMINATION.INT_ELIMINATED", .code = 0x0158},
    {"ivb_ep", "MOVE_ELIMINATION.INT_NOT_ELIMINATED", .code = 0x0458},
    {"ivb_ep", "MEM_LOAD_UOPS_LLC_MISS_RETIRED.LOCAL_DRAM", .code = 0x03d3, .counters = 0xf},
    {"bdw", "L2_RQSTS.RFO_HIT", .code = 0xc224},
    {"bdw_ep", "L2_RQSTS.CODE_RD_HIT", .code = 0xc424},
    {"hsw_ep", "L2_RQSTS.L2_PF_HIT", .code = 0xd024},
    {"hsw", "L2_RQSTS.L2_PF_MISS", .code = 0x3024},
    {"nhm", "MACRO_INSTS.FUSIONS_DECODED", .code = 0x01a6},
    {"glm", "CPU_CLK_UNHALTED.CORE", FIXED(1)},
    {"glm", "CPU_CLK_UNHALTED.CORE_P", .code = 0x003c, FIXED(1)},
    {"glm", "CPU_CLK_UNHALTED.REF", .code = 0x013c},
    {"spr", "MEM_TRANS_RETIRED.STORE_SAMPLE", .code = 0x02cd, .counters = 0x1},
    {"spr", "ARITH.IDIV_ACTIVE", .code = 0x010008b0},
};

static void encode(const char *list, const char *model, struct pmu_event **events, size_t *count)
{
    char *error = NULL;
    if (pmu_events_encode(list, pmu_model_find(model), events, count, &error) < 0)
        fail_msg("%s on %s: %s", list, model, error);
}

static void intels_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct expected *row = &expected[i];
        struct pmu_event *event;
        size_t count;
        uint32_t counters = row->counters || !row->code ? row->counters : PMU_ANY_COUNTER;
        encode(row->event, row->model, &event, &count);
        assert_int_equal(count, 1);
        if (event->selector != (row->code | PMU_OS) || event->fixed != row->fixed - 1 ||
            event->counters != counters || event->extra_msr != row->extra_msr ||
            event->extra_value != row->extra_value)
            fail_msg("%s on %s: selector 0x%llx, fixed %d, counters 0x%x, MSR 0x%x = 0x%llx",
                     row->event, row->model, (unsigned long long)event->selector, event->fixed,
                     event->counters, event->extra_msr, (unsigned long long)event->extra_value);
        assert_string_equal(event->name, row->event);
        pmu_events_free(event, count);
    }
}

/* Generic names are the architectural events, with the same code on every model. */
static void generic_names(void **state)
{
    static const struct {
        const char *name;
        uint32_t code;
        int fixed;
    } generic[] = {
        {"instructions", 0x00c0, 0},      {"cycles", 0x003c, 1},
        {"cpu-cycles", 0x003c, 1},        {"ref-cycles", 0, 2},
        {"cache-references", 0x4f2e, -1}, {"LLC_REFERENCES", 0x4f2e, -1},
        {"cache-misses", 0x412e, -1},     {"LLC_MISSES", 0x412e, -1},
        {"branches", 0x00c4, -1},         {"branch-instructions", 0x00c4, -1},
        {"branch-misses", 0x00c5, -1},    {"Instructions", 0x00c0, 0},
    };
    (void)state;
    for (size_t m = 0; m < pmu_model_count; m++)
        for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++) {
            struct pmu_event *event;
            size_t count;
            encode(generic[i].name, pmu_models[m].name, &event, &count);
            assert_int_equal(event->selector, generic[i].code | PMU_OS);
            assert_int_equal(event->fixed, generic[i].fixed);
            assert_int_equal(event->counters != 0, generic[i].code != 0);
            pmu_events_free(event, count);
        }
}

static void corrections_are_for_one_event_of_one_model(void **state)
{
    (void)state;
    assert_non_null(pmu_correction_find("icx", "TOPDOWN:BACKEND_BOUND_SLOTS:k=1:u=0"));
    assert_null(pmu_correction_find("icx", "TOPDOWN:BACKEND_BOUND_SLOTS_2:k=1:u=0"));
    assert_null(pmu_correction_find("icx", "TOPDOWN:BACKEND_BOUND_SLOTS:SLOTS_P:k=1:u=0"));
    assert_null(pmu_correction_find("icx", "TOPDOWN:SLOTS_P:k=1:u=0"));
    assert_null(pmu_correction_find("skx", "TOPDOWN:BACKEND_BOUND_SLOTS:k=1:u=0"));
    assert_null(pmu_correction_find("ic", "TOPDOWN:BACKEND_BOUND_SLOTS:k=1:u=0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intels_lists),
        cmocka_unit_test(generic_names),
        cmocka_unit_test(corrections_are_for_one_event_of_one_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
