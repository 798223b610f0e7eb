/* SPDX-License-Identifier: MIT */
/* Jobs in VMX root operation, of which RDTSC runs here as it does there. */
#include "../image/root_operation.h"

#include "../../core/tests/stub_entry.h"
#include "../../core/x86/msr.h"
#include "driver_fixture.h"

#define SAMPLES 20u
#define COUNTS  5u
#define ROUNDS  3u

static struct {
    struct plan_header header;
    struct plan_policy policy;
    struct plan_job job;
} plan;
static struct probe_cpu probes;

static enum vmx_failure no_guest(struct vcpu *vcpu)
{
    (void)vcpu;
    fail_msg("a guest was entered");
    return VMX_SUCCEED;
}

static int make(void **state)
{
    simulated_cpu_setup(state);
    memset(&plan, 0, sizeof(plan));
    strcpy(plan.policy.name, "none of its business");
    plan.policy.secondary.set = ~0u; /* which no CPU can do */
    plan.header = (struct plan_header){.policy_count = 1, .job_count = 1};
    plan.job = (struct plan_job){.samples = SAMPLES,
                                 .count_samples = COUNTS,
                                 .exits_room = 2,
                                 .rounds = 1,
                                 .results_offset = RESULTS_HEADER_ROOM};
    stub_guest = no_guest;
    return driver_begin(&plan.header, &probes);
}

static const struct job_result *run(const char *name)
{
    struct job_result *result = driver_result(&plan.job);
    const size_t at = sizeof(blob.text) - 17;

    fixture_blob_make(&blob);
    assert_in_range(strlen(name), 1, 16);
    strcpy(blob.text + at, name);
    blob.rows[1].name = GUEST_BLOB_BASE + offsetof(struct fixture_blob, text) + at;
    blob.rows[1].flags = ROW_ROOT;
    strcpy(plan.job.benchmark, name);
    memset(result, 0, sizeof(*result));
    assert_null(driver_run(&driver));
    return result;
}

/* In all phases, one after the other in time; nothing is recorded, no policy put in force. */
static void samples_are_taken(void **state)
{
    const struct job_result *result = run("root/rdtsc");
    uint64_t last = 0;
    (void)state;
    assert_string_equal(result->reason, "");
    assert_int_equal(result->status, RESULT_DONE);
    for (int i = 0; i < PHASE_COUNT; i++) {
        const struct phase_result *phase = &result->phases[i];
        const struct phase_places at = phase_places(&plan.job, (enum phase)i);
        const struct sample *samples = (void *)((char *)driver.results + at.samples);
        assert_int_equal(phase->samples, i == PHASE_CONTROL || i == PHASE_OP ? SAMPLES : COUNTS);
        assert_int_equal(phase->samples_offset, at.samples);
        assert_int_equal(phase->records + phase->discarded, 0);
        assert_int_equal(phase->packet_offset | phase->totals_offset | phase->folded_offset, 0);
        for (uint32_t n = 0; n < phase->samples; n++) {
            assert_true(samples[n].start > last && samples[n].end > samples[n].start);
            last = samples[n].end;
        }
        assert_int_equal(samples[phase->samples].start, 0);
    }
}

static void rounds_are_folded(void **state)
{
    (void)state;
    plan.job.rounds = ROUNDS;
    const struct job_result *result = run("root/rdtsc");
    const struct phase_places at = phase_places(&plan.job, PHASE_OP);
    const struct phase_folded *folded = (void *)((char *)driver.results + at.folded);
    assert_int_equal(result->phases[PHASE_OP].folded_offset, at.folded);
    assert_int_equal(folded->rounds, ROUNDS);
    assert_int_equal(folded->samples, ROUNDS * SAMPLES);
    assert_int_equal(folded->round_trip.count, ROUNDS * SAMPLES);
    assert_int_equal(folded->out_of_order + folded->records, 0);
}

static void what_the_cpu_lacks_is_skipped(void **state)
{
    static const struct {
        const char *name;
        uint64_t bit;
        const char *reason;
    } lacks[] = {
        {"root/invept_all", EPT_CAP_INVEPT_ALL, "this CPU has no global INVEPT"},
        {"root/invvpid_all", 1ull << 42, "this CPU has no all-context INVVPID"},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(lacks); i++) {
        uint64_t all = cpu.capability.ept_vpid;
        cpu.capability.ept_vpid &= ~lacks[i].bit;
        const struct job_result *result = run(lacks[i].name);
        cpu.capability.ept_vpid = all;
        assert_int_equal(result->status, RESULT_SKIPPED);
        assert_string_equal(result->reason, lacks[i].reason);
    }
    cpu.capability.xcr0 = 0;
    assert_string_equal(run("root/xsetbv")->reason, "this CPU has no XSAVE, and so no XCR0");
}

static void what_the_image_does_not_know_fails(void **state)
{
    (void)state;
    const struct job_result *result = run("root/rdts");
    assert_int_equal(result->status, RESULT_FAILED);
    assert_string_equal(result->reason, "no such root operation in the image");
}

/* Each need is of some capability: with all of them nothing lacks, without all it does. */
static void every_need_is_known(void **state)
{
    struct vmx_capability all = {.ept_vpid = UINT64_MAX, .xcr0 = 3}, none = {0};
    unsigned free = 0;
    (void)state;
    assert_true(root_operation_count > 20);
    for (unsigned i = 0; i < root_operation_count; i++) {
        const struct root_operation *operation = &root_operations[i];
        assert_ptr_equal(root_operation_find(operation->name), operation);
        if (operation->needs == NEEDS_RDPMC || operation->needs == NEEDS_RDTSCP)
            continue;
        assert_null(root_operation_lacks(operation, &all));
        if (operation->needs == NEEDS_NOTHING)
            free++;
        else
            assert_non_null(root_operation_lacks(operation, &none));
    }
    assert_in_range(free, 10, root_operation_count - 7);
}

/* Three VMCSs, of which the vCPU's is current again at the end; and none is left behind. */
static void operands(void **state)
{
    struct root_operands with;
    struct ept ept = {.pointer = 0x1005e};
    struct vcpu *vcpu = vcpu_create(&cpu.capability, &ept);
    (void)state;
    assert_null(vcpu_bind(vcpu));
    assert_true(root_operands_make(&with, vcpu, &ept));
    assert_int_equal(with.vmcs[0], vcpu->vmcs.physical);
    assert_int_not_equal(with.vmcs[0], with.vmcs[1]);
    assert_int_not_equal(with.inactive_vmcs, with.vmcs[1]);
    assert_int_equal(with.ept.selector, 0x1005e);
    assert_int_equal(with.vpid.selector, vcpu->vpid);
    x86_vmptrld(with.vmcs[1]);
    assert_true(root_operands_end(&with, vcpu));
    size_t held = simulated_pages_held();
    vmwrite(VMCS_GUEST_RIP, 0x1234);
    assert_int_equal(vmread(VMCS_GUEST_RIP), 0x1234);
    for (unsigned n = 1; n <= 2; n++) {
        simulated_pages_fail(n);
        assert_false(root_operands_make(&with, vcpu, &ept));
        simulated_pages_fail(0);
        assert_int_equal(simulated_pages_held(), held);
    }
    vcpu_destroy(vcpu);
}

#define root_test(function) cmocka_unit_test_setup_teardown(function, make, driver_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        root_test(samples_are_taken),
        root_test(rounds_are_folded),
        root_test(what_the_cpu_lacks_is_skipped),
        root_test(what_the_image_does_not_know_fails),
        root_test(every_need_is_known),
        root_test(operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
