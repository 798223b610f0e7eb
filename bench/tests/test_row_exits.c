/* SPDX-License-Identifier: MIT */
/* Which exits a row takes under a policy. */
#include "policy_fixture.h"

#include "../row_exits.h"

static const struct controls_in_force controls = {
    .pin_based = 1u << 3, .primary = 1u << 7, .secondary = 1u << 1};

static void predictions(void **unused)
{
    struct policy policy;
    (void)unused;
    compile("default msr passthrough\ndefault io passthrough\nintercept msr 0x10 r\n"
            "intercept io 0x82\nintercept io 0x8000\nintercept exception bp\n"
            "intercept cr0 3\nintercept cr4 7",
            &policy);
    const struct row_exit cases[][2] = {
        /* taken, not taken */
        {{.gate = GATE_ALWAYS}, {.gate = GATE_MSR_WRITE, .index = 0x10}},
        {{.gate = GATE_MSR_READ, .index = 0x10}, {.gate = GATE_MSR_READ, .index = 0x11}},
        {{.gate = GATE_MSR_WRITE, .index = 0x4000}, /* has no bit */
         {.gate = GATE_MSR_WRITE, .index = 0x1fff}},
        {{.gate = GATE_MSR_READ, .index = 0xc0002000},
         {.gate = GATE_MSR_READ, .index = 0xc0001fff}},
        {{.gate = GATE_IO, .index = 0x82, .width = 1},
         {.gate = GATE_IO, .index = 0x80, .width = 2}},
        {{.gate = GATE_IO, .index = 0x80, .width = 4}, /* touches 0x82 */
         {.gate = GATE_IO, .index = 0x7ffe, .width = 2}},
        {{.gate = GATE_IO, .index = 0x7fff, .width = 2}, /* across the bitmaps */
         {.gate = GATE_IO, .index = 0xfffe, .width = 2}},
        {{.gate = GATE_IO, .index = 0xffff, .width = 2}, /* wraps */
         {.gate = GATE_IO, .index = 0x8001, .width = 2}},
        {{.gate = GATE_EXCEPTION, .index = 3}, {.gate = GATE_EXCEPTION, .index = 6}},
        {{.gate = GATE_CR0, .index = 1u << 3}, {.gate = GATE_CR0, .index = 1u << 7}},
        {{.gate = GATE_CR4, .index = 1u << 7}, {.gate = GATE_CR4, .index = 1u << 3}},
        {{.when_on = {PRIMARY_CONTROL_HLT_EXITING}}, {.when_on = {PRIMARY_CONTROL_MOV_DR_EXITING}}},
        {{.when_on = {PIN_BASED_CONTROL_NMI_EXITING, SECONDARY_CONTROL_EPT}},
         {.when_on = {PIN_BASED_CONTROL_NMI_EXITING, SECONDARY_CONTROL_VPID}}},
        {{.when_off = {SECONDARY_CONTROL_VPID}}, {.when_off = {PRIMARY_CONTROL_HLT_EXITING}}},
        {{.when_on = {SECONDARY_CONTROL_EPT}, .when_off = {SECONDARY_CONTROL_VPID}},
         {.when_on = {SECONDARY_CONTROL_EPT}, .gate = GATE_EXCEPTION, .index = 6}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int not_taken = 0; not_taken < 2; not_taken++)
            if (row_exit_taken(&cases[i][not_taken], &policy.plan, &controls) != !not_taken)
                fail_msg("case %zu, %s", i, not_taken ? "not taken" : "taken");
}

static void what_an_operation_takes(void **unused)
{
    struct policy policy;
    const struct blob_row row = {
        .exits = {{.reason = 32, .times = 2, .gate = GATE_MSR_WRITE, .index = 0x10},
                  {.reason = 12, .times = 1, .when_on = {PRIMARY_CONTROL_HLT_EXITING}},
                  {.reason = 32, .times = 3}}};
    (void)unused;
    compile("default msr passthrough", &policy);
    assert_int_equal(row_exits(&row, &policy.plan, &controls), 4);
    assert_int_equal(row_exits_of(&row, 32, &policy.plan, &controls), 3);
    assert_int_equal(row_exits_of(&row, 12, &policy.plan, &controls), 1);
    assert_int_equal(row_exits_of(&row, 10, &policy.plan, &controls), 0);
    assert_int_equal(row_exits_most(&row), 6);
    assert_true(row_expects(&row, 12) && !row_expects(&row, 1));
    assert_string_equal(row_control_name(PRIMARY_CONTROL_HLT_EXITING), "HLT exiting");
    assert_null(row_control_name(ROW_CONTROL_NONE));
    assert_null(row_control_name(ROW_CONTROLS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions),
        cmocka_unit_test(what_an_operation_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
