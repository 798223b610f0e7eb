/* SPDX-License-Identifier: MIT */
#include "jobs_fixture.h"

#include "../../core/exits/apic_bus.h"
#include "../../core/tests/stub_entry.h"
#include "../../core/vmx/exit_reason.h"

struct jobs_plan plan;
struct jobs_entry entries[ENTRIES];
unsigned entry_count, failing_entry, other_count;
bool other_fails;

/* As GS points to it: what the core keeps of failed VM entries goes there too. */
extern struct probe_cpu simulated_probe_cpu;

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
    return driver_guest_calls(vcpu, other_fails ? HYPERCALL_FAILED : HYPERCALL_PHASE_DONE, 0x77);
}

enum vmx_failure jobs_guest(struct vcpu *vcpu)
{
    uint64_t at;

    if (vcpu->rsi == GUEST_OTHER)
        return other_entered(vcpu);
    assert_int_equal(platform_cpu_number(), 0);
    assert_in_range(entry_count, 0, ENTRIES - 1);
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
    return driver_guest_calls(vcpu, fails ? HYPERCALL_FAILED : HYPERCALL_PHASE_DONE, 0x10d);
}

int jobs_setup(void **state)
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
    driver_lay_out(plan.jobs, JOBS);
    simulated_probe_cpu = (struct probe_cpu){0};
    entry_count = failing_entry = other_count = 0;
    other_fails = false;
    stub_guest = jobs_guest;
    return driver_begin(&plan.header, &simulated_probe_cpu);
}

struct job_result *result_of(unsigned job)
{
    return driver_result(&plan.jobs[job]);
}

unsigned entry_of(unsigned job, int phase)
{
    unsigned entry = PHASE_COUNT * job + (unsigned)phase;

    if (job == JOBS - 1 && phase >= PHASE_CONTROL)
        entry += ((phase == PHASE_CONTROL) ? 1 : 2) * (ROUNDS - 1);
    return entry;
}

void expect_job(unsigned job, enum result_status status, const char *reason)
{
    assert_int_equal(result_of(job)->status, status);
    assert_string_equal(result_of(job)->reason, reason);
}
