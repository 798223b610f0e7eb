/* SPDX-License-Identifier: MIT */
/* The driver from plan to results, with a guest of a few lines in place of a VM entry. */
#include "jobs_fixture.h"

#include "../../core/tests/stub_entry.h"
#include "../../core/vmx/exit_reason.h"

static void phase_is_whole(unsigned job, int phase, uintptr_t host_rip)
{
    const struct phase_result *p = &result_of(job)->phases[phase];
    const unsigned entry = entry_of(job, phase);
    const uint64_t offset =
        plan.jobs[job].results_offset + phase_offset(&plan.jobs[job], (enum phase)phase);
    const uint64_t samples_offset = offset + phase_packet_size(&plan.jobs[job], (enum phase)phase);
    bool probed = host_rip == (uintptr_t)vmx_exit_stamps || host_rip == (uintptr_t)vmx_exit_full;

    assert_int_equal(entries[entry].row, job == 1);
    static const uint32_t codes[] = {GUEST_CONTROL, GUEST_OP, GUEST_CONTROL, GUEST_OP, GUEST_TWICE};
    bool measured = phase == PHASE_CONTROL || phase == PHASE_OP;
    assert_int_equal(entries[entry].code, codes[phase]);
    assert_int_equal(entries[entry].samples, measured ? SAMPLES : COUNTS);
    assert_int_equal(entries[entry].rip, blob.header.entry);
    assert_int_equal(entries[entry].rsp, GUEST_STACK_TOP);
    assert_int_equal(entries[entry].cr3, GUEST_PAGE_TABLES);
    assert_int_equal(entries[entry].host_rip, host_rip);
    assert_int_equal(p->samples, entries[entry].samples);
    assert_int_equal(p->samples_offset, samples_offset);
    const struct sample *samples = (const void *)((char *)driver.results + samples_offset);
    for (uint64_t i = 0; i < p->samples; i++) {
        assert_int_equal(samples[i].start, 1000 * entry + i);
        assert_int_equal(samples[i].end, i);
    }
    assert_int_equal(p->records, probed ? 3 : 0);
    assert_int_equal(p->discarded, 0);
    assert_int_equal(p->packet_offset, probed ? offset : 0);
    if (!probed)
        return;
    const struct packet_header *packet = (const void *)((char *)driver.results + offset);
    assert_int_equal(packet->magic, PACKET_MAGIC);
    assert_int_equal(packet->job, job);
    assert_int_equal(packet->phase, phase);
    assert_int_equal(packet->content_size, 4 * 512);
}

static void a_whole_run(void **state)
{
    static const char *const paths[JOBS] = {vmx_exit_off, vmx_exit_counts, vmx_exit_stamps};
    size_t held = simulated_pages_held();
    (void)state;
    assert_null(driver_run(&driver));
    assert_int_equal(simulated_pages_held(), held);
    assert_int_equal(entry_count, ENTRIES);
    assert_int_equal(driver.results->jobs_done, JOBS);
    for (unsigned job = 0; job < JOBS; job++) {
        const struct job_result *result = result_of(job);
        assert_int_equal(result->status, RESULT_DONE);
        assert_int_equal(result->job, job);
        assert_string_equal(result->reason, "");
        assert_int_equal(result->controls.pin_based, 0x7f);
        assert_int_equal(result->controls.secondary, 0x10aa);
        assert_int_equal(result->controls.vpid, 1);
        assert_int_equal(result->controls.ept_pointer & 0xfff, 0x5e);
        for (int phase = 0; phase < PHASE_COUNT; phase++)
            phase_is_whole(job, phase,
                           (uintptr_t)(phase < PHASE_CONTROL ? vmx_exit_full : paths[job]));
    }
    assert_true(simulated_log_has("job 2/3 second/two: done\n"));
}

static void the_level_counts_leaves_sums(void **state)
{
    (void)state;
    assert_null(driver_run(&driver));
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        assert_int_equal(result_of(0)->phases[phase].totals_offset, 0);
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        uint64_t offset = result_of(1)->phases[phase].totals_offset;
        if (phase < PHASE_CONTROL) {
            assert_int_equal(offset, 0);
            continue;
        }
        const struct probe_totals *totals = (const void *)((char *)driver.results + offset);
        assert_true(offset > result_of(1)->phases[phase].samples_offset);
        assert_int_equal(totals->exits[EXIT_REASON_CPUID], 3);
    }
}

static void rounds_are_folded(void **state)
{
    const struct phase_result *op = &result_of(JOBS - 1)->phases[PHASE_OP];
    (void)state;
    assert_null(driver_run(&driver));
    assert_int_equal(result_of(0)->phases[PHASE_OP].folded_offset, 0);
    assert_int_equal(result_of(JOBS - 1)->phases[PHASE_COUNT_OP].folded_offset, 0);
    assert_true(op->folded_offset > op->samples_offset);
    const struct phase_folded *folded = (const void *)((char *)driver.results + op->folded_offset);
    assert_int_equal(folded->rounds, ROUNDS);
    assert_int_equal(folded->samples, ROUNDS * SAMPLES);
    assert_int_equal(folded->records, ROUNDS * 3);
    assert_int_equal(folded->totals.exits[EXIT_REASON_CPUID], ROUNDS * 3);
    assert_int_equal(folded->handler.count, ROUNDS * 3);
    assert_int_equal(folded->handler.buckets[2], ROUNDS * 3);
    assert_int_equal(folded->out_of_order,
                     ROUNDS * SAMPLES); /* its samples end before they start */
}

static void floor_rows_use_the_floor(void **state)
{
    (void)state;
    blob.rows[0].flags = ROW_FLOOR;
    assert_null(driver_run(&driver));
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        phase_is_whole(2, phase, (uintptr_t)(phase < 2 ? vmx_exit_full : vmx_exit_floor));
}

static void jobs_fail_one_by_one(void **state)
{
    (void)state;
    strcpy(plan.jobs[0].benchmark, "firs"); /* a prefix is not the name */
    failing_entry = 2;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_FAILED, "no such benchmark in the guest blob");
    expect_job(1, RESULT_FAILED, "the guest reported a failure");
    expect_job(2, RESULT_DONE, "");
    assert_int_equal(driver.results->jobs_done, 3);
    assert_true(simulated_log_has("guest stopped: the guest reported a failure (value 0x10d)"));
    /* the first phase of the failed job keeps what it measured */
    assert_int_equal(result_of(1)->phases[0].samples, COUNTS);
    assert_int_equal(result_of(1)->phases[1].samples, 0);
}

static void jobs_are_skipped(void **state)
{
    (void)state;
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_X2APIC;
    blob.rows[1].requires = ROW_REQUIRES_X2APIC;
    plan.policies[0].secondary.set = SECONDARY_TSC_SCALING;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_SKIPPED, "control not available on this CPU: use TSC scaling");
    expect_job(1, RESULT_SKIPPED, "this CPU has no x2APIC");
    assert_int_equal(entry_count, 0);
    assert_int_equal(driver.results->jobs_done, 3);
}

static void a_failed_entry_has_its_error(void **state)
{
    (void)state;
    stub_guest = NULL;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_FAILED, "VM entry: VMfailInvalid");
    const struct phase_result *first = &result_of(0)->phases[PHASE_COUNT_CONTROL];
    assert_int_equal(first->records, 1);
    assert_int_equal(first->samples, 0);
    const struct packet_header *packet =
        (const void *)((char *)driver.results + first->packet_offset);
    const struct record *record = (const struct record *)(packet + 1);
    assert_int_equal(packet->content_size, 2 * 512);
    assert_int_equal(record->reason, RECORD_REASON_VMFAIL);
    assert_int_equal(record->flags, RECORD_VMFAIL | RECORD_LEFT);
    assert_int_equal(result_of(0)->validity.verdict, 0);
}

/* Fails in the measured phases of the second job, which keeps sums alone. */
static enum vmx_failure fails_later(struct vcpu *vcpu)
{
    return entry_count == PHASE_COUNT + PHASE_CONTROL ? VMX_FAIL_INVALID : jobs_guest(vcpu);
}

static void a_failed_entry_is_counted(void **state)
{
    const struct phase_result *control = &result_of(1)->phases[PHASE_CONTROL];
    (void)state;
    stub_guest = fails_later;
    plan.header.job_count = 2;
    assert_null(driver_run(&driver));
    expect_job(1, RESULT_FAILED, "VM entry: VMfailInvalid");
    const struct probe_totals *totals =
        (const void *)((char *)driver.results + control->totals_offset);
    assert_int_not_equal(control->totals_offset, 0);
    assert_int_equal(control->samples_offset, 0);
    assert_int_equal(totals->exits[PROBE_REASON_VMFAIL], 1);
}

static void no_run_at_all(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "no memory for the guest",
        "no memory for the guest",
        "no memory for the EPT PML4 table",
        "no memory for the guest's EPT",
        "no memory for the guest's EPT",
        "no memory for the APIC-access page",
        "no memory for the APIC-access page",
        "no memory for the APIC-access page",
    };
    static const char *const later[] = {"no memory for the guest's memory on demand",
                                        "no memory for the log of what guests write",
                                        "no memory for the device's EPT", "no memory for the vCPU"};
    for (unsigned n = 0; n < COUNT_OF(reasons); n++) {
        simulated_pages_fail(n + 1);
        assert_string_equal(driver_run(&driver), reasons[n]);
    }
    /* the pool and its stack; an array of page tables and the five of them; four
     * tables of small pages and the log; a page table; vCPU and VMCS */
    for (unsigned n = 0; n < 17; n++) {
        simulated_pages_fail(COUNT_OF(reasons) + n + 1);
        assert_string_equal(driver_run(&driver), later[(n >= 8) + (n >= 13) + (n >= 14)]);
        simulated_pages_fail(0);
    }
    simulated_msr(IA32_VMX_EPT_VPID_CAP)->value &= ~EPT_CAP_INVEPT;
    vmx_capability_read(&cpu.capability);
    assert_string_equal(driver_run(&driver), "INVEPT is not available");
    blob.header.magic = 0;
    assert_string_equal(driver_run(&driver), "guests: not a guest blob");
    assert_int_equal(driver.results->jobs_done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        jobs_test(a_whole_run),
        jobs_test(the_level_counts_leaves_sums),
        jobs_test(rounds_are_folded),
        jobs_test(floor_rows_use_the_floor),
        jobs_test(jobs_fail_one_by_one),
        jobs_test(jobs_are_skipped),
        jobs_test(a_failed_entry_has_its_error),
        jobs_test(a_failed_entry_is_counted),
        jobs_test(no_run_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
