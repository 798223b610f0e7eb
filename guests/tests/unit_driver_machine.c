/* SPDX-License-Identifier: MIT */
/* What the driver says of the machine, and of what disturbed its jobs. */
#include "jobs_fixture.h"

#include "../../core/tests/stub_entry.h"
#include "../../core/x86/msr.h"

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

/* An SMI strikes while the second job's op phase runs: the first phases are only counted. */
static enum vmx_failure smi_strikes(struct vcpu *vcpu)
{
    if (entry_count == entry_of(1, PHASE_OP) || entry_count == entry_of(0, PHASE_COUNT_OP))
        simulated_msr(MSR_SMI_COUNT)->value++;
    return jobs_guest(vcpu);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        jobs_test(the_machine),
        jobs_test(the_state_of_the_machine),
        jobs_test(disturbed_jobs_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
