/* SPDX-License-Identifier: MIT */
/* The driver with the CPU's own stamp and performance counters, on a simulated CPU with a PMU. */
#include "../../core/tests/stub_entry.h"
#include "../../core/vmx/dispatch.h"
#include "../../core/x86/msr.h"
#include "driver_fixture.h"

#define JOBS    2u
#define RECORDS 3u

#define INSTRUCTIONS 0x200c0
#define BRANCHES     0x200c4
#define OFFCORE      0x201b7

static struct {
    struct plan_header header;
    struct plan_policy policy;
    struct plan_group groups[1];
    struct plan_job jobs[JOBS];
} plan;
static struct probe_cpu probes;

/* As each phase was entered. */
static struct {
    uint64_t host_rip, host_counters, guest_counters, stores, global, offcore;
    bool apart;
    uint32_t host_events[PROBE_EVENTS], guest_events[PROBE_EVENTS];
} entries[JOBS * PHASE_COUNT];
static unsigned entry_count;

static uint64_t msr(uint32_t index)
{
    return simulated_msr(index) ? simulated_msr(index)->value : 0;
}

static enum vmx_failure guest_entered(struct vcpu *vcpu)
{
    uint64_t at;

    assert_in_range(entry_count, 0, COUNT_OF(entries) - 1);
    entries[entry_count].host_rip = *simulated_field(VMCS_HOST_RIP);
    entries[entry_count].apart = *simulated_field(VMCS_EXIT_CONTROLS) >> 12 & 1 &&
                                 *simulated_field(VMCS_ENTRY_CONTROLS) >> 13 & 1;
    entries[entry_count].host_counters = *simulated_field(VMCS_HOST_PERF_GLOBAL_CTRL);
    entries[entry_count].guest_counters = *simulated_field(VMCS_GUEST_PERF_GLOBAL_CTRL);
    entries[entry_count].stores = *simulated_field(VMCS_EXIT_MSR_STORE_COUNT);
    entries[entry_count].global = msr(IA32_PERF_GLOBAL_CTRL);
    entries[entry_count].offcore = msr(0x1a6);
    memcpy(entries[entry_count].host_events, probes.host_events, sizeof(probes.host_events));
    memcpy(entries[entry_count].guest_events, probes.guest_events, sizeof(probes.guest_events));
    assert_true(ept_translate(vcpu->ept, GUEST_SAMPLES_BASE, &at));
    struct sample *samples = platform_at(at);
    for (uint64_t i = 0; i < vcpu->rdx; i++)
        samples[i] = (struct sample){1000 * entry_count + 2 * i, 1000 * entry_count + 2 * i + 1};
    for (uint64_t i = 0; probes.packet && i < RECORDS; i++) {
        *probes.next = (struct record){.entered = i, .reason = EXIT_REASON_CPUID};
        probes.next =
            (struct record *)((char *)probes.next + probe_record_size(probes.packet->probe_level));
        assert_true(probes.next < probes.end);
    }
    entry_count++;
    return driver_guest_calls(vcpu, HYPERCALL_PHASE_DONE, 0);
}

static struct plan_event event(enum plan_event_kind kind, uint64_t selector)
{
    return (struct plan_event){.kind = kind, .selector = selector};
}

static int make(void **state)
{
    simulated_cpu_setup(state);
    simulated_performance_add(3, 4, 7, true);
    simulated_msr_set(IA32_TSC, 0x1234);
    simulated_msr_set(0x1a6, 0x111);
    simulated_msr_set(IA32_PERF_GLOBAL_CTRL, 1);
    simulated_msr_set(IA32_PERFEVTSEL0, 0x530076);
    fixture_blob_make(&blob);
    memset(&plan, 0, sizeof(plan));
    strcpy(plan.policy.name, "one");
    struct plan_event *host = plan.groups[0].events[PLAN_HOST];
    host[0] = event(PLAN_EVENT_FIXED, 0);
    host[1] = event(PLAN_EVENT_GENERAL, BRANCHES);
    host[2] = (struct plan_event){.kind = PLAN_EVENT_GENERAL,
                                  .selector = OFFCORE,
                                  .counters = 8,
                                  .extra_msr = 0x1a6,
                                  .extra_value = 0x3f80008fff};
    plan.groups[0].events[PLAN_GUEST][1] = event(PLAN_EVENT_GENERAL, INSTRUCTIONS);
    plan.header = (struct plan_header){.policy_count = 1, .group_count = 1, .job_count = JOBS};
    for (unsigned i = 0; i < JOBS; i++)
        plan.jobs[i] = (struct plan_job){.benchmark = "first",
                                         .probe_level = i ? PROBE_HARDWARE : PROBE_PMU,
                                         .group = i ? 0 : 1,
                                         .samples = 20,
                                         .rounds = 1,
                                         .count_samples = 5};
    driver_lay_out(plan.jobs, JOBS);
    probes = (struct probe_cpu){0};
    entry_count = 0;
    stub_guest = guest_entered;
    return driver_begin(&plan.header, &probes);
}

static struct job_result *result_of(unsigned job)
{
    return driver_result(&plan.jobs[job]);
}

static const struct event_result *event_of(enum plan_side side, unsigned place)
{
    const struct events_result *events = (const void *)((char *)result_of(0) + EVENTS_OFFSET);
    return &events->events[side][place];
}

static void counted(enum plan_side side, unsigned place, uint32_t rdpmc)
{
    assert_int_equal(event_of(side, place)->state, EVENT_COUNTED);
    assert_int_equal(event_of(side, place)->rdpmc, rdpmc);
    assert_int_equal(event_of(side, place)->mask, 0xffffffffffff);
    assert_string_equal(event_of(side, place)->absent, "");
}

static void absent(enum plan_side side, unsigned place, const char *why)
{
    assert_int_equal(event_of(side, place)->state, EVENT_ABSENT);
    assert_string_equal(event_of(side, place)->absent, why);
}

/* Both jobs' measured phases ran on these exit paths, and the first's data says so. */
static void ran(uint32_t level, const char *path, const char *lowered)
{
    assert_null(driver_run(&driver));
    assert_int_equal(entry_count, COUNT_OF(entries));
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
        const struct phase_result *out = &result_of(0)->phases[phase];
        const struct packet_header *packet =
            (const void *)((char *)driver.results + out->packet_offset);
        bool measured = phase >= PHASE_CONTROL;
        assert_int_equal(entries[phase].host_rip, (uintptr_t)(measured ? path : vmx_exit_full));
        assert_int_equal(out->records, RECORDS);
        assert_int_equal(packet->probe_level, measured ? level : PROBE_FULL);
        assert_int_equal(packet->stream_id, measured && level >= PROBE_HARDWARE);
        assert_int_equal(packet->content_size / 8,
                         64 + RECORDS * (measured && level >= PROBE_HARDWARE ? 128 : 64));
    }
    for (unsigned job = 0; job < JOBS; job++)
        assert_int_equal(result_of(job)->status, RESULT_DONE);
    assert_int_equal(result_of(0)->probe_level, level);
    assert_string_equal(result_of(0)->lowered, lowered);
}

/* As it was before the run, but for what none of it may keep from being counted. */
static void pmu_is_back(void)
{
    assert_int_equal(msr(IA32_PERF_GLOBAL_CTRL), 1);
    assert_int_equal(msr(IA32_PERFEVTSEL0), 0x530076);
    assert_int_equal(msr(0x1a6), 0x111);
}

static void host_and_guest_apart(void **state)
{
    (void)state;
    ran(PROBE_PMU, vmx_exit_pmu, "");
    counted(PLAN_HOST, 0, 0x40000000);
    counted(PLAN_HOST, 1, 0);
    counted(PLAN_HOST, 2, 3);
    assert_int_equal(event_of(PLAN_GUEST, 0)->state, EVENT_NONE);
    counted(PLAN_GUEST, 1, 1);
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
        assert_true(entries[phase].apart);
        assert_int_equal(entries[phase].host_counters, 1ull << 32 | 1 << 3 | 1 << 0);
        assert_int_equal(entries[phase].guest_counters, 1 << 1);
        assert_int_equal(entries[phase].global, entries[phase].host_counters);
        assert_int_equal(entries[phase].offcore, 0x3f80008fff);
        assert_int_equal(entries[phase].stores, 1);
        assert_int_equal(entries[phase].host_events[0], 0x40000000);
        assert_int_equal(entries[phase].host_events[1], 0);
        assert_int_equal(entries[phase].host_events[2], 3);
        assert_int_equal(entries[phase].guest_events[1], 1);
    }
    pmu_is_back();
    /* The job behind it has the stamp alone. */
    assert_int_equal(result_of(1)->probe_level, PROBE_HARDWARE);
    for (unsigned entry = PHASE_COUNT; entry < 2 * PHASE_COUNT; entry++) {
        assert_int_equal(entries[entry].host_rip,
                         (uintptr_t)(entry < PHASE_COUNT + 2 ? vmx_exit_full : vmx_exit_hardware));
        assert_int_equal(entries[entry].stores, 1);
        assert_false(entries[entry].apart);
        assert_int_equal(entries[entry].offcore, 0x111);
    }
}

/* An event without a counter: the exit path reads another's there, never one that is not there. */
static void a_counter_that_is_refused(void **state)
{
    (void)state;
    simulated_cpu.performance.frozen = 1 << 3;
    ran(PROBE_PMU, vmx_exit_pmu, "");
    counted(PLAN_HOST, 0, 0x40000000);
    counted(PLAN_HOST, 1, 0);
    absent(PLAN_HOST, 2, "the counter does not move when it must");
    assert_int_equal(event_of(PLAN_HOST, 2)->msr, IA32_PMC0 + 3);
    for (unsigned i = 0; i < PROBE_EVENTS; i++) {
        uint32_t low, high;
        assert_true(x86_rdpmc_checked(entries[0].host_events[i], &low, &high));
        assert_true(x86_rdpmc_checked(entries[0].guest_events[i], &low, &high));
    }
    assert_int_equal(entries[0].host_counters, 1ull << 32 | 1);
    pmu_is_back();
}

static void no_counter_at_all(void **state)
{
    (void)state;
    simulated_performance_hollow(); /* as Bochs */
    ran(PROBE_HARDWARE, vmx_exit_hardware, "no event of its group is counted");
    for (unsigned i = 0; i < PROBE_EVENTS; i++)
        assert_int_equal(event_of(PLAN_HOST, i)->state, EVENT_ABSENT);
    assert_true(strlen(event_of(PLAN_HOST, 0)->absent) > 10);
    assert_int_equal(event_of(PLAN_GUEST, 1)->state, EVENT_ABSENT);
    assert_int_equal(event_of(PLAN_GUEST, 2)->state, EVENT_NONE);
    assert_false(entries[2].apart);
}

static void no_pmu_at_all(void **state)
{
    (void)state;
    *simulated_leaf(0xa, 0) = (struct cpuid_registers){0};
    ran(PROBE_HARDWARE, vmx_exit_hardware, "no event of its group is counted");
    absent(PLAN_GUEST, 1,
           "no PMU: CPUID leaf 0xa says version 0 (none, or hidden by a hypervisor)");
}

static void host_and_guest_cannot_be_told_apart(void **state)
{
    (void)state;
    cpu.capability.controls[CONTROL_EXIT] &= ~(1ull << (32 + 12));
    ran(PROBE_HARDWARE, vmx_exit_hardware, "no event of its group is counted");
    absent(PLAN_HOST, 0,
           "host and guest cannot be told apart: this CPU cannot load IA32_PERF_GLOBAL_CTRL on VM "
           "exit");
    pmu_is_back();
}

static void no_stamp_of_the_cpus_own(void **state)
{
    static const char why[] = "VM exits cannot store the CPU's own time stamp";
    (void)state;
    simulated_msr_remove(IA32_TSC);
    ran(PROBE_FULL, vmx_exit_full, why);
    absent(PLAN_HOST, 0, why);
    absent(PLAN_GUEST, 1, why);
    assert_int_equal(result_of(1)->probe_level, PROBE_FULL);
    assert_string_equal(result_of(1)->lowered, why);
    assert_int_equal(entries[0].stores, 0);
    pmu_is_back();
}

/* A plan's word for an MSR is none that the core takes. */
static void another_msr_is_not_written(void **state)
{
    (void)state;
    plan.groups[0].events[PLAN_HOST][2].extra_msr = IA32_LSTAR;
    uint64_t before = msr(IA32_LSTAR);
    ran(PROBE_PMU, vmx_exit_pmu, "");
    absent(PLAN_HOST, 2, "the MSR that it needs is none that may be written for an event");
    assert_int_equal(msr(IA32_LSTAR), before);
}

#define events_test(function) cmocka_unit_test_setup_teardown(function, make, driver_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        events_test(host_and_guest_apart),       events_test(a_counter_that_is_refused),
        events_test(no_counter_at_all),          events_test(no_pmu_at_all),
        events_test(no_stamp_of_the_cpus_own),   events_test(host_and_guest_cannot_be_told_apart),
        events_test(another_msr_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
