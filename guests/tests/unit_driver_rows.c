/* SPDX-License-Identifier: MIT */
/* What rows of the blob ask of the driver: how to start, ports, a CR3 target, a second CPU. */
#include "jobs_fixture.h"

#include "../../core/tests/stub_entry.h"

static struct {
    uint64_t rip, rsp, cr3, cs_base, cr0;
} started;

static enum vmx_failure note_start(struct vcpu *vcpu)
{
    started.rip = *simulated_field(VMCS_GUEST_RIP);
    started.rsp = *simulated_field(VMCS_GUEST_RSP);
    started.cr3 = *simulated_field(VMCS_GUEST_CR3);
    started.cs_base = *simulated_field(VMCS_GUEST_CS_BASE);
    started.cr0 = *simulated_field(VMCS_CR0_SHADOW);
    return jobs_guest(vcpu);
}

static void rows_start_in_their_mode(void **state)
{
    (void)state;
    stub_guest = note_start;
    plan.header.job_count = 1;
    blob.rows[0].flags = ROW_START_REAL;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    assert_int_equal(started.rip, 0);
    assert_int_equal(started.rsp, GUEST_LOW_STACK);
    assert_int_equal(started.cs_base, GUEST_LOW_BASE);
    assert_int_equal(started.cr0, 0x10);
    assert_int_equal(result_of(0)->controls.entry & 0x200, 0);

    entry_count = 0;
    blob.rows[0].flags = ROW_START_PROTECTED;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    assert_int_equal(started.rip, blob.header.entry_protected);
    assert_int_equal(started.rsp, GUEST_STACK_TOP);
    assert_int_equal(started.cs_base, 0);
    assert_int_equal(started.cr3, 0);
    assert_int_equal(started.cr0, 0x11);

    entry_count = 0;
    plan.policies[0].secondary.clear = SECONDARY_UNRESTRICTED_GUEST;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    assert_int_equal(started.cr3, GUEST_IDENTITY_MAP);
    assert_int_equal(started.cr0, 0x11);

    entry_count = 0;
    blob.rows[0].flags = ROW_START_REAL;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_FAILED,
               "start not possible: a start in real mode takes the control \"unrestricted guest\"");
    blob.rows[0].requires = ROW_REQUIRES_UNRESTRICTED;
    memset(result_of(0), 0, sizeof(*result_of(0)));
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_SKIPPED,
               "a start in real mode takes \"unrestricted guest\", which this CPU or the policy "
               "lacks");
    assert_int_equal(entry_count, 0);
}

/* Of ports and MSRs. The policies of the three jobs are the first, the second and the first again.
 */
static void answers_are_as_each_policy_says(void **state)
{
    (void)state;
    plan.policies[1].port_emulated[0x7f] = 1;
    plan.policies[1].msr_answers[1024] = 1;
    plan.policies[1].msr_answers[2048 + 0x10 / 8] = 1;
    assert_null(driver_run(&driver));
    for (unsigned job = 0; job < JOBS; job++) {
        assert_int_equal(entries[entry_of(job, 0)].ports, job == 1);
        assert_int_equal(entries[entry_of(job, 0)].ones, job == 1);
        assert_int_equal(entries[entry_of(job, 0)].answers, job == 1);
    }
}

/* The second row alone names the device's ports: job 1. What nobody has claimed stays forwarded. */
static void ports_of_the_device_are_there_for_rows_that_name_them(void **state)
{
    (void)state;
    blob.rows[1].flags = ROW_PORTS;
    assert_null(driver_run(&driver));
    for (unsigned job = 0; job < JOBS; job++) {
        assert_int_equal(entries[entry_of(job, 0)].ports, job == 1);
        assert_false(entries[entry_of(job, 0)].ones);
    }
}

/* The second row alone asks for it: job 1, and not job 2 behind it. */
static void the_guests_cr3_is_a_target_for_rows_that_ask(void **state)
{
    (void)state;
    blob.rows[1].flags = ROW_CR3_TARGET;
    assert_null(driver_run(&driver));
    for (unsigned job = 0; job < JOBS; job++)
        assert_int_equal(entries[entry_of(job, 0)].cr3_targets, job == 1);
    assert_int_equal(entries[entry_of(1, 0)].cr3_target, entries[entry_of(1, 0)].cr3);
}

/* The first and the last job's row takes two CPUs. */
static void give_two_cpus(uint32_t asked, uint32_t there)
{
    plan.header.cpus = asked;
    driver.cpus = there;
    blob.rows[0].requires = ROW_REQUIRES_TWO_CPUS;
}

static void two_cpus(void **state)
{
    (void)state;
    give_two_cpus(2, 2);
    assert_null(driver_run(&driver));
    for (unsigned job = 0; job < JOBS; job++)
        expect_job(job, RESULT_DONE, "");
    assert_int_equal(other_count, PHASE_COUNT + PHASE_COUNT + 2 * (ROUNDS - 1));
    assert_int_equal(entry_count, ENTRIES);
    assert_false(simulated_host.apic_is_guests);
}

static void one_cpu_of_two(void **state)
{
    (void)state;
    give_two_cpus(1, 1);
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_SKIPPED, "one CPU only; run with --cpus 2");
    expect_job(1, RESULT_DONE, "");
    give_two_cpus(2, 1);
    memset(result_of(0), 0, sizeof(*result_of(0)));
    entry_count = 0;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_SKIPPED, "this machine has one CPU only");
    assert_int_equal(other_count, 0);
}

/* The first is told to stop, and the next job knows nothing of that. */
static void the_second_cpu_fails(void **state)
{
    (void)state;
    give_two_cpus(2, 2);
    other_fails = true;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_FAILED, "second CPU: the guest reported a failure");
    expect_job(1, RESULT_DONE, "");
    expect_job(2, RESULT_FAILED, "second CPU: the guest reported a failure");
    assert_int_equal(other_count, 2);
    assert_true(simulated_log_has("guest stopped: the guest reported a failure (value 0x77)"));
}

/* And the second, if the first fails. */
static void the_first_of_two_fails(void **state)
{
    (void)state;
    give_two_cpus(2, 2);
    failing_entry = 1;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_FAILED, "the guest reported a failure");
    expect_job(1, RESULT_DONE, "");
    expect_job(2, RESULT_DONE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        jobs_test(rows_start_in_their_mode),
        jobs_test(answers_are_as_each_policy_says),
        jobs_test(ports_of_the_device_are_there_for_rows_that_name_them),
        jobs_test(the_guests_cr3_is_a_target_for_rows_that_ask),
        jobs_test(two_cpus),
        jobs_test(one_cpu_of_two),
        jobs_test(the_second_cpu_fails),
        jobs_test(the_first_of_two_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
