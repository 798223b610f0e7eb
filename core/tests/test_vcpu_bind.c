/* SPDX-License-Identifier: MIT */
/* Which vCPU is whose: CPU 5 is the fixture's, CPU 6 is in VMX operation too. */
#include "vcpu_fixture.h"

#include "../x86/msr.h"

#include <string.h>

#define HERE  5u
#define THERE 6u

#define HOST_FIELDS 20u

static struct vmx_cpu other_cpu;

static int two_cpus(void **state)
{
    if (vcpu_setup(state))
        return -1;
    simulated_cpu_number_set(THERE);
    if (vmx_enable(&other_cpu))
        return -1;
    simulated_cpu_number_set(HERE);
    return 0;
}

static int back_to_none(void **state)
{
    simulated_cpu_number_set(THERE);
    vcpu_unbind(fixture_vcpu);
    vmx_disable(&other_cpu);
    simulated_cpu_number_set(HERE);
    return vcpu_teardown(state);
}

/* Instructions of a kind since the last time. */
static unsigned executed(enum simulated_instruction instruction)
{
    unsigned count = simulated_cpu.executed[instruction];
    simulated_cpu.executed[instruction] = 0;
    return count;
}

static unsigned entries;

static enum vmx_failure enters(struct vcpu *vcpu)
{
    entries++;
    assert_int_equal(vcpu->launched, simulated_cpu.current->launched);
    assert_int_equal(simulated_cpu.current->physical, vcpu->vmcs.physical);
    simulated_cpu.current->launched = true;
    vcpu->stop = (struct vcpu_stop){.cause = STOP_PHASE_DONE};
    return VMX_SUCCEED;
}

static void ready(struct vcpu *vcpu)
{
    stub_guest = enters;
    entries = 0;
    assert_true(vcpu_apply_policy(vcpu, &fixture_policy));
}

static void binding_again_costs_nothing(void **state)
{
    (void)state;
    assert_null(vcpu_bind(fixture_vcpu));
    assert_int_equal(fixture_vcpu->cpu, HERE);
    assert_int_equal(simulated_cpu.current->physical, fixture_vcpu->vmcs.physical);
    assert_int_equal(executed(SIMULATED_VMPTRLD), 1);
    assert_int_equal(executed(SIMULATED_VMWRITE), HOST_FIELDS);
    for (int i = 0; i < 3; i++)
        assert_null(vcpu_bind(fixture_vcpu));
    assert_int_equal(executed(SIMULATED_VMPTRLD), 0);
    assert_int_equal(executed(SIMULATED_VMWRITE), 0);
}

static void host_state_follows_the_cpu(void **state)
{
    uint64_t *const registers[] = {&simulated_cpu.cr0, &simulated_cpu.cr3, &simulated_cpu.cr4};
    static const enum vmcs_field fields[] = {VMCS_HOST_CR0, VMCS_HOST_CR3, VMCS_HOST_CR4};
    (void)state;
    assert_null(vcpu_bind(fixture_vcpu));
    for (size_t i = 0; i < COUNT_OF(registers); i++) {
        executed(SIMULATED_VMWRITE);
        *registers[i] ^= 0x80;
        assert_null(vcpu_bind(fixture_vcpu));
        assert_int_equal(executed(SIMULATED_VMWRITE), HOST_FIELDS);
        assert_int_equal(*simulated_field(fields[i]), *registers[i]);
        *registers[i] ^= 0x80;
    }
    assert_null(vcpu_bind(fixture_vcpu));
    executed(SIMULATED_VMWRITE);

    /* Off and on again on one CPU: the VMCS has kept it. On another one it is another. */
    assert_true(vcpu_unbind(fixture_vcpu));
    assert_null(vcpu_bind(fixture_vcpu));
    assert_int_equal(executed(SIMULATED_VMWRITE), 0);
    assert_true(vcpu_unbind(fixture_vcpu));
    simulated_cpu_number_set(THERE);
    simulated_msr_set(IA32_GS_BASE, 0x6006);
    assert_null(vcpu_bind(fixture_vcpu));
    assert_int_equal(executed(SIMULATED_VMWRITE), HOST_FIELDS);
    assert_int_equal(*simulated_field(VMCS_HOST_GS_BASE), 0x6006);
}

static void bound_elsewhere(void **state)
{
    const struct vcpu_stop stop = {.cause = STOP_HALTED, .value = 77};
    (void)state;
    ready(fixture_vcpu);
    fixture_vcpu->stop = stop;
    simulated_cpu_number_set(THERE);
    memset(simulated_cpu.executed, 0, sizeof(simulated_cpu.executed));
    const struct vcpu_stop *refusal = vcpu_bind(fixture_vcpu);
    assert_non_null(refusal);
    assert_int_equal(refusal->cause, STOP_BOUND_ELSEWHERE);
    assert_string_equal(stop_cause_name(refusal->cause), "the vCPU is bound to another CPU");
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_BOUND_ELSEWHERE);
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_false(vcpu_unbind(fixture_vcpu));
    assert_false(vcpu_destroy(fixture_vcpu));
    for (int i = 0; i < SIMULATED_INSTRUCTIONS; i++)
        assert_int_equal(simulated_cpu.executed[i], 0);
    assert_int_equal(entries, 0);
    assert_int_equal(fixture_vcpu->cpu, HERE);
    assert_memory_equal(&fixture_vcpu->stop, &stop, sizeof(stop)); /* its own CPU's to write */
    simulated_cpu_number_set(HERE);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_PHASE_DONE);
}

/*
 * From one CPU to another: the launch state, a debt of INVVPID each time, and of INVEPT where it
 * was not on that CPU last.
 */
static void migration(void **state)
{
    (void)state;
    ready(fixture_vcpu);
    for (int i = 0; i < 6; i++) {
        simulated_cpu_number_set(i % 3 ? HERE : THERE);
        if (i == 0) {
            simulated_cpu_number_set(HERE);
            assert_true(vcpu_unbind(fixture_vcpu));
            simulated_cpu_number_set(THERE);
        }
        executed(SIMULATED_INVEPT);
        executed(SIMULATED_INVVPID);
        for (int run = 0; run < 3; run++) {
            assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_PHASE_DONE);
            assert_true(fixture_vcpu->launched);
            assert_int_equal(executed(SIMULATED_INVEPT), run == 0 && i % 3 != 2);
            assert_int_equal(executed(SIMULATED_INVVPID), run == 0);
        }
        assert_int_equal(simulated_cpu.invept.selector, fixture_ept.pointer);
        assert_int_equal(simulated_cpu.invept_type, 1);
        assert_int_equal(simulated_cpu.invvpid.selector, fixture_vcpu->vpid);
        assert_int_equal(simulated_cpu.invvpid_type, 1);
        assert_true(vcpu_unbind(fixture_vcpu));
        assert_false(fixture_vcpu->launched);
        assert_null(simulated_cpu.current);
        assert_true(vcpu_unbind(fixture_vcpu));
    }
}

/* While it has no VPID, what the guest invalidates is not invalidated of its VPID. */
static void a_policy_owes_invalidations(void **state)
{
    (void)state;
    ready(fixture_vcpu);
    vcpu_run(fixture_vcpu);
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    executed(SIMULATED_INVVPID);
    vcpu_run(fixture_vcpu);
    assert_int_equal(executed(SIMULATED_INVVPID), 1);
}

static void cpus_with_less_of_invept(void **state)
{
    (void)state;
    ready(fixture_vcpu);
    fixture_ept.invept = 2;
    vcpu_run(fixture_vcpu);
    assert_int_equal(simulated_cpu.invept_type, 2);
    fixture_ept.invept = 0;
    fixture_vcpu->ept_seen = (struct ept_seen){0};
    assert_true(vcpu_unbind(fixture_vcpu));
    executed(SIMULATED_INVEPT);
    vcpu_run(fixture_vcpu);
    assert_int_equal(executed(SIMULATED_INVEPT), 0);
    assert_int_equal(entries, 2);
}

static void two_take_turns(void **state)
{
    struct vcpu *second = vcpu_create(&fixture_cpu.capability, &fixture_ept);
    (void)state;
    assert_non_null(second);
    assert_int_not_equal(second->vpid, fixture_vcpu->vpid);
    ready(fixture_vcpu);
    ready(second);
    vcpu_run(fixture_vcpu);
    vcpu_run(second);
    memset(simulated_cpu.executed, 0, sizeof(simulated_cpu.executed));
    for (int i = 0; i < 10; i++) {
        vcpu_run(fixture_vcpu); /* and again: it is current */
        vcpu_run(fixture_vcpu);
        vcpu_run(second);
        assert_true(fixture_vcpu->launched && second->launched);
    }
    assert_int_equal(executed(SIMULATED_VMPTRLD), 20);
    assert_int_equal(executed(SIMULATED_VMCLEAR), 0);
    assert_int_equal(executed(SIMULATED_VMWRITE), 0);
    assert_int_equal(executed(SIMULATED_INVVPID) + executed(SIMULATED_INVEPT), 0);
    /* Taking off the one that is not current leaves the other one current. */
    assert_true(vcpu_unbind(fixture_vcpu));
    assert_int_equal(simulated_cpu.current->physical, second->vmcs.physical);
    assert_null(vcpu_bind(second));
    assert_int_equal(executed(SIMULATED_VMPTRLD), 0);
    assert_true(vcpu_destroy(second));
    assert_null(simulated_cpu.current);
}

static void a_refused_vmptrld_leaves_it_unbound(void **state)
{
    (void)state;
    simulated_fail(SIMULATED_VMPTRLD, 1, VMX_FAIL_INVALID, 0);
    const struct vcpu_stop *refusal = vcpu_bind(fixture_vcpu);
    assert_ptr_equal(refusal, &fixture_vcpu->stop);
    assert_int_equal(refusal->cause, STOP_VMCS_REFUSED);
    assert_string_equal(refusal->text, "VMPTRLD");
    assert_int_equal(fixture_vcpu->cpu, VCPU_UNBOUND);
    simulated_cpu_number_set(THERE);
    assert_null(vcpu_bind(fixture_vcpu));
}

static void refused_host_state_leaves_it_unbound(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= HOST_FIELDS; n++) {
        simulated_fail(SIMULATED_VMWRITE, n, VMX_FAIL_VALID, 12);
        const struct vcpu_stop *refusal = vcpu_bind(fixture_vcpu);
        assert_ptr_equal(refusal, &fixture_vcpu->stop);
        assert_int_equal(refusal->cause, STOP_VMCS_REFUSED);
        assert_string_equal(refusal->text, vmcs_field_name((uint32_t)refusal->value));
        assert_int_equal(fixture_vcpu->cpu, VCPU_UNBOUND);
        assert_null(simulated_cpu.current);
    }
    executed(SIMULATED_VMWRITE);
    assert_null(vcpu_bind(fixture_vcpu)); /* not taken for written */
    assert_int_equal(executed(SIMULATED_VMWRITE), HOST_FIELDS);
}

static void destroyed_while_bound(void **state)
{
    struct vcpu *second = vcpu_create(&fixture_cpu.capability, &fixture_ept);
    (void)state;
    assert_non_null(second);
    uint16_t vpid = second->vpid;
    ready(second);
    vcpu_run(second);
    assert_true(vcpu_destroy(second));
    assert_null(simulated_cpu.current);
    second = vcpu_create(&fixture_cpu.capability, &fixture_ept);
    assert_int_equal(second->vpid, vpid);
    ready(second);
    executed(SIMULATED_INVVPID);
    vcpu_run(second); /* whose VPID was another's here */
    assert_int_equal(executed(SIMULATED_INVVPID), 1);
    assert_int_equal(simulated_cpu.invvpid.selector, vpid);
    assert_true(vcpu_destroy(second));
}

static void kicked(void **state)
{
    (void)state;
    ready(fixture_vcpu);
    vcpu_kick(fixture_vcpu); /* by its own CPU, so it does not run */
    assert_int_equal(simulated_host.kicked, 0);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_KICKED);
    assert_int_equal(entries, 0);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_PHASE_DONE);

    simulated_cpu_number_set(THERE);
    vcpu_kick(fixture_vcpu);
    assert_int_equal(simulated_host.kicked, 1ull << HERE);
    simulated_cpu_number_set(HERE);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_KICKED);
    assert_true(vcpu_unbind(fixture_vcpu));
    simulated_cpu_number_set(THERE);
    vcpu_kick(fixture_vcpu); /* bound to none */
    assert_int_equal(simulated_host.kicked, 1ull << HERE);
    assert_int_equal(vcpu_run(fixture_vcpu)->cause, STOP_KICKED);
    assert_int_equal(entries, 1);
}

#define bind_test(function) cmocka_unit_test_setup_teardown(function, two_cpus, back_to_none)

int main(void)
{
    const struct CMUnitTest tests[] = {
        bind_test(binding_again_costs_nothing),
        bind_test(host_state_follows_the_cpu),
        bind_test(bound_elsewhere),
        bind_test(migration),
        bind_test(a_policy_owes_invalidations),
        bind_test(cpus_with_less_of_invept),
        bind_test(two_take_turns),
        bind_test(a_refused_vmptrld_leaves_it_unbound),
        bind_test(refused_host_state_leaves_it_unbound),
        bind_test(destroyed_while_bound),
        bind_test(kicked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
