/* SPDX-License-Identifier: MIT */
/* What of target kvm needs no /dev/kvm: filter, statistics, applicability, CPUs, the guard. */
#include "../../core/vmx/disturbance.h"
#include "../child.h"
#include "../files.h"
#include "../kvm_clocks.h"
#include "../kvm_cpuid.h"
#include "../kvm_exit.h"
#include "../kvm_facts.h"
#include "../kvm_guard.h"
#include "../kvm_msr_filter.h"
#include "../kvm_perf.h"
#include "../kvm_row.h"
#include "../kvm_schedule.h"
#include "../kvm_stats.h"
#include "../monitor.h"
#include "../policy_bitmap.h"
#include "../text.h"
#include "policy_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct policy policy_of(const char *source)
{
    struct policy policy;
    compile(source, &policy);
    return policy;
}

/* Whether the filter lets the access pass, as KVM reads it: the first range that has it decides. */
static bool allowed(const struct kvm_filter *filter, uint32_t msr, uint32_t access)
{
    for (unsigned i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
        const struct kvm_msr_filter_range *range = &filter->filter.ranges[i];
        uint32_t offset = msr - range->base;
        if (range->nmsrs && range->flags & access && msr >= range->base && offset < range->nmsrs)
            return range->bitmap[offset / 8] >> offset % 8 & 1;
    }
    return !(filter->filter.flags & KVM_MSR_FILTER_DEFAULT_DENY);
}

static void the_filter_denies_what_exits(void **state)
{
    static const uint32_t bases[] = {0, 0xc0000000};
    struct policy policy = policy_of("default msr passthrough\nintercept msr 0x10 r\n"
                                     "intercept msr 0x1fff w\nintercept msr 0xc0000080-0xc0000082\n"
                                     "intercept msr 0x7ff-0x900\n");
    struct kvm_filter filter;
    unsigned reads = 0, writes = 0;
    (void)state;

    assert_true(kvm_filter_make(&policy.plan, &filter));
    for (unsigned b = 0; b < 2; b++)
        for (uint32_t msr = bases[b]; msr < bases[b] + 8192; msr++) {
            bool never = msr >= 0x800 && msr <= 0x8ff;
            reads += !never && policy_msr_exits(&policy.plan, msr, false);
            writes += !never && policy_msr_exits(&policy.plan, msr, true);
            assert_int_equal(allowed(&filter, msr, KVM_MSR_FILTER_READ),
                             never || !policy_msr_exits(&policy.plan, msr, false));
            assert_int_equal(allowed(&filter, msr, KVM_MSR_FILTER_WRITE),
                             never || !policy_msr_exits(&policy.plan, msr, true));
        }
    assert_true(allowed(&filter, 0x2000, KVM_MSR_FILTER_READ));
    assert_in_range(reads, 1 + 3 + 2, 1000); /* and those that pass under no policy */
    assert_int_equal(filter.reads, reads);
    assert_int_equal(filter.writes, writes);
}

static void nothing_to_filter_is_no_filter(void **state)
{
    struct policy policy = policy_of("default msr passthrough\n");
    struct kvm_filter filter;
    (void)state;

    memset(policy.plan.msr_bitmap, 0, sizeof(policy.plan.msr_bitmap));
    assert_false(kvm_filter_make(&policy.plan, &filter));
    policy_set_msrs(&policy.plan, 0x800, 0x8ff, true, true, true);
    assert_false(kvm_filter_make(&policy.plan, &filter));
    policy_set_msrs(&policy.plan, 0x10, 0x10, true, false, true);
    assert_true(kvm_filter_make(&policy.plan, &filter));
    assert_int_equal(filter.reads, 1);
    assert_int_equal(filter.writes, 0);
    strcpy(policy.plan.name, KVM_OWN_POLICY);
    assert_false(kvm_filter_make(&policy.plan, &filter));
}

/* Header and descriptors as KVM lays them out. */
struct statistics {
    struct kvm_stats_header header;
    struct {
        struct {
            uint32_t flags;
            int16_t exponent;
            uint16_t size;
            uint32_t offset, bucket_size;
        } descriptor;
        char name[KVM_STAT_NAME_SIZE];
    } descriptors[3];
};

_Static_assert(sizeof(((struct statistics *)0)->descriptors[0].descriptor) ==
                   sizeof(struct kvm_stats_desc),
               "as KVM has it");

static struct statistics statistics(void)
{
    struct statistics s = {.header = {.name_size = KVM_STAT_NAME_SIZE,
                                      .num_desc = 3,
                                      .desc_offset = sizeof(struct kvm_stats_header),
                                      .data_offset = sizeof(struct statistics)}};
    static const struct {
        const char *name;
        uint32_t flags, size, offset;
    } entries[] = {{"exits", KVM_STATS_TYPE_CUMULATIVE, 1, 0},
                   {"halt_wait_hist", KVM_STATS_TYPE_LOG_HIST, 32, 8},
                   {"io_exits", KVM_STATS_TYPE_CUMULATIVE, 1, 264}};
    for (int i = 0; i < 3; i++) {
        s.descriptors[i].descriptor.flags = entries[i].flags;
        s.descriptors[i].descriptor.size = (uint16_t)entries[i].size;
        s.descriptors[i].descriptor.offset = entries[i].offset;
        strcpy(s.descriptors[i].name, entries[i].name);
    }
    return s;
}

static void statistics_are_read_by_name(void **state)
{
    struct statistics s = statistics();
    struct kvm_stats stats;
    (void)state;

    assert_null(kvm_stats_parse((const uint8_t *)&s, sizeof(s), &stats));
    assert_int_equal(stats.count, 2); /* no histogram */
    assert_int_equal(kvm_stats_find(&stats, "exits"), 0);
    assert_int_equal(kvm_stats_find(&stats, "io_exits"), 1);
    assert_int_equal(stats.offsets[1], sizeof(s) + 264);
    assert_int_equal(kvm_stats_find(&stats, "halt_wait_hist"), -1);
}

static void damaged_statistics_are_refused(void **state)
{
    struct statistics good = statistics(), bad;
    struct kvm_stats stats;
    (void)state;

    for (size_t size = 0; size < sizeof(good); size++)
        assert_non_null(kvm_stats_parse((const uint8_t *)&good, size, &stats));
    bad = good;
    bad.header.num_desc = UINT32_MAX;
    assert_non_null(kvm_stats_parse((const uint8_t *)&bad, sizeof(bad), &stats));
    bad = good;
    bad.header.name_size = 0;
    assert_non_null(kvm_stats_parse((const uint8_t *)&bad, sizeof(bad), &stats));
    bad = good;
    bad.header.desc_offset = UINT32_MAX;
    assert_non_null(kvm_stats_parse((const uint8_t *)&bad, sizeof(bad), &stats));
    bad = good; /* a name without an end is none */
    memset(bad.descriptors[0].name, 'x', KVM_STAT_NAME_SIZE);
    assert_null(kvm_stats_parse((const uint8_t *)&bad, sizeof(bad), &stats));
    assert_int_equal(kvm_stats_find(&stats, "io_exits"), 0);
}

#define MSR_READ(msr)                                     \
    {                                                     \
        .times = 1, .gate = GATE_MSR_READ, .index = (msr) \
    }
#define MSR_WRITE(msr)                                     \
    {                                                      \
        .times = 1, .gate = GATE_MSR_WRITE, .index = (msr) \
    }
#define PORT(number)                                               \
    {                                                              \
        .times = 1, .gate = GATE_IO, .index = (number), .width = 1 \
    }

static void a_row_is_applicable_only_as_the_policy_says(void **state)
{
    struct policy intercepts = policy_of("");
    struct policy passes = policy_of("default msr passthrough\ndefault io passthrough\n");
    struct policy own = passes;
    strcpy(own.plan.name, KVM_OWN_POLICY);
    const struct {
        struct blob_row row;
        bool intercepted, passed;
    } cases[] = {
        {{.exits = {{.times = 1}}}, true, true},
        {{.exits = {MSR_READ(0xc0000102)}}, true, false},
        {{.exits = {MSR_WRITE(0x174)}}, true, false},
        {{.exits = {MSR_WRITE(0x808)}}, false, false},
        {{.exits = {PORT(0x80)}}, true, false},
        {{.exits = {{.times = 1}, MSR_WRITE(0x80b)}}, false, false},
        {{.exits = {{.times = 1, .gate = GATE_EXCEPTION, .index = 6}}}, false, false},
        {{.exits = {{.times = 1, .gate = GATE_CR0, .index = 1}}}, false, false},
        {{.exits = {{.times = 1, .when_on = {PRIMARY_CONTROL_HLT_EXITING}}}}, false, false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(!kvm_row_not_applicable(&cases[i].row, &intercepts.plan),
                         cases[i].intercepted);
        assert_int_equal(!kvm_row_not_applicable(&cases[i].row, &passes.plan), cases[i].passed);
        assert_null(kvm_row_not_applicable(&cases[i].row, &own.plan));
    }
}

static void what_is_our_cores_is_never_applicable(void **state)
{
    struct policy own = policy_of("");
    strcpy(own.plan.name, KVM_OWN_POLICY);
    const struct blob_row rows[] = {
        {.flags = ROW_CHECK},
        {.flags = ROW_ROOT},
        {.flags = ROW_FLOOR},
        {.flags = ROW_START_REAL},
        {.flags = ROW_DEMAND_1G},
        {.requires = ROW_REQUIRES_HYPERCALLS},
        {.requires = ROW_REQUIRES_TRAP_FLAG},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_non_null(kvm_row_not_applicable(&rows[i], &own.plan));
    const struct blob_row fresh = {.flags = ROW_DEMAND};
    assert_null(kvm_row_too_many(&fresh, GUEST_DEMAND_PAGES));
    assert_non_null(kvm_row_too_many(&fresh, GUEST_DEMAND_PAGES + 1));
}

static void a_row_lacks_what_the_guest_does_not_see(void **state)
{
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 2 * sizeof(struct kvm_cpuid_entry2));
    struct kvm_machine machine = {.cpuid = cpuid, .vcpu_count = 1};
    const struct blob_row rdrand = {.requires = ROW_REQUIRES_RDRAND};
    const struct blob_row two = {.requires = ROW_REQUIRES_TWO_CPUS};
    const struct blob_row delivers = {.requires = ROW_REQUIRES_DELIVERY};
    (void)state;

    cpuid->nent = 2;
    cpuid->entries[0] = (struct kvm_cpuid_entry2){.function = 1, .ecx = 1u << 30};
    cpuid->entries[1] = (struct kvm_cpuid_entry2){.function = 0xb, .edx = 7};
    assert_null(kvm_row_lacks(&rdrand, &machine));
    assert_non_null(kvm_row_lacks(&two, &machine));
    assert_null(kvm_row_lacks(&delivers, &machine));
    strcpy(machine.irqchip_absent, "none");
    assert_string_equal(kvm_row_lacks(&delivers, &machine), "none");

    struct policy hides = policy_of("hide cpuid 1 ecx 30\n");
    kvm_cpuid_hide(cpuid, &hides.plan);
    assert_non_null(kvm_row_lacks(&rdrand, &machine));
    kvm_cpuid_set_id(cpuid, 1);
    assert_int_equal(cpuid->entries[0].ebx, 1u << 24);
    assert_int_equal(cpuid->entries[1].edx, 1);
    free(cpuid);
}

static void the_device_keeps_what_is_written(void **state)
{
    struct kvm_machine *machine = calloc(1, sizeof(*machine));
    uint32_t value = 0x12345678, read = 0;
    (void)state;

    assert_true(kvm_device_memory(machine, GUEST_DEVICE_BASE + 0xffc, &value, 4, true));
    assert_true(kvm_device_memory(machine, GUEST_TRAPPED_BASE + 0xffc, &read, 4, false));
    assert_int_equal(read, value);
    assert_false(kvm_device_memory(machine, GUEST_DEVICE_BASE + 0xffd, &value, 4, true));
    assert_false(kvm_device_memory(machine, GUEST_DEVICE_BASE - 4, &value, 4, false));
    assert_false(kvm_device_memory(machine, UINT64_MAX, &value, 8, false));
    free(machine);
}

static void cpus_are_taken_in_order(void **state)
{
    cpu_set_t allowed;
    (void)state;

    CPU_ZERO(&allowed);
    CPU_SET(2, &allowed);
    CPU_SET(5, &allowed);
    CPU_SET(9, &allowed);
    assert_int_equal(kvm_schedule_cpu(&allowed, -1, 0), 2);
    assert_int_equal(kvm_schedule_cpu(&allowed, -1, 1), 5);
    assert_int_equal(kvm_schedule_cpu(&allowed, 5, 0), 5);
    assert_int_equal(kvm_schedule_cpu(&allowed, 5, 1), 2);
    assert_int_equal(kvm_schedule_cpu(&allowed, 2, 1), 5);
    assert_int_equal(kvm_schedule_cpu(&allowed, 3, 0), -1);
    assert_int_equal(kvm_schedule_cpu(&allowed, 5, 3), -1);
}

static void end_at_once(const void *argument)
{
    (void)argument;
}

/* As long as the deadline below, and put off by it. */
static void put_off(const void *argument)
{
    _Atomic double *deadline = (_Atomic double *)(uintptr_t)argument;
    *deadline = *deadline + 60;
    usleep(400000);
}

static void hang(const void *argument)
{
    (void)argument;
    for (;;)
        pause();
}

static void die(const void *argument)
{
    (void)argument;
    raise(SIGTERM);
}

static void the_guard_outlives_what_it_runs(void **state)
{
    (void)state;
    _Atomic double *deadline =
        mmap(NULL, sizeof(*deadline), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(deadline, MAP_FAILED);
    *deadline = monotonic_seconds() + 60;
    assert_int_equal(kvm_guard(end_at_once, NULL, deadline).how, KVM_GUARD_ENDED);
    struct kvm_guard_end end = kvm_guard(die, NULL, deadline);
    assert_int_equal(end.how, KVM_GUARD_DIED);
    assert_int_equal(end.code, SIGTERM);
    *deadline = monotonic_seconds() + 0.1;
    assert_int_equal(kvm_guard(hang, NULL, deadline).how, KVM_GUARD_TIMED_OUT);
    *deadline = monotonic_seconds() + 0.3;
    assert_int_equal(kvm_guard(put_off, deadline, deadline).how, KVM_GUARD_ENDED);
    munmap(deadline, sizeof(*deadline));
}

static void events_that_are_not_known_are_absent(void **state)
{
    struct kvm_perf perf;
    char *error;
    (void)state;

    assert_int_equal(kvm_perf_make("context-switches,no_such_event", &perf, &error), 0);
    assert_int_equal(perf.count, 2);
    assert_true(perf.events[0].encoded);
    assert_false(perf.events[1].encoded);
    assert_non_null(strstr(perf.events[1].absent, "event not found"));
    assert_int_equal(kvm_perf_make("a,b,c,d,e,f,g,h,i", &perf, &error), -1);
    free(error);
    assert_int_equal(kvm_perf_make(",", &perf, &error), -1);
    free(error);
}

static void write_file(const char *directory, const char *name, const char *content)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/msr/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

/* A PMU "msr" of which the kernel's software events take the part: what counts time counts. */
static void clocks_are_the_kernels(void **state)
{
    char directory[] = "/tmp/exitmeter-clocks-XXXXXX", command[256];
    struct disturbance_facts facts, later;
    struct job_validity validity = {0};
    (void)state;

    assert_non_null(mkdtemp(directory));
    snprintf(command, sizeof(command), "mkdir -p %s/sys/bus/event_source/devices/msr/events",
             directory);
    assert_int_equal(system(command), 0);
    setenv("EXITMETER_ROOT", directory, 1);
    kvm_clocks_open(); /* there is a PMU without a type */
    disturbance_read(&facts);
    assert_false(facts.has_clocks || facts.has_smi_count);

    write_file(directory, "type", "1\n");                  /* PERF_TYPE_SOFTWARE */
    write_file(directory, "events/aperf", "event=0x01\n"); /* task clock */
    write_file(directory, "events/mperf", "event=0x01\n");
    kvm_clocks_open();
    disturbance_read(&facts);
    if (facts.has_clocks) { /* else perf_event_open() is not for us here */
        disturbance_read(&later);
        assert_true(later.aperf > facts.aperf && later.mperf > facts.mperf);
        assert_true(later.tsc > facts.tsc);
    }
    assert_false(facts.has_smi_count);
    validity.readings[VALIDITY_AFTER_OP].flags = VALIDITY_HAS_CLOCKS;
    kvm_clocks_explain(&validity);
    assert_string_equal(validity.clocks_absent, "");
    assert_non_null(strstr(validity.smis_absent, "no SMIs"));
    unsetenv("EXITMETER_ROOT");
    tree_remove(directory);
    kvm_clocks_open();
}

static void drift_is_against_another_clock(void **state)
{
    static const char place[] = "/sys/devices/system/clocksource/clocksource0";
    char directory[] = "/tmp/exitmeter-drift-XXXXXX";
    struct monitor *monitor = monitor_new(0);
    (void)state;

    assert_non_null(monitor->drift_absent); /* until somebody knows */
    assert_non_null(mkdtemp(directory));
    char *make = text("mkdir -p %s%s && echo hpet > %s%s/current_clocksource", directory, place,
                      directory, place);
    char *again = text("echo tsc > %s%s/current_clocksource", directory, place);
    assert_int_equal(system(make), 0);
    setenv("EXITMETER_ROOT", directory, 1);
    monitor->facts = json_pack("{s:i}", "tsc_khz", 2000000);
    kvm_facts_drift(monitor, 2002000000, 1.0);
    assert_null(monitor->drift_absent);
    assert_true(monitor->drift > 0.000999 && monitor->drift < 0.001001);
    assert_int_equal(system(again), 0);
    kvm_facts_drift(monitor, 2002000000, 1.0);
    assert_string_equal(monitor->drift_absent, "the host's own clock is the TSC");
    unsetenv("EXITMETER_ROOT");
    tree_remove(directory);
    monitor_free(monitor);
    free(make);
    free(again);
}

static void the_monitors_exits_are_less_its_interruptions(void **state)
{
    struct job jobs[2] = {0};
    struct experiment experiment = {.jobs = jobs, .job_count = 2};
    struct job_outcome outcomes[2] = {
        {.status = RESULT_DONE, .has_digest = true, .phases = {[PHASE_OP] = {.operations = 100}}},
        {.status = RESULT_SKIPPED}};
    struct results results = {.jobs = outcomes};
    struct monitor *monitor = monitor_new(2);
    (void)state;

    monitor->jobs[0] = (struct monitor_job){
        .has_exits = true, .control = 5, .op = 108, .interruptions = {.control = 4, .op = 7}};
    monitor->jobs[1] = monitor->jobs[0];
    monitor_count(monitor, &experiment, &results);
    assert_true(outcomes[0].has_exits && outcomes[0].exits_unforeseen);
    assert_int_equal(outcomes[0].exits, 100);
    assert_int_equal(outcomes[0].exit_operations, 100);
    assert_false(outcomes[1].has_exits);
    monitor_free(monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_denies_what_exits),
        cmocka_unit_test(nothing_to_filter_is_no_filter),
        cmocka_unit_test(statistics_are_read_by_name),
        cmocka_unit_test(damaged_statistics_are_refused),
        cmocka_unit_test(a_row_is_applicable_only_as_the_policy_says),
        cmocka_unit_test(what_is_our_cores_is_never_applicable),
        cmocka_unit_test(a_row_lacks_what_the_guest_does_not_see),
        cmocka_unit_test(the_device_keeps_what_is_written),
        cmocka_unit_test(cpus_are_taken_in_order),
        cmocka_unit_test(the_guard_outlives_what_it_runs),
        cmocka_unit_test(events_that_are_not_known_are_absent),
        cmocka_unit_test(clocks_are_the_kernels),
        cmocka_unit_test(drift_is_against_another_clock),
        cmocka_unit_test(the_monitors_exits_are_less_its_interruptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
