/* SPDX-License-Identifier: MIT */
/* What may have disturbed a job, read around its phases and judged. */
#include "../image/validity.h"

#include "../../core/tests/simulated_cpu.h"
#include "../../core/tests/tests.h"
#include "../../core/x86/msr.h"

static struct job_validity validity;

/* What happens on the CPU in the control phase and in the op phase. */
struct phases {
    uint64_t tsc[2], aperf[2], mperf[2];
    uint32_t smis[2], nmis[2];
};

static const struct phases calm = {{5000, 8000}, {4500, 7200}, {5000, 8000}, {0, 0}, {0, 0}};

static void furnish(void)
{
    simulated_leaf(6, 0)->ecx = CPUID_6_ECX_APERF_MPERF;
    simulated_msr_set(IA32_APERF, 3000);
    simulated_msr_set(IA32_MPERF, 2000);
    simulated_msr_set(MSR_SMI_COUNT, 17);
    simulated_msr(MSR_SMI_COUNT)->read_only = true;
}

static uint32_t verdict_of(const struct phases *phases)
{
    validity = (struct job_validity){0};
    for (int next = PHASE_COUNT_CONTROL; next < PHASE_COUNT; next++) {
        int phase = next - PHASE_OP; /* the one that has just ended */
        if (phase >= 0 && next <= PHASE_TWICE) {
            /* reading the TSC takes a tick of its own */
            simulated_cpu.tsc += phases->tsc[phase] - 1;
            if (simulated_msr(IA32_APERF)) {
                simulated_msr(IA32_APERF)->value += phases->aperf[phase];
                simulated_msr(IA32_MPERF)->value += phases->mperf[phase];
            }
            simulated_nmis_come(phases->nmis[phase]);
            if (simulated_msr(MSR_SMI_COUNT))
                simulated_msr(MSR_SMI_COUNT)->value += phases->smis[phase];
        }
        assert_int_equal(validity.verdict, 0);
        validity_note(&validity, (enum phase)next);
    }
    return validity.verdict;
}

static void a_calm_job(void **state)
{
    (void)state;
    furnish();
    assert_int_equal(verdict_of(&calm), VALIDITY_JUDGED);
    assert_string_equal(validity.clocks_absent, "");
    assert_string_equal(validity.smis_absent, "");
    assert_int_equal(validity.smis, 0);
    for (int phase = 0; phase < 2; phase++) {
        assert_int_equal(validity.core_per_mille[phase], 900);
        assert_int_equal(validity.awake_per_mille[phase], 1000);
    }
    for (int i = 0; i < VALIDITY_MOMENTS; i++) {
        const struct validity_reading *reading = &validity.readings[i];
        assert_int_equal(reading->flags,
                         VALIDITY_HAS_CLOCKS | VALIDITY_HAS_SMI_COUNT | VALIDITY_HAS_NMI_COUNT);
        assert_int_equal(reading->smi_count, 17);
    }
    assert_int_equal(validity.readings[1].tsc - validity.readings[0].tsc, 5000);
    assert_int_equal(validity.readings[2].aperf, 3000 + 4500 + 7200);
    assert_int_equal(validity.readings[2].mperf, 2000 + 5000 + 8000);
}

static void smis_in_either_phase(void **state)
{
    struct phases phases = calm;
    (void)state;
    furnish();
    for (int phase = 0; phase < 2; phase++) {
        phases = calm;
        phases.smis[phase] = 2;
        assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_SMI);
        assert_int_equal(validity.smis, 2);
    }
    phases.smis[0] = 3;
    verdict_of(&phases);
    assert_int_equal(validity.smis, 5);
}

static void nmis_in_either_phase(void **state)
{
    struct phases phases;
    (void)state;
    furnish();
    simulated_nmis_come(UINT32_MAX); /* before the job: no part of it, and the count wraps */
    assert_int_equal(verdict_of(&calm), VALIDITY_JUDGED);
    assert_int_equal(validity.nmis, 0);
    for (int phase = 0; phase < 2; phase++) {
        phases = calm;
        phases.nmis[phase] = 3;
        assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_NMI);
        assert_int_equal(validity.nmis, 3);
    }
}

static void a_core_clock_that_changes(void **state)
{
    struct phases phases = calm;
    (void)state;
    furnish();
    phases.aperf[1] = 7280; /* 910: as far as is let pass */
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED);
    phases.aperf[1] = 7288;
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_FREQUENCY);
    phases.aperf[1] = 3600;
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_FREQUENCY);
    assert_int_equal(validity.core_per_mille[0], 900);
    assert_int_equal(validity.core_per_mille[1], 450);
    phases = (struct phases){{5000, 8000}, {1000, 1600}, {2000, 3200}, {0, 0}, {0, 0}};
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED); /* halted alike in both */
    assert_int_equal(validity.awake_per_mille[0], 400);
    assert_int_equal(validity.core_per_mille[1], 500);
}

static void a_tsc_that_drifts(void **state)
{
    struct phases phases = calm;
    (void)state;
    furnish();
    phases.tsc[1] = 7930;
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED);
    phases.tsc[1] = 7900;
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_TSC);
    assert_int_equal(validity.awake_per_mille[1], 1013);
    phases.tsc[1] = (uint64_t)-100;
    assert_int_equal(verdict_of(&phases), VALIDITY_JUDGED | VALIDITY_TSC);
    assert_string_equal(validity.clocks_absent, "the TSC did not advance");
}

static void what_a_cpu_lacks_is_no_zero(void **state)
{
    (void)state;
    furnish();
    simulated_leaf(6, 0)->ecx = 0;
    simulated_msr_remove(MSR_SMI_COUNT);
    assert_int_equal(verdict_of(&calm), VALIDITY_JUDGED);
    assert_string_equal(validity.clocks_absent, "this CPU has no IA32_APERF and IA32_MPERF");
    assert_string_equal(validity.smis_absent, "this CPU has no MSR_SMI_COUNT");
    assert_int_equal(validity.readings[0].flags, VALIDITY_HAS_NMI_COUNT);
}

/* As on an emulator on which they read 0 whatever happens. */
static void clocks_that_stand(void **state)
{
    static const struct phases still = {{5000, 8000}, {0, 0}, {0, 0}, {0, 0}, {0, 0}};
    (void)state;
    furnish();
    assert_int_equal(verdict_of(&still), VALIDITY_JUDGED);
    assert_string_equal(validity.clocks_absent, "IA32_APERF and IA32_MPERF do not count");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(a_calm_job),           simulated_test(smis_in_either_phase),
        simulated_test(nmis_in_either_phase), simulated_test(a_core_clock_that_changes),
        simulated_test(a_tsc_that_drifts),    simulated_test(what_a_cpu_lacks_is_no_zero),
        simulated_test(clocks_that_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
