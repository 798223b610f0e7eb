/* SPDX-License-Identifier: MIT */
/* The driver from plan to results, with a guest of a few lines in place of a VM entry. */
#include "../image/driver.h"

#include "../../core/exits/apic_bus.h"
#include "../../core/tests/stub_entry.h"
#include "../../core/vmx/demand.h"
#include "../../core/vmx/dirty_log.h"
#include "../../core/vmx/dispatch.h"
#include "../../core/x86/msr.h"
#include "blob_fixture.h"

#define JOBS         3u
#define SAMPLES      20u
#define COUNTS       5u
#define RESULT_PAGES 128u
#define ROUNDS       3u /* of the last job */

static struct {
    struct plan_header header;
    struct plan_policy policies[2];
    struct plan_group group;
    struct plan_job jobs[JOBS];
} plan;
static struct fixture_blob blob;
static struct vmx_cpu cpu;

/* As GS points to it: what the core keeps of failed VM entries goes there too. */
extern struct probe_cpu simulated_probe_cpu;

static struct driver driver;

/* What the guest saw at each entry, and when it is to give up. */
static struct {
    uint64_t row, code, samples, rip, rsp, cr3;
    uintptr_t host_rip;
    uint64_t cr3_targets, cr3_target;
    bool ports, ones; /* whether the vCPU has a table of ports, and what that says */
    bool answers;     /* whether MSRs are answered as the second policy says */
} entries[JOBS * PHASE_COUNT + 2 * (ROUNDS - 1)];
static unsigned entry_count, failing_entry;
static unsigned other_count;
static bool other_fails;

/* Ends as the guest does, by a hypercall. */
static enum vmx_failure call(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    vcpu->rax = number;
    vcpu->rdi = argument;
    *simulated_field(VMCS_EXIT_REASON) = EXIT_REASON_VMCALL;
    assert_int_equal(exit_handlers[EXIT_REASON_VMCALL](vcpu), EXIT_STOP);
    return VMX_SUCCEED;
}

/* The second CPU's guest: the same row, on a stack of its own. */
static enum vmx_failure other_entered(struct vcpu *vcpu)
{
    other_count++;
    assert_int_equal(platform_cpu_number(), 1);
    assert_int_equal(vcpu->rdi, 0);
    assert_int_equal(*simulated_field(VMCS_GUEST_RSP), GUEST_OTHER_STACK);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), blob.header.entry);
    assert_int_equal(*simulated_field(VMCS_HOST_RIP), (uintptr_t)vmx_exit_off);
    assert_int_equal(local_apic_id(&vcpu->apic), 1);
    assert_int_equal(vcpu->apic.bus->count, 2);
    return call(vcpu, other_fails ? HYPERCALL_FAILED : HYPERCALL_PHASE_DONE, 0x77);
}

static enum vmx_failure guest_entered(struct vcpu *vcpu)
{
    uint64_t at;

    if (vcpu->rsi == GUEST_OTHER)
        return other_entered(vcpu);
    assert_int_equal(platform_cpu_number(), 0);
    assert_in_range(entry_count, 0, COUNT_OF(entries) - 1);
    entries[entry_count].row = vcpu->rdi;
    entries[entry_count].code = vcpu->rsi;
    entries[entry_count].samples = vcpu->rdx;
    entries[entry_count].rip = *simulated_field(VMCS_GUEST_RIP);
    entries[entry_count].rsp = *simulated_field(VMCS_GUEST_RSP);
    entries[entry_count].cr3 = *simulated_field(VMCS_GUEST_CR3);
    entries[entry_count].host_rip = *simulated_field(VMCS_HOST_RIP);
    entries[entry_count].cr3_targets = *simulated_field(VMCS_CR3_TARGET_COUNT);
    entries[entry_count].cr3_target = *simulated_field(VMCS_CR3_TARGET_0);
    entries[entry_count].ports = vcpu->ports;
    entries[entry_count].ones = vcpu->ports && vcpu->ports->ones && vcpu->ports->ones[0x7f] == 1;
    entries[entry_count].answers =
        vcpu->msrs.high[0] == MSR_ZERO && vcpu->msrs.low[0x10] == MSR_REFUSED;
    assert_true(ept_translate(vcpu->ept, GUEST_SAMPLES_BASE, &at));
    struct sample *samples = platform_at(at);
    for (uint64_t i = 0; i < vcpu->rdx; i++)
        samples[i] = (struct sample){1000 * entry_count + i, i};
    assert_true(ept_translate(vcpu->ept, GUEST_BLOB_BASE, &at));
    assert_memory_equal(platform_at(at), &blob, sizeof(blob));
    for (uint64_t i = 0; simulated_probe_cpu.packet && i < 3; i++)
        if (simulated_probe_cpu.next != simulated_probe_cpu.end) {
            uint64_t now = 100 * entry_count + 10 * i + 1;
            *simulated_probe_cpu.next = (struct record){.entered = now,
                                                        .dispatched = now + 1,
                                                        .handled = now + 3,
                                                        .entering = now + 6,
                                                        .reason = EXIT_REASON_CPUID};
            simulated_probe_cpu.next =
                (struct record *)((char *)simulated_probe_cpu.next +
                                  probe_record_size(simulated_probe_cpu.packet->probe_level));
        }
    simulated_probe_cpu.totals.exits[EXIT_REASON_CPUID] += 3;
    bool fails = ++entry_count == failing_entry;
    return call(vcpu, fails ? HYPERCALL_FAILED : HYPERCALL_PHASE_DONE, 0x10d);
}

/* Each job's results behind the last one's, by what it asks for now. */
static void lay_out(void)
{
    uint64_t offset = RESULTS_HEADER_ROOM;

    for (unsigned i = 0; i < JOBS; i++) {
        plan.jobs[i].results_offset = offset;
        offset += job_results_size(&plan.jobs[i]);
    }
    assert_true(offset <= RESULT_PAGES * PAGE_SIZE);
}

static int make(void **state)
{
    simulated_cpu_setup(state);
    fixture_blob_make(&blob);
    memset(&plan, 0, sizeof(plan));
    strcpy(plan.policies[0].name, "one");
    strcpy(plan.policies[1].name, "two");
    plan.header =
        (struct plan_header){.policy_count = 2, .group_count = 1, .job_count = JOBS, .cpus = 1};
    for (unsigned i = 0; i < JOBS; i++) {
        plan.jobs[i] = (struct plan_job){.policy = i & 1,
                                         .probe_level = i,
                                         .samples = SAMPLES,
                                         .exits_room = 2,
                                         .rounds = i == JOBS - 1 ? ROUNDS : 1,
                                         .count_samples = COUNTS};
        strcpy(plan.jobs[i].benchmark, i == 1 ? "second" : "first");
    }
    lay_out();
    simulated_probe_cpu = (struct probe_cpu){0};
    entry_count = failing_entry = other_count = 0;
    other_fails = false;
    stub_guest = guest_entered;
    driver = (struct driver){.plan = &plan.header,
                             .blob = &blob,
                             .blob_size = sizeof(blob),
                             .vmx = &cpu,
                             .probes = &simulated_probe_cpu,
                             .results = platform_pages_allocate(RESULT_PAGES, PAGE_SIZE),
                             .cpus = 1};
    return vmx_enable(&cpu) ? -1 : 0;
}

/* The image ends after its one run, so the driver keeps the guest's memory; not so its VMCS. */
static int unmake(void **state)
{
    vmx_disable(&cpu);
    unsigned faults = simulated_cpu.faults;
    if (faults)
        print_error("%s\n", simulated_cpu.first_fault);
    simulated_platform_reset();
    (void)state;
    return faults ? -1 : 0;
}

static struct job_result *result_of(unsigned job)
{
    return (struct job_result *)((char *)driver.results + plan.jobs[job].results_offset);
}

/* The entry that began the last round of a phase. */
static unsigned entry_of(unsigned job, int phase)
{
    unsigned entry = PHASE_COUNT * job + (unsigned)phase;

    if (job == JOBS - 1 && phase >= PHASE_CONTROL)
        entry += ((phase == PHASE_CONTROL) ? 1 : 2) * (ROUNDS - 1);
    return entry;
}

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
    assert_int_equal(entry_count, COUNT_OF(entries));
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

static void the_machine(void **state)
{
    const struct machine_facts *machine = &driver.results->machine;
    (void)state;
    driver.results->machine.memory_bytes = 123;
    assert_null(driver_run(&driver));
    assert_string_equal(machine->vendor, "GenuineIntel");
    assert_memory_equal(machine->brand, "Simulated CPU", 13);
    assert_int_equal(machine->signature, 0x306c3);
    assert_int_equal(machine->vmx_basic, cpu.capability.basic);
    assert_int_equal(machine->primary, 0xfff9fffe04006172);
    assert_int_equal(machine->feature_control, 5);
    assert_int_equal(machine->memory_bytes, 123);
    assert_string_equal(driver.results->compiler, "hosted");
}

/* What a CPU need not have is marked as read, or not. */
static void the_state_of_the_machine(void **state)
{
    const struct machine_facts *machine = &driver.results->machine;
    (void)state;
    simulated_msr_remove(IA32_BIOS_SIGN_ID);
    simulated_msr_remove(MSR_PLATFORM_INFO);
    simulated_msr_remove(IA32_MISC_ENABLE);
    simulated_leaf(0, 0)->eax = 0xd;
    simulated_leaf(7, 0)->edx = 0;
    driver_describe(&driver);
    assert_int_equal(machine->known & ~(uint64_t)(MACHINE_POWER | MACHINE_THREADS), 0);

    simulated_msr_set(IA32_BIOS_SIGN_ID, 0x2bull << 32);
    simulated_msr_set(MSR_PLATFORM_INFO, 0x2200);
    simulated_msr_set(IA32_MISC_ENABLE, 1ull << 38);
    simulated_msr_set(IA32_SPEC_CTRL, 1);
    simulated_msr_set(IA32_ARCH_CAPABILITIES, 0x2b);
    simulated_leaf(0, 0)->eax = 0x16;
    simulated_leaf(6, 0)->eax = 2;
    simulated_leaf(7, 0)->edx = 1u << 26 | 1u << 29;
    simulated_leaf(0xb, 0)->ebx = 2;
    *simulated_leaf(0x15, 0) = (struct cpuid_registers){.eax = 2, .ebx = 250, .ecx = 24000000};
    *simulated_leaf(0x16, 0) = (struct cpuid_registers){.eax = 3000, .ebx = 4500, .ecx = 100};
    driver_describe(&driver);
    assert_int_equal(machine->known, 0x1ff);
    assert_int_equal(machine->microcode,
                     0); /* written before it was read; no CPUID loads it here */
    assert_int_equal(machine->platform_info, 0x2200);
    assert_int_equal(machine->misc_enable, 1ull << 38);
    assert_int_equal(machine->spec_ctrl, 1);
    assert_int_equal(machine->arch_capabilities, 0x2b);
    assert_int_equal(machine->power, 2);
    assert_int_equal(machine->threads, 2);
    assert_int_equal(machine->clock[2], 24000000);
    assert_int_equal(machine->frequency[1], 4500);
}

static void floor_rows_use_the_floor(void **state)
{
    (void)state;
    blob.rows[0].flags = ROW_FLOOR;
    assert_null(driver_run(&driver));
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        phase_is_whole(2, phase, (uintptr_t)(phase < 2 ? vmx_exit_full : vmx_exit_floor));
}

static void expect_job(unsigned job, enum result_status status, const char *reason);

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
    return guest_entered(vcpu);
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

static void expect_job(unsigned job, enum result_status status, const char *reason)
{
    assert_int_equal(result_of(job)->status, status);
    assert_string_equal(result_of(job)->reason, reason);
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
    assert_int_equal(entry_count, COUNT_OF(entries));
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
    return entry_count == PHASE_COUNT + PHASE_CONTROL ? VMX_FAIL_INVALID : guest_entered(vcpu);
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

/* An SMI strikes while the second job's op phase runs: the first phases are only counted. */
static enum vmx_failure smi_strikes(struct vcpu *vcpu)
{
    if (entry_count == entry_of(1, PHASE_OP) || entry_count == entry_of(0, PHASE_COUNT_OP))
        simulated_msr(MSR_SMI_COUNT)->value++;
    return guest_entered(vcpu);
}

static void disturbed_jobs_are_marked(void **state)
{
    (void)state;
    simulated_msr_set(MSR_SMI_COUNT, 17);
    simulated_msr(MSR_SMI_COUNT)->read_only = true;
    stub_guest = smi_strikes;
    strcpy(plan.jobs[2].benchmark, "none");
    assert_null(driver_run(&driver));
    expect_job(0, RESULT_DONE, "");
    expect_job(1, RESULT_DONE, "");
    assert_int_equal(result_of(0)->validity.verdict, VALIDITY_JUDGED);
    assert_int_equal(result_of(0)->validity.smis, 0);
    assert_int_equal(result_of(1)->validity.verdict, VALIDITY_JUDGED | VALIDITY_SMI);
    assert_int_equal(result_of(1)->validity.smis, 1);
    assert_int_equal(result_of(1)->validity.readings[VALIDITY_BEFORE_OP].smi_count, 18);
    assert_int_equal(result_of(1)->validity.readings[VALIDITY_AFTER_OP].smi_count, 19);
    assert_int_equal(result_of(2)->validity.verdict, 0); /* it was not run */
}

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
    return guest_entered(vcpu);
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
        return guest_entered(vcpu);
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
    return guest_entered(vcpu);
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
    return guest_entered(vcpu);
}

/* Only for the rows that want it, and afresh at each entry; no more samples than it has pages. */
static void writes_are_logged(void **state)
{
    (void)state;
    stub_guest = look_at_log;
    blob.rows[1].flags = ROW_LOGGED;
    assert_null(driver_run(&driver));
    assert_int_equal(result_of(1)->status, RESULT_DONE);
    assert_int_equal(logged_entries, COUNT_OF(entries));
    assert_int_equal(protected_entries, PHASE_COUNT);
    plan.jobs[1].samples = GUEST_DEMAND_PAGES + 1;
    plan.header.job_count = 2;
    memset(result_of(1), 0, sizeof(*result_of(1)));
    entry_count = 0;
    assert_null(driver_run(&driver));
    expect_job(1, RESULT_SKIPPED, "takes a fresh page a sample: at most 2048 samples");
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

#define driver_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        driver_test(a_whole_run),
        driver_test(the_level_counts_leaves_sums),
        driver_test(rounds_are_folded),
        driver_test(the_machine),
        driver_test(the_state_of_the_machine),
        driver_test(floor_rows_use_the_floor),
        driver_test(rows_start_in_their_mode),
        driver_test(answers_are_as_each_policy_says),
        driver_test(two_cpus),
        driver_test(one_cpu_of_two),
        driver_test(the_second_cpu_fails),
        driver_test(the_first_of_two_fails),
        driver_test(jobs_fail_one_by_one),
        driver_test(ports_of_the_device_are_there_for_rows_that_name_them),
        driver_test(the_guests_cr3_is_a_target_for_rows_that_ask),
        driver_test(jobs_are_skipped),
        driver_test(a_failed_entry_has_its_error),
        driver_test(a_failed_entry_is_counted),
        driver_test(disturbed_jobs_are_marked),
        driver_test(memory_on_demand),
        driver_test(large_memory_on_demand),
        driver_test(writes_are_logged),
        driver_test(no_run_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
