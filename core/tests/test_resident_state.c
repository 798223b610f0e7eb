/* SPDX-License-Identifier: MIT */
/* When state moves, what is executed for it, and what is refused. */
#include "resident_fixture.h"
#include "vcpu_fixture.h"

#include "../x86/msr.h"

static struct vcpu *second;
static struct resident_model seen; /* by the guest, when it is entered */
static void (*as_guest)(struct vcpu *vcpu);

static enum vmx_failure enter(struct vcpu *vcpu)
{
    seen = resident_look();
    if (as_guest)
        as_guest(vcpu);
    vcpu->stop = (struct vcpu_stop){.cause = STOP_PHASE_DONE};
    return VMX_SUCCEED;
}

static int two_vcpus(void **state)
{
    if (vcpu_setup(state))
        return -1;
    stub_guest = enter;
    as_guest = NULL;
    second = vcpu_create(&fixture_cpu.capability, &fixture_ept);
    return second ? 0 : -1;
}

static int no_vcpus(void **state)
{
    vcpu_destroy(second);
    return vcpu_teardown(state);
}

static void run(struct vcpu *vcpu)
{
    assert_int_equal(vcpu_run(vcpu)->cause, STOP_PHASE_DONE);
}

static void set_xcr0(struct vcpu *vcpu, uint64_t value)
{
    vcpu->xcr0 = simulated_cpu.xcr0 = value;
}

/* What vcpu_run() executes to move state. */
static void run_costs(struct vcpu *vcpu, unsigned wrmsrs, unsigned xsetbvs, unsigned moves)
{
    const struct simulated_cpu *cpu = &simulated_cpu;
    unsigned before[] = {cpu->wrmsrs, cpu->xsetbvs, cpu->extended.saves, cpu->extended.loads,
                         cpu->rdmsrs};

    run(vcpu);
    assert_int_equal(cpu->wrmsrs - before[0], wrmsrs);
    assert_int_equal(cpu->xsetbvs - before[1], xsetbvs);
    assert_int_equal(cpu->extended.saves - before[2], moves);
    assert_int_equal(cpu->extended.loads - before[3], moves);
    if (!moves)
        assert_int_equal(cpu->rdmsrs, before[4]);
}

static void the_same_again(void **state)
{
    (void)state;
    run(fixture_vcpu);
    set_xcr0(fixture_vcpu, 3);
    simulated_msr(IA32_LSTAR)->value = 0x123;
    for (int i = 0; i < 5; i++)
        run_costs(fixture_vcpu, 0, 0, 0);
    assert_int_equal(seen.xcr0, 3);
    assert_int_equal(seen.value[RESIDENT_LSTAR], 0x123);
}

static void equal_values(void **state)
{
    (void)state;
    run(fixture_vcpu);
    set_xcr0(fixture_vcpu, 7);
    run(second);
    set_xcr0(second, 7);
    for (int i = 0; i < 4; i++)
        run_costs(i & 1 ? second : fixture_vcpu, 0, 0, 1);
}

static void only_what_differs(void **state)
{
    (void)state;
    run(fixture_vcpu);
    set_xcr0(fixture_vcpu, 7);
    simulated_msr(IA32_LSTAR)->value = 0x123;
    simulated_cpu.dr[2] = 2;
    run_costs(second, 1, 1, 1); /* down to XCR0 1 */
    assert_int_equal(seen.value[RESIDENT_LSTAR], 0);
    assert_int_equal(seen.value[RESIDENT_DR2], 0);
    simulated_msr(IA32_TSC_AUX)->value = 5;
    simulated_msr(IA32_FMASK)->value = 6;
    run_costs(fixture_vcpu, 3, 1, 1); /* up to 7, under which state moves */
    assert_int_equal(seen.value[RESIDENT_LSTAR], 0x123);
    assert_int_equal(seen.value[RESIDENT_DR2], 2);
    assert_int_equal(seen.value[RESIDENT_TSC_AUX], 0);
    run_costs(second, 3, 1, 1);
    set_xcr0(second, 7);
    run_costs(fixture_vcpu, 3, 0, 1);
}

/* A component outlives its bit in XCR0, so it is found neither by the next guest nor lost. */
static void state_behind_a_clear_bit(void **state)
{
    (void)state;
    run(fixture_vcpu);
    set_xcr0(fixture_vcpu, 7);
    simulated_cpu.extended.component[2] = 0xa11;
    set_xcr0(fixture_vcpu, 1);
    run_costs(second, 0, 2, 1);
    assert_int_equal(seen.component[2], 0);
    assert_int_equal(seen.xcr0, 1);
    run(fixture_vcpu);
    assert_int_equal(seen.component[2], 0xa11);
}

static void scribble(struct vcpu *vcpu)
{
    (void)vcpu;
    simulated_cpu.cr2 = simulated_cpu.dr[0] = simulated_cpu.dr[3] = 0xbad;
    simulated_cpu.dr6 = 0xffff0fff;
    for (int i = RESIDENT_STAR; i < RESIDENT_REGISTERS; i++)
        if (simulated_msr(resident_msr[i]))
            simulated_msr(resident_msr[i])->value = 0xbad;
    simulated_cpu.extended.component[0] = simulated_cpu.extended.component[1] = 0xbad;
    simulated_cpu.extended.component[2] = 0xbad;
    simulated_cpu.extended.fcw = 0x27f;
    simulated_cpu.extended.mxcsr = 0;
    set_xcr0(vcpu, 7);
}

static void a_start_is_a_reset(void **state)
{
    static const struct vcpu_start start;
    const struct resident_model initial = resident_initial();
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    as_guest = scribble;
    for (int i = 0; i < 3; i++) {
        assert_true(vcpu_start(fixture_vcpu, &start));
        assert_int_equal(fixture_vcpu->xcr0, 1);
        run(fixture_vcpu);
        resident_expect(&seen, &initial);
        if (i) /* held by this CPU at one start, saved at another */
            resident_leave(fixture_vcpu);
    }
}

/* The host's values before any guest ran, however it takes the CPU back. */
static void the_host_gets_its_own_back(void **state)
{
    const struct resident_model hosts = resident_look();
    struct resident_model is;
    (void)state;
    as_guest = scribble;
    run(fixture_vcpu);
    run(second);
    resident_to_host();
    is = resident_look();
    resident_expect(&is, &hosts);
    unsigned loads = simulated_cpu.extended.loads, rdmsrs = simulated_cpu.rdmsrs;
    resident_to_host();
    assert_int_equal(simulated_cpu.extended.loads, loads);
    assert_int_equal(simulated_cpu.rdmsrs, rdmsrs);

    run(second);
    vcpu_destroy(second);
    is = resident_look();
    resident_expect(&is, &hosts);
    second = NULL;

    run(fixture_vcpu);
    assert_true(vcpu_unbind(fixture_vcpu)); /* nobody's */
    assert_int_equal(fixture_vcpu->resident.cpu, RESIDENT_NOWHERE);
    vmx_disable(&fixture_cpu);
    is = resident_look();
    resident_expect(&is, &hosts);
    assert_null(vmx_enable(&fixture_cpu));
    run(fixture_vcpu);
    assert_int_equal(seen.component[2], 0xbad);
    assert_int_equal(seen.value[RESIDENT_KERNEL_GS_BASE], 0xbad);
}

static void leaving(void **state)
{
    (void)state;
    as_guest = scribble;
    run(fixture_vcpu);
    as_guest = NULL;
    unsigned saves = simulated_cpu.extended.saves, loads = simulated_cpu.extended.loads;
    resident_leave(second); /* held nowhere */
    assert_int_equal(simulated_cpu.extended.saves, saves);
    resident_leave(fixture_vcpu);
    resident_leave(fixture_vcpu);
    assert_int_equal(simulated_cpu.extended.saves, saves + 1);
    assert_int_equal(fixture_vcpu->resident.cpu, RESIDENT_NOWHERE);
    unsigned wrmsrs = simulated_cpu.wrmsrs;
    run(fixture_vcpu);
    assert_int_equal(simulated_cpu.wrmsrs, wrmsrs); /* its values are still there */
    assert_int_equal(simulated_cpu.extended.saves, saves + 1);
    assert_int_equal(simulated_cpu.extended.loads, loads + 1);
    assert_int_equal(seen.value[RESIDENT_STAR], 0xbad);
}

static void refuses(struct vcpu *vcpu, uint64_t value, const char *text)
{
    const struct vcpu_stop *stop = &vcpu->stop;
    assert_false(resident_take(vcpu));
    assert_int_equal(stop->cause, STOP_CPU_REFUSED);
    assert_int_equal(stop->value, value);
    assert_string_equal(stop->text, text);
}

static void held_elsewhere(void **state)
{
    static const uint32_t others[] = {6, PLATFORM_CPUS_MAX, UINT32_MAX - 1};
    (void)state;
    run(fixture_vcpu);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        simulated_cpu_number_set(others[i]);
        refuses(second, others[i], "it is not in VMX operation");
    }
    resident_leave(fixture_vcpu); /* nothing: it is not this CPU that holds it */
    resident_to_host();
    simulated_cpu_number_set(5);
    assert_int_equal(fixture_vcpu->resident.cpu, 5);
    fixture_vcpu->resident.cpu = 4;
    refuses(fixture_vcpu, 4, "another CPU still holds them");
    fixture_vcpu->resident.cpu = 5;
    run_costs(fixture_vcpu, 0, 0, 0);
}

/* A guest with wider linear addresses than the host's can have such a value. */
static void an_msr_that_refuses(void **state)
{
    (void)state;
    as_guest = scribble;
    run(fixture_vcpu);
    as_guest = NULL;
    run(second);
    simulated_msr(IA32_LSTAR)->read_only = true;
    refuses(fixture_vcpu, IA32_LSTAR, "an MSR refuses its value");
    run(second);
    assert_int_equal(seen.value[RESIDENT_STAR], 0);
    assert_int_equal(seen.component[2], 0);
    simulated_msr(IA32_LSTAR)->read_only = false;
    run(fixture_vcpu);
    assert_int_equal(seen.value[RESIDENT_LSTAR], 0xbad);
    assert_int_equal(seen.component[2], 0xbad);
}

/* XSAVEOPT would take the area for one that it has just loaded, were that load not forgotten. */
static void the_first_save_is_whole(void **state)
{
    (void)state;
    const void *loaded_from = simulated_cpu.extended.loaded_from;
    assert_non_null(loaded_from);
    vcpu_destroy(second);
    second = NULL;
    resident_destroy(fixture_vcpu);
    vmx_disable(&fixture_cpu);
    simulated_cpu.extended.loaded_from = &seen;
    assert_null(vmx_enable(&fixture_cpu));
    assert_ptr_equal(simulated_cpu.extended.loaded_from, loaded_from);
    assert_true(resident_create(fixture_vcpu));
}

static void promised_and_absent(void **state)
{
    (void)state;
    vmx_disable(&fixture_cpu);
    simulated_leaf(7, 0)->edx = 1u << 31;
    simulated_leaf(0xd, 1)->eax |= CPUID_D_1_EAX_XFD;
    simulated_leaf(0x80000001, 0)->edx &= ~CPUID_80000001_EDX_RDTSCP;
    simulated_msr_remove(IA32_TSC_AUX);
    assert_null(vmx_enable(&fixture_cpu));
    run(fixture_vcpu);
    run(second);
    simulated_msr_set(IA32_TSC_AUX, 0);
}

#define resident_test(function) cmocka_unit_test_setup_teardown(function, two_vcpus, no_vcpus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        resident_test(the_same_again),
        resident_test(equal_values),
        resident_test(only_what_differs),
        resident_test(state_behind_a_clear_bit),
        resident_test(a_start_is_a_reset),
        resident_test(the_host_gets_its_own_back),
        resident_test(leaving),
        resident_test(held_elsewhere),
        resident_test(an_msr_that_refuses),
        resident_test(the_first_save_is_whole),
        resident_test(promised_and_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
