/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../pmu_model.h"
#include "../target.h"

#include <string.h>

static void open_library(void)
{
    char *error;
    assert_true(pmu_library_open(&error));
}

static const char *model_of(uint32_t signature)
{
    const struct pmu_model *model = pmu_model_of_signature(signature);
    return model ? model->name : "none";
}

static void signatures(void **state)
{
    static const struct {
        uint32_t signature;
        const char *model;
    } cpus[] = {
        {0x000106a5, "nhm"},    /* Core i7-920 */
        {0x000206d7, "snb_ep"}, /* Xeon E5-2670 */
        {0x000306f2, "hsw_ep"}, /* Xeon E5-2680 v3 */
        {0x00050654, "skx"},    /* Xeon Gold 6148: stepping 4 */
        {0x00050657, "clx"},    /* Xeon Gold 6248: stepping 7 */
        {0x000906ea, "skl"},    /* Core i7-8700 */
        {0x000606a6, "icx"},    /* Xeon Platinum 8380 */
        {0x000806f8, "spr"},    /* Xeon Platinum 8480+ */
        {0x000c06f2, "spr"},    /* Xeon Platinum 8592+ */
        {0x000506e3, "skl"},    /* Core i7-6700 */
        {0x000706a1, "glm"},    /* Celeron J4105 */
        {0x00090672, "none"},   /* Core i9-12900K: a hybrid, which libpfm does not know */
        {0x00030fc3, "none"},   /* family 15, with the model number of Haswell */
        {0x00a20f10, "none"},   /* Ryzen 9 5950X: family 25 */
        {0x00000663, "none"},   /* family 6, model 6 without the extended model that makes 06_66H */
        {0, "none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++)
        assert_string_equal(model_of(cpus[i].signature), cpus[i].model);
}

/* Reserved bits and the processor type say nothing of the model. */
static void other_bits_of_a_signature(void **state)
{
    (void)state;
    assert_string_equal(model_of(0xf00306c3), "hsw");
    assert_string_equal(model_of(0x000306c3 | 3u << 12), "hsw");
    assert_string_equal(model_of(0x0ff306c3), "hsw");
}

/* The signatures of the CPUs that Bochs' models are made after. */
static void models_of_bochs(void **state)
{
    static const struct {
        const char *cpu;
        uint32_t signature;
    } cpus[] = {
        {"corei7_haswell_4770", 0x000306c3},
        {"corei7_ivy_bridge_3770k", 0x000306a9},
        {"corei7_sandy_bridge_2600k", 0x000206a7},
        {"broadwell_ult", 0x000306d4},
        {"corei7_skylake_x", 0x00050654},
        {"corei7_icelake_u", 0x000706e5},
        {"corei3_cnl", 0x00060663},
        {"tigerlake", 0x000806c1},
        {"corei5_arrandale_m520", 0x00020655},
        {"corei5_lynnfield_750", 0x000106e5},
        {"core2_penryn_t9600", 0x0001067a},
    };
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
        const char *name = target_pmu_model(&target_bochs, cpus[i].cpu);
        assert_string_equal(name ? name : "none", model_of(cpus[i].signature));
    }
    assert_null(target_pmu_model(&target_bochs, "bx_generic"));
    assert_null(target_pmu_model(&target_bochs, "486"));
    while (target_bochs.cpu_models[count])
        count++;
    assert_int_equal(count, sizeof(cpus) / sizeof(cpus[0]) + 1);
    assert_string_equal(target_pmu_model(targets[0], targets[0]->cpu_models[0]), "hsw");
}

static void libpfm_has_every_model(void **state)
{
    pfm_pmu_info_t info;
    (void)state;
    open_library();
    for (size_t i = 0; i < pmu_model_count; i++) {
        assert_true(pmu_model_info(&pmu_models[i], &info));
        assert_string_equal(info.name, pmu_models[i].name);
        assert_true(info.nevents > 0);
        assert_int_equal(info.num_fixed_cntrs, pmu_models[i].fixed_counters);
        assert_true((unsigned)info.num_cntrs >= pmu_models[i].general_counters);
        assert_ptr_equal(pmu_model_find(info.name), &pmu_models[i]);
    }
    assert_null(pmu_model_find("ix86arch"));
    assert_false(pmu_model_info(&(struct pmu_model){.name = "p7"}, &info));
}

static void counters_of_events(void **state)
{
    static const struct pmu_restriction rows[] = {
        {0x10, 0x10, 0x01, 0x2}, {0x10, 0x20, -1, 0xc}, {0, 0, 0, 0}};
    (void)state;
    assert_int_equal(pmu_counters(rows, 0x0110), 0x2);
    assert_int_equal(pmu_counters(rows, 0xff020110), 0x2); /* other bits do not matter */
    assert_int_equal(pmu_counters(rows, 0x0210), 0xc);
    assert_int_equal(pmu_counters(rows, 0x0120), 0xc);
    assert_int_equal(pmu_counters(rows, 0x0121), PMU_ANY_COUNTER);
    assert_int_equal(pmu_counters(rows, 0x010f), PMU_ANY_COUNTER);
    assert_int_equal(pmu_counters(NULL, 0x0110), PMU_ANY_COUNTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures),         cmocka_unit_test(other_bits_of_a_signature),
        cmocka_unit_test(models_of_bochs),    cmocka_unit_test(libpfm_has_every_model),
        cmocka_unit_test(counters_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
