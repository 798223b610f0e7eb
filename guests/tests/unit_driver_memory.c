/* SPDX-License-Identifier: MIT */
/* Memory that rows ask of the driver: on demand, in large pages, and with a log of writes. */
#include "jobs_fixture.h"

#include "../../core/tests/stub_entry.h"
#include "../../core/vmx/demand.h"
#include "../../core/vmx/dirty_log.h"
#include "../../core/vmx/dispatch.h"

/* A phase finds memory on demand as if nobody had been there before. */
static enum vmx_failure guest_touches(struct vcpu *vcpu)
{
    uint64_t at;

    assert_false(ept_translate(vcpu->ept, GUEST_DEMAND_BASE, &at));
    for (uint64_t page = 0; page < GUEST_DEMAND_PAGES; page++) {
        *simulated_field(VMCS_GUEST_PHYSICAL_ADDRESS) = GUEST_DEMAND_BASE + page * PAGE_SIZE;
        *simulated_field(VMCS_EXIT_QUALIFICATION) = 0x182;
        unsigned calls = simulated_pages_calls();
        assert_int_equal(exit_handlers[EXIT_REASON_EPT_VIOLATION](vcpu), EXIT_RESUME);
        assert_int_equal(simulated_pages_calls(), calls);
        assert_true(ept_translate(vcpu->ept, GUEST_DEMAND_BASE + page * PAGE_SIZE, &at));
        uint8_t *bytes = platform_at(at);
        assert_int_equal(bytes[0] | bytes[PAGE_SIZE - 1], 0);
        bytes[0] = bytes[PAGE_SIZE - 1] = 0xee;
    }
    return jobs_guest(vcpu);
}

static void memory_on_demand(void **state)
{
    (void)state;
    stub_guest = guest_touches;
    blob.rows[0].flags = ROW_DEMAND;
    plan.jobs[2].samples = GUEST_DEMAND_PAGES + 1;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    expect_job(1, RESULT_DONE, "");
    expect_job(2, RESULT_SKIPPED, "takes a fresh page a sample: at most 2048 samples");
    /* one that the map's first use owes, then one a phase */
    assert_int_equal(simulated_cpu.executed[SIMULATED_INVEPT], 2 * PHASE_COUNT);
}

/* The row's region is there for its job alone, one page of the host's behind it. */
static unsigned large_entries;
static uint64_t large_first, large_step, large_pages;

static enum vmx_failure guest_touches_large(struct vcpu *vcpu)
{
    uint64_t at, host = 0;

    if (!demand_claims(vcpu->ept->demand, large_first, 1))
        return jobs_guest(vcpu);
    large_entries++;
    assert_false(ept_translate(vcpu->ept, large_first, &at));
    for (uint64_t page = 0; page < large_pages; page++) {
        *simulated_field(VMCS_GUEST_PHYSICAL_ADDRESS) = large_first + page * large_step;
        *simulated_field(VMCS_EXIT_QUALIFICATION) = 0x181;
        assert_int_equal(exit_handlers[EXIT_REASON_EPT_VIOLATION](vcpu), EXIT_RESUME);
        assert_true(ept_translate(vcpu->ept, large_first + page * large_step, &at));
        assert_true(!page || at == host);
        host = at;
    }
    assert_false(demand_claims(vcpu->ept->demand, large_first + large_pages * large_step, 1));
    return jobs_guest(vcpu);
}

static void large_memory_on_demand(void **state)
{
    (void)state;
    stub_guest = guest_touches_large;
    const uint64_t had = cpu.capability.ept_vpid;
    cpu.capability.ept_vpid |= EPT_CAP_2M;
    large_first = GUEST_2M_BASE;
    large_step = 1ull << 21;
    large_pages = GUEST_2M_PAGES;
    large_entries = 0;
    blob.rows[0].flags = ROW_DEMAND_2M;
    plan.jobs[2].samples = GUEST_2M_PAGES + 1;
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    expect_job(1, RESULT_DONE, "");
    expect_job(2, RESULT_SKIPPED, "takes a fresh page a sample: at most 2048 samples");
    assert_int_equal(large_entries, PHASE_COUNT);
    static const struct {
        uint64_t can, cannot;
        uint32_t flags;
        const char *reason;
    } lacks[] = {
        {0, EPT_CAP_2M, ROW_DEMAND_2M, "this CPU has no EPT pages of 2 MiB"},
        {EPT_CAP_2M, EPT_CAP_1G, ROW_DEMAND_1G, "this CPU has no EPT pages of 1 GiB"},
    };
    plan.header.job_count = 1;
    for (size_t i = 0; i < COUNT_OF(lacks); i++) {
        cpu.capability.ept_vpid = (had & ~lacks[i].cannot) | lacks[i].can;
        blob.rows[0].flags = lacks[i].flags;
        memset(result_of(0), 0, sizeof(*result_of(0)));
        entry_count = 0;
        assert_null(driver_run(&driver));
        expect_job(0, RESULT_SKIPPED, lacks[i].reason);
    }
}

static unsigned logged_entries, protected_entries;

static enum vmx_failure look_at_log(struct vcpu *vcpu)
{
    uint64_t at;
    bool writable = ept_reach(vcpu->ept, GUEST_LOGGED_BASE, EPT_WRITE, &at);
    assert_int_equal(
        ept_reach(vcpu->ept, GUEST_LOGGED_BASE + GUEST_LOGGED_SIZE - 1, EPT_WRITE, &at), writable);
    assert_true(ept_reach(vcpu->ept, GUEST_LOGGED_BASE - 1, EPT_WRITE, &at));
    protected_entries += !writable;
    if (!writable) /* as the exit does; the next entry finds it protected again */
        assert_true(dirty_log_note(vcpu->ept->log, GUEST_LOGGED_BASE));
    logged_entries++;
    return jobs_guest(vcpu);
}

/* Only for the rows that want it, and afresh at each entry; no more samples than it has pages. */
static void writes_are_logged(void **state)
{
    (void)state;
    stub_guest = look_at_log;
    blob.rows[1].flags = ROW_LOGGED;
    assert_null(driver_run(&driver));
    assert_int_equal(result_of(1)->status, RESULT_DONE);
    assert_int_equal(logged_entries, ENTRIES);
    assert_int_equal(protected_entries, PHASE_COUNT);
    plan.jobs[1].samples = GUEST_DEMAND_PAGES + 1;
    plan.header.job_count = 2;
    memset(result_of(1), 0, sizeof(*result_of(1)));
    entry_count = 0;
    assert_null(driver_run(&driver));
    expect_job(1, RESULT_SKIPPED, "takes a fresh page a sample: at most 2048 samples");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        jobs_test(memory_on_demand),
        jobs_test(large_memory_on_demand),
        jobs_test(writes_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
