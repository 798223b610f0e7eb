/* SPDX-License-Identifier: MIT */
#include "vcpu_fixture.h"

#include "../../probes/probe_cpu.h"
#include "../vmx/exit_reason.h"

#include <string.h>

static void created_and_destroyed(void **state)
{
    (void)state;
    assert_int_equal((uintptr_t)fixture_vcpu % 16, 0);
    assert_ptr_equal(fixture_vcpu->capability, &fixture_cpu.capability);
    assert_ptr_equal(fixture_vcpu->ept, &fixture_ept);
    assert_int_not_equal(fixture_vcpu->vpid, 0);
    assert_false(fixture_vcpu->launched);
    assert_int_equal(fixture_vcpu->stop.cause, STOP_NONE);
    assert_int_equal(local_apic_id(&fixture_vcpu->apic), 5);
    assert_null(simulated_cpu.current);
    assert_int_equal(*(uint32_t *)fixture_vcpu->vmcs.region, 0x12);
    assert_int_equal(fixture_vcpu->cpu, VCPU_UNBOUND);
    assert_true(vcpu_destroy(NULL));
}

/* All of the vCPU lies inside its block, with room for the stack below. */
static void block_layout(void **state)
{
    (void)state;
    assert_true(VCPU_OFFSET + sizeof(struct vcpu) <= VCPU_BLOCK_PAGES * PAGE_SIZE);
    assert_true(VCPU_OFFSET >= 2 * PAGE_SIZE);
    memset((char *)fixture_vcpu - VCPU_OFFSET, 0x55, VCPU_OFFSET);
    assert_int_equal(VCPU_FRAME_END, 10 * 8);
}

static void creation_fails_without_a_trace(void **state)
{
    size_t held = simulated_pages_held();
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        simulated_pages_fail(n);
        assert_null(vcpu_create(&fixture_cpu.capability, &fixture_ept));
        assert_int_equal(simulated_pages_held(), held);
    }
    simulated_fail(SIMULATED_VMCLEAR, 1, VMX_FAIL_INVALID, 0);
    assert_null(vcpu_create(&fixture_cpu.capability, &fixture_ept));
    assert_int_equal(simulated_pages_held(), held);
}

static void path_is_host_rip(void **state)
{
    static const char *const stubs[VCPU_PATHS] = {
        [VCPU_PATH_OFF] = vmx_exit_off,           [VCPU_PATH_COUNTS] = vmx_exit_counts,
        [VCPU_PATH_STAMPS] = vmx_exit_stamps,     [VCPU_PATH_FULL] = vmx_exit_full,
        [VCPU_PATH_HARDWARE] = vmx_exit_hardware, [VCPU_PATH_PMU] = vmx_exit_pmu,
        [VCPU_PATH_FLOOR] = vmx_exit_floor,
    };
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(*simulated_field(VMCS_HOST_RIP), (uintptr_t)vmx_exit_off);
    for (int path = 0; path < VCPU_PATHS; path++) {
        unsigned vmwrites = simulated_cpu.executed[SIMULATED_VMWRITE];
        vcpu_set_path(fixture_vcpu, (enum vcpu_path)path);
        assert_int_equal(*simulated_field(VMCS_HOST_RIP), (uintptr_t)stubs[path]);
        assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites + 1);
    }
}

/* The probe levels are the exit stubs' numbers: the driver takes one for the other. */
static void paths_are_probe_levels(void **state)
{
    (void)state;
    assert_int_equal(VCPU_PATH_OFF, PROBE_OFF);
    assert_int_equal(VCPU_PATH_COUNTS, PROBE_COUNTS);
    assert_int_equal(VCPU_PATH_STAMPS, PROBE_STAMPS);
    assert_int_equal(VCPU_PATH_FULL, PROBE_FULL);
    assert_int_equal(VCPU_PATH_HARDWARE, PROBE_HARDWARE);
    assert_int_equal(VCPU_PATH_PMU, PROBE_PMU);
}

static enum vmx_failure next_failure;
static struct vcpu_stop next_stop;

/* VMLAUNCH for a VMCS that is clear, VMRESUME for one that is launched: else errors 4 and 5. */
static enum vmx_failure scripted(struct vcpu *vcpu)
{
    assert_int_equal(vcpu->launched, simulated_cpu.current->launched);
    if (next_failure == VMX_SUCCEED) {
        vcpu->stop = next_stop;
        if (next_stop.cause != STOP_ENTRY_FAILED)
            simulated_cpu.current->launched = true;
    }
    if (next_failure == VMX_FAIL_VALID)
        *simulated_field(VMCS_INSTRUCTION_ERROR) = 7;
    return next_failure;
}

static void run_tells_the_outcomes_apart(void **state)
{
    (void)state;
    stub_guest = scripted;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));

    next_failure = VMX_FAIL_INVALID;
    const struct vcpu_stop *stop = vcpu_run(fixture_vcpu);
    assert_ptr_equal(stop, &fixture_vcpu->stop);
    assert_int_equal(stop->cause, STOP_ENTRY_INVALID);
    assert_int_equal(stop->value, 0);
    assert_null(stop->text);

    next_failure = VMX_FAIL_VALID;
    stop = vcpu_run(fixture_vcpu);
    assert_int_equal(stop->cause, STOP_ENTRY_VALID);
    assert_int_equal(stop->value, 7);
    assert_string_equal(stop->text, "VM entry with invalid control fields");

    next_failure = VMX_SUCCEED;
    next_stop = (struct vcpu_stop){.cause = STOP_ENTRY_FAILED, .exit_reason = 0x80000021};
    stop = vcpu_run(fixture_vcpu);
    assert_int_equal(stop->cause, STOP_ENTRY_FAILED);
    assert_int_equal(stop->exit_reason, 0x80000021);

    next_stop = (struct vcpu_stop){.cause = STOP_PHASE_DONE, .exit_reason = 18};
    stop = vcpu_run(fixture_vcpu);
    assert_int_equal(stop->cause, STOP_PHASE_DONE);
}

/* VMLAUNCH or VMRESUME: whatever happened before, the right one is next. */
static void the_launch_state_is_followed(void **state)
{
    uint64_t seed = 10;
    (void)state;
    stub_guest = scripted;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    for (int i = 0; i < 300; i++) {
        static const enum stop_cause causes[] = {STOP_PHASE_DONE, STOP_ENTRY_FAILED, STOP_HALTED};
        next_failure = (enum vmx_failure)random_below(&seed, 3);
        next_stop = (struct vcpu_stop){.cause = causes[random_below(&seed, 3)]};
        vcpu_run(fixture_vcpu);
        if (i % 7 == 0)
            assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    }
}

extern struct probe_cpu simulated_probe_cpu;

static struct record ring[3]; /* the last is the spare one */

static void open_ring(void)
{
    memset(ring, 0xee, sizeof(ring));
    simulated_probe_cpu = (struct probe_cpu){.next = &ring[0], .end = &ring[2]};
}

static void run_to(enum vmx_failure failure, enum vcpu_path path)
{
    next_failure = failure;
    next_stop = (struct vcpu_stop){.cause = STOP_HALTED};
    vcpu_set_path(fixture_vcpu, path);
    vcpu_run(fixture_vcpu);
}

static void expect_failure(const struct record *record, uint64_t error, uint64_t tsc)
{
    assert_int_equal(record->reason, RECORD_REASON_VMFAIL);
    assert_int_equal(record->reason_flags, 0);
    assert_int_equal(record->flags, RECORD_VMFAIL | RECORD_LEFT);
    assert_int_equal(record->detail, error);
    assert_int_equal(record->entered, tsc);
    assert_int_equal(record->dispatched, tsc);
    assert_int_equal(record->handled, tsc);
    assert_int_equal(record->entering, 0);
    assert_int_equal(record->vmreads, 0);
}

static void entries_that_vmfail_leave_a_record(void **state)
{
    (void)state;
    stub_guest = scripted;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    open_ring();
    simulated_cpu.tsc = 1000;
    run_to(VMX_SUCCEED, VCPU_PATH_FULL);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[0]); /* its exits are the stub's to record */
    run_to(VMX_FAIL_VALID, VCPU_PATH_FULL);
    run_to(VMX_FAIL_INVALID, VCPU_PATH_STAMPS);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[2]);
    expect_failure(&ring[0], 7, 1000);
    expect_failure(&ring[1], 0, 1001);
    assert_int_equal(simulated_probe_cpu.discarded, 0);
    run_to(VMX_FAIL_VALID, VCPU_PATH_FULL);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[2]);
    assert_int_equal(simulated_probe_cpu.discarded, 1);
    for (unsigned i = 0; i < PROBE_REASONS; i++)
        assert_int_equal(simulated_probe_cpu.totals.exits[i], 0);
}

/* Whoever makes room for the records of exits does it for these. */
static struct record *make_room(struct record *spare)
{
    assert_ptr_equal(spare, &ring[2]);
    ring[0] = *spare;
    simulated_probe_cpu.next = &ring[1];
    return &ring[0];
}

static void room_is_made_for_entries_that_vmfail(void **state)
{
    (void)state;
    stub_guest = scripted;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    open_ring();
    simulated_probe_cpu.full = make_room;
    for (int i = 0; i < 2; i++)
        run_to(VMX_FAIL_INVALID, VCPU_PATH_FULL);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[2]);
    simulated_cpu.tsc = 2000;
    run_to(VMX_FAIL_VALID, VCPU_PATH_FULL);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[1]);
    expect_failure(&ring[0], 7, 2000);
    assert_int_equal(simulated_probe_cpu.discarded, 0);
}

static void entries_that_vmfail_are_counted(void **state)
{
    (void)state;
    stub_guest = scripted;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    open_ring();
    run_to(VMX_FAIL_VALID, VCPU_PATH_COUNTS);
    run_to(VMX_FAIL_INVALID, VCPU_PATH_COUNTS);
    assert_int_equal(simulated_probe_cpu.totals.exits[PROBE_REASON_VMFAIL], 2);
    run_to(VMX_FAIL_VALID, VCPU_PATH_OFF);
    run_to(VMX_FAIL_VALID, VCPU_PATH_FLOOR);
    assert_int_equal(simulated_probe_cpu.totals.exits[PROBE_REASON_VMFAIL], 2);
    assert_ptr_equal(simulated_probe_cpu.next, &ring[0]);
    assert_int_equal(ring[0].flags, 0xeeeeeeee);
}

/* What the CPU does at each VM exit of an unrestricted guest that has changed its mode. */
static enum vmx_failure leaves_long_mode(struct vcpu *vcpu)
{
    *simulated_field(VMCS_ENTRY_CONTROLS) &= ~(uint64_t)ENTRY_IA32E_GUEST;
    vcpu->stop = (struct vcpu_stop){.cause = STOP_HALTED};
    return VMX_SUCCEED;
}

static void entry_controls_follow_the_guest(void **state)
{
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    uint32_t entry = fixture_vcpu->controls[CONTROL_ENTRY];
    assert_true(entry & ENTRY_IA32E_GUEST);
    stub_guest = leaves_long_mode;
    vcpu_run(fixture_vcpu);
    assert_int_equal(fixture_vcpu->controls[CONTROL_ENTRY], entry & ~(uint32_t)ENTRY_IA32E_GUEST);
}

static enum vmx_failure entered(struct vcpu *vcpu)
{
    vcpu->stop = (struct vcpu_stop){.cause = STOP_HALTED};
    return VMX_SUCCEED;
}

/* Once before the guest runs on a map that has lost something, and not at every entry. */
static void invept_is_executed_before_the_guest_runs(void **state)
{
    const unsigned *invepts = &simulated_cpu.executed[SIMULATED_INVEPT];
    (void)state;
    stub_guest = entered;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_HALTED);
    assert_int_equal(*invepts, 1);
    assert_true(ept_map(&fixture_ept, 0, 0x5000, PAGE_SIZE, EPT_ALL));
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_HALTED);
    assert_int_equal(*invepts, 1);
    assert_true(ept_unmap(&fixture_ept, 0, PAGE_SIZE));
    simulated_fail(SIMULATED_INVEPT, 1, VMX_FAIL_INVALID, 0);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_VMCS_REFUSED);
    assert_string_equal(fixture_vcpu->stop.text, "INVEPT");
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_HALTED);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_HALTED);
    assert_int_equal(*invepts, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcpu_test(created_and_destroyed),
        vcpu_test(block_layout),
        vcpu_test(creation_fails_without_a_trace),
        vcpu_test(path_is_host_rip),
        vcpu_test(paths_are_probe_levels),
        vcpu_test(run_tells_the_outcomes_apart),
        vcpu_test(the_launch_state_is_followed),
        vcpu_test(entries_that_vmfail_leave_a_record),
        vcpu_test(room_is_made_for_entries_that_vmfail),
        vcpu_test(entries_that_vmfail_are_counted),
        vcpu_test(entry_controls_follow_the_guest),
        vcpu_test(invept_is_executed_before_the_guest_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
