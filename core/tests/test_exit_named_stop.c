/* SPDX-License-Identifier: MIT */
/* Exits that return to the caller under names of their own, and the TPR threshold. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../x86/control_registers.h"

static void stops(uint32_t reason, uint64_t qualification, enum stop_cause cause, uint64_t value,
                  const char *text)
{
    assert_int_equal(exit_take(reason, qualification), EXIT_STOP);
    expect_stop(cause, value, text);
    expect_unchanged();
}

static void signals(void **state)
{
    (void)state;
    stops(EXIT_REASON_TRIPLE_FAULT, 0, STOP_TRIPLE_FAULT, 0, NULL);
    stops(EXIT_REASON_INIT_SIGNAL, 0, STOP_INIT_SIGNAL, 0, NULL);
    for (unsigned vector = 0; vector < 256; vector++)
        stops(EXIT_REASON_STARTUP_IPI, 0xabc00 | vector, STOP_STARTUP_IPI, vector, NULL);
    stops(EXIT_REASON_MONITOR_TRAP_FLAG, 0, STOP_SINGLE_STEP, EXIT_RIP, NULL);
}

/* Selector and source, SDM Vol. 3C table 28-2. */
static void task_switches(void **state)
{
    static const char *const sources[] = {"CALL", "IRET", "JMP", "task gate in the IDT"};
    (void)state;
    for (uint64_t source = 0; source < 4; source++)
        stops(EXIT_REASON_TASK_SWITCH, source << 30 | 0x3fff0000 | 0x28, STOP_TASK_SWITCH, 0x28,
              sources[source]);
}

/* The caller empties the log and runs the vCPU on: what was interrupted is injected by then. */
static void a_full_log(void **state)
{
    (void)state;
    stops(EXIT_REASON_PAGE_MODIFICATION_LOG_FULL, 0, STOP_LOG_FULL, 0, NULL);
    exit_field(VMCS_IDT_VECTORING_INFO, 0x80000b0e);
    exit_field(VMCS_IDT_VECTORING_ERROR_CODE, 7);
    assert_int_equal(exit_take(EXIT_REASON_PAGE_MODIFICATION_LOG_FULL, 0x1000), EXIT_STOP);
    expect_stop(STOP_LOG_FULL, 0, NULL);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0e);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 7);
    expect_unchanged();

    exit_field(VMCS_IDT_VECTORING_INFO, 0);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    assert_int_equal(exit_take(EXIT_REASON_PAGE_MODIFICATION_LOG_FULL, 0x1000), EXIT_STOP);
    expect_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    expect_unchanged();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(signals),
        exit_test(task_switches),
        exit_test(a_full_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
