/* SPDX-License-Identifier: MIT */
/*
 * Three vCPUs and the host take turns on two CPUs in a random order, each changing what it has at
 * random: each finds what it left, whatever the CPU moves extended state with.
 */
#include "resident_fixture.h"
#include "vcpu_fixture.h"

#include <string.h>

#define CPUS  2u
#define VCPUS 3u
#define STEPS 1500u

static unsigned here; /* the CPU that simulated_cpu is */
static struct vmx_cpu vmx[CPUS];
static struct vcpu *vcpus[VCPUS];
static struct resident_model guests[VCPUS], hosts[CPUS];
static uint64_t seed, components, xss;
static unsigned runs;

static void go_to(unsigned cpu)
{
    here = cpu;
    simulated_cpu_number_set(cpu);
}

/* Initial contents now and then: they are saved and loaded in another way. */
static uint64_t anything(void)
{
    return random_below(&seed, 4) ? random_bits(&seed) : 0;
}

/* Whoever the CPU holds changes some of what it has, as software can. */
static void change(void)
{
    struct simulated_cpu *cpu = &simulated_cpu;
    const uint64_t changed = random_bits(&seed) & random_bits(&seed);

    if (changed & 1)
        cpu->cr2 = anything();
    for (int i = 0; i < 4; i++)
        if (changed >> (1 + i) & 1)
            cpu->dr[i] = anything();
    if (changed >> 5 & 1)
        x86_write_dr6((uint32_t)anything());
    for (int i = RESIDENT_STAR; i < RESIDENT_REGISTERS; i++)
        if (changed >> i & 1 && simulated_msr(resident_msr[i]))
            simulated_msr(resident_msr[i])->value = i == RESIDENT_XSS ? anything() & xss
                                                    : i == RESIDENT_XFD
                                                        ? anything() & components & 1ull << 18
                                                        : anything();
    for (int i = 0; i < SIMULATED_COMPONENTS; i++)
        if (components >> i & 1 && random_below(&seed, 3) == 0)
            cpu->extended.component[i] = anything();
    if (changed >> 20 & 1)
        cpu->extended.mxcsr = (uint32_t)anything() & 0xffff;
    if (changed >> 21 & 1)
        cpu->extended.fcw = (uint16_t)anything();
}

static enum vmx_failure guest_runs(struct vcpu *vcpu)
{
    unsigned number = 0;
    while (vcpus[number] != vcpu)
        number++;
    const struct resident_model is = resident_look();
    resident_expect(&is, &guests[number]);
    change();
    if (vcpu->capability->xcr0 && random_below(&seed, 3) == 0) {
        static const uint64_t values[] = {1, 3, 7, UINT64_MAX};
        vcpu->xcr0 = simulated_cpu.xcr0 = values[random_below(&seed, 4)] & vcpu->capability->xcr0;
    }
    guests[number] = resident_look();
    vcpu->stop = (struct vcpu_stop){.cause = STOP_PHASE_DONE};
    runs++;
    return VMX_SUCCEED;
}

static void run(unsigned number)
{
    struct vcpu *vcpu = vcpus[number];
    const unsigned cpu = here;
    const bool elsewhere = vcpu->cpu == 1 - cpu;

    const struct vcpu_stop *stop = vcpu_run(vcpu);
    if (elsewhere) {
        assert_int_equal(stop->cause, STOP_BOUND_ELSEWHERE);
        go_to(1 - cpu);
        assert_true(vcpu_unbind(vcpu));
        assert_int_equal(vcpu->resident.cpu, RESIDENT_NOWHERE);
        go_to(cpu);
        stop = vcpu_run(vcpu);
    }
    assert_int_equal(stop->cause, STOP_PHASE_DONE);
    assert_int_equal(vcpu->resident.cpu, cpu);
}

static void host_runs(void)
{
    resident_to_host();
    const struct resident_model is = resident_look();
    resident_expect(&is, &hosts[here]);
    change();
    hosts[here] = resident_look();
}

static void step(void)
{
    const unsigned number = random_below(&seed, VCPUS);

    switch (random_below(&seed, 8)) {
    case 0:
        go_to(1 - here);
        break;
    case 1:
        host_runs();
        break;
    case 2:
        resident_leave(vcpus[number]); /* which may be held here, there or nowhere */
        break;
    case 3:
        if (vcpus[number]->resident.cpu == 1 - here || random_below(&seed, 4))
            break;
        resident_reset(vcpus[number]);
        guests[number] = resident_initial();
        break;
    default:
        run(number);
    }
}

static void prepare(enum resident_form form)
{
    resident_form(form);
    here = runs = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        go_to(i);
        assert_null(vmx_enable(&vmx[i]));
        components = vmx[i].capability.xcr0 | vmx[i].capability.xss;
        if (!components)
            components = 3;
        xss = form == RESIDENT_XSAVES ? 0x1900 : 0; /* what the MSR takes: PT, too */
        change();
        hosts[i] = resident_look();
    }
    assert_null(ept_create(&fixture_ept, &vmx[here].capability));
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpus[i] = vcpu_create(&vmx[here].capability, &fixture_ept);
        assert_non_null(vcpus[i]);
        guests[i] = resident_initial();
    }
    stub_guest = guest_runs;
}

static void conclude(void)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        if (vcpus[i]->cpu != VCPU_UNBOUND)
            go_to(vcpus[i]->cpu);
        assert_true(vcpu_destroy(vcpus[i]));
    }
    ept_destroy(&fixture_ept);
    for (unsigned i = 0; i < CPUS; i++) {
        go_to(i);
        vmx_disable(&vmx[i]);
        const struct resident_model is = resident_look();
        resident_expect(&is, &hosts[i]);
    }
}

static void turns(enum resident_form form)
{
    for (unsigned round = 0; round < 4; round++) {
        seed = 100 * (unsigned)form + round;
        prepare(form);
        for (unsigned i = 0; i < STEPS / 4; i++) {
            step();
            if (simulated_cpu.faults)
                return;
        }
        assert_true(runs > STEPS / 16);
        conclude();
        if (simulated_cpu.faults)
            fail_msg("%s", simulated_cpu.first_fault);
        simulated_cpu_reset();
    }
}

#define TURNS(form)                     \
    static void by_##form(void **state) \
    {                                   \
        (void)state;                    \
        turns(RESIDENT_##form);         \
    }
TURNS(FXSAVE)
TURNS(XSAVE)
TURNS(XSAVEOPT)
TURNS(XSAVES)

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(by_FXSAVE),
        simulated_test(by_XSAVE),
        simulated_test(by_XSAVEOPT),
        simulated_test(by_XSAVES),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
