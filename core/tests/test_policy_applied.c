/* SPDX-License-Identifier: MIT */
/* What vcpu_apply_policy() leaves in the VMCS, and what it says when it cannot. */
#include "vcpu_fixture.h"

#include "../x86/msr.h"

#include <string.h>

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static void controls(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint32_t value; /* the basis, and what the TRUE capabilities fix to 1 */
    } plain[] = {
        {VMCS_PIN_BASED_CONTROLS, 0x16 | 0x69},
        {VMCS_PRIMARY_CONTROLS, 0x04006172 | 0x92000000},
        {VMCS_SECONDARY_CONTROLS, 0x000010aa}, /* EPT, RDTSCP, VPID, unrestricted guest, INVPCID */
        {VMCS_EXIT_CONTROLS, 0x00036dfb | 0x007c8204},
        {VMCS_ENTRY_CONTROLS, 0x000011fb | 0x0000c204},
    };
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        assert_int_equal(field(plain[i].field), plain[i].value);
        assert_int_equal(fixture_vcpu->controls[i], plain[i].value);
    }
    assert_string_equal(simulated_log(), "");
    assert_int_equal(fixture_vcpu->stop.cause, STOP_NONE);
}

static void controls_of_the_policy(void **state)
{
    (void)state;
    fixture_policy.controls[CONTROL_PIN_BASED].set = PIN_BASED_PREEMPTION_TIMER;
    fixture_policy.controls[CONTROL_PRIMARY].set = PRIMARY_RDTSC_EXITING | PRIMARY_HLT_EXITING;
    fixture_policy.controls[CONTROL_SECONDARY].clear =
        SECONDARY_VPID | SECONDARY_INVPCID | SECONDARY_UNRESTRICTED_GUEST;
    fixture_policy.controls[CONTROL_SECONDARY].set = SECONDARY_WBINVD_EXITING;
    fixture_policy.controls[CONTROL_EXIT].set = EXIT_SAVE_PREEMPTION_TIMER;
    fixture_policy.controls[CONTROL_ENTRY].set = ENTRY_LOAD_PERF_GLOBAL_CTRL;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_PIN_BASED_CONTROLS), 0x7f);
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS), 0x960071f2);
    assert_int_equal(field(VMCS_SECONDARY_CONTROLS), 0x4a);
    assert_int_equal(field(VMCS_EXIT_CONTROLS), 0x00036dfb | 0x007c8204);
    assert_int_equal(field(VMCS_ENTRY_CONTROLS), 0x000011fb | 0x0000e204);
    assert_int_equal(field(VMCS_VIRTUAL_PROCESSOR_ID), 0); /* no VPID, no VMWRITE */
}

static void host_state(void **state)
{
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } wanted[] = {
        {VMCS_HOST_CR0, 0x80010033},
        {VMCS_HOST_CR3, 0x7654000},
        {VMCS_HOST_CR4, 0x42020},
        {VMCS_HOST_CS_SELECTOR, 0x08},
        {VMCS_HOST_SS_SELECTOR, 0x10},
        {VMCS_HOST_DS_SELECTOR, 0x28},
        {VMCS_HOST_ES_SELECTOR, 0x30},
        {VMCS_HOST_FS_SELECTOR, 0x38},
        {VMCS_HOST_GS_SELECTOR, 0x40},
        {VMCS_HOST_TR_SELECTOR, 0x18},
        {VMCS_HOST_FS_BASE, 0x4444},
        {VMCS_HOST_GS_BASE, 0x5555},
        {VMCS_HOST_TR_BASE, SIMULATED_TSS_BASE},
        {VMCS_HOST_GDTR_BASE, simulated_cpu.gdtr.base},
        {VMCS_HOST_IDTR_BASE, 0xfffffe0000000000},
        {VMCS_HOST_SYSENTER_CS, 0},
        {VMCS_HOST_SYSENTER_ESP, 0},
        {VMCS_HOST_SYSENTER_EIP, 0},
        {VMCS_HOST_PAT, 0x0007010600070106},
        {VMCS_HOST_EFER, 0xd01},
        {VMCS_HOST_RSP, (uintptr_t)&fixture_vcpu->rbp},
        {VMCS_HOST_RIP, (uintptr_t)vmx_exit_off},
    };
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (field(wanted[i].field) != wanted[i].value)
            fail_msg("%s: 0x%llx", vmcs_field_name(wanted[i].field),
                     (unsigned long long)field(wanted[i].field));
}

/* Both are 0 without, and then no loop of PAUSEs is long enough. */
static void pause_loops_have_a_window(void **state)
{
    (void)state;
    fixture_cpu.capability.controls[CONTROL_SECONDARY] |= (uint64_t)SECONDARY_PAUSE_LOOP_EXITING
                                                          << 32;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_PLE_WINDOW), 0);
    fixture_policy.controls[CONTROL_SECONDARY].set |= SECONDARY_PAUSE_LOOP_EXITING;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_PLE_GAP), 128);
    assert_int_equal(field(VMCS_PLE_WINDOW), 4096);
}

static void addresses_and_counts(void **state)
{
    static const enum vmcs_field zeros[] = {
        VMCS_PAGE_FAULT_ERROR_MASK, VMCS_PAGE_FAULT_ERROR_MATCH, VMCS_CR3_TARGET_COUNT,
        VMCS_EXIT_MSR_STORE_COUNT,  VMCS_EXIT_MSR_LOAD_COUNT,    VMCS_ENTRY_MSR_LOAD_COUNT,
    };
    (void)state;
    /* What an earlier owner may have left is overwritten. */
    assert_true(vmcs_bind(&fixture_vcpu->vmcs));
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        *simulated_field(zeros[i]) = 0x77;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        assert_int_equal(field(zeros[i]), 0);
    assert_int_equal(field(VMCS_EXCEPTION_BITMAP), 1u << 18); /* #MC */
    assert_int_equal(field(VMCS_MSR_BITMAP), platform_physical(fixture_policy.msr_bitmap));
    assert_int_equal(field(VMCS_IO_BITMAP_A), platform_physical(fixture_policy.io_bitmap_a));
    assert_int_equal(field(VMCS_IO_BITMAP_B), platform_physical(fixture_policy.io_bitmap_b));
    assert_int_equal(field(VMCS_EPT_POINTER), fixture_ept.pointer);
    assert_int_equal(field(VMCS_VIRTUAL_PROCESSOR_ID), fixture_vcpu->vpid);
}

/* XSAVES for guests, but not of supervisor state components that do not move with them. */
static void xsaves_where_there_is(void **state)
{
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_XSS_EXITING_BITMAP), 0);
    fixture_cpu.capability.controls[CONTROL_SECONDARY] |= 1ull << 52;
    fixture_cpu.capability.xss = XSS_CET;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_SECONDARY_CONTROLS), 0x001010aa);
    assert_int_equal(field(VMCS_XSS_EXITING_BITMAP), ~0x1800ull);
}

/* A bitmap that lets everything pass gets the bits of what never does, and no other. */
static void what_never_passes(void **state)
{
    static const struct {
        uint32_t first, last;
    } never[] = {{0x3f1, 0x3f1}, {0x3f4, 0x3f5},   {0x560, 0x587},
                 {0x600, 0x600}, {0x17d0, 0x17d1}, {0x1900, 0x19ff}};
    uint8_t wanted[PAGE_SIZE] = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(never); i++)
        for (uint32_t msr = never[i].first; msr <= never[i].last; msr++) {
            wanted[msr / 8] |= (uint8_t)(1u << msr % 8);
            wanted[2048 + msr / 8] |= (uint8_t)(1u << msr % 8);
        }
    memset(fixture_policy.msr_bitmap, 0, PAGE_SIZE);
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_memory_equal(fixture_policy.msr_bitmap, wanted, PAGE_SIZE);
}

static void exceptions_of_the_policy(void **state)
{
    (void)state;
    fixture_policy.exception_bitmap = 0x4048;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_EXCEPTION_BITMAP), 0x44048);
}

static void refuses(enum control_group group, uint32_t bit, bool set, const char *text,
                    const char *log)
{
    struct vcpu_policy policy = fixture_policy;
    *(set ? &policy.controls[group].set : &policy.controls[group].clear) |= 1u << bit;
    simulated_log_clear();
    fixture_vcpu->stop = (struct vcpu_stop){.cause = STOP_NONE};
    assert_false(vcpu_apply_policy(fixture_vcpu, &policy));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    assert_int_equal(fixture_vcpu->stop.value, bit);
    assert_string_equal(fixture_vcpu->stop.text, text);
    assert_string_equal(simulated_log(), log);
}

static void refused_controls_are_named(void **state)
{
    (void)state;
    refuses(CONTROL_PIN_BASED, 7, true, "process posted interrupts",
            "pin-based VM-execution controls: this CPU cannot set bit 7 (process posted "
            "interrupts)\n");
    refuses(CONTROL_PIN_BASED, 1, false, "reserved",
            "pin-based VM-execution controls: this CPU cannot clear bit 1 (reserved)\n");
    refuses(CONTROL_PRIMARY, 17, true, "activate tertiary controls",
            "primary processor-based VM-execution controls: this CPU cannot set bit 17 (activate "
            "tertiary controls)\n");
    refuses(CONTROL_SECONDARY, 25, true, "use TSC scaling",
            "secondary processor-based VM-execution controls: this CPU cannot set bit 25 (use TSC "
            "scaling)\n");
    refuses(CONTROL_EXIT, 23, true, "reserved",
            "VM-exit controls: this CPU cannot set bit 23 (reserved)\n");
    refuses(CONTROL_ENTRY, 16, true, "reserved",
            "VM-entry controls: this CPU cannot set bit 16 (reserved)\n");
}

/* A policy may not take away what the vCPU stands on. */
static void the_basis_cannot_be_cleared(void **state)
{
    (void)state;
    refuses(CONTROL_SECONDARY, 1, false, "enable EPT",
            "secondary processor-based VM-execution controls: this CPU cannot set bit 1 (enable "
            "EPT)\n");
}

/* What the vCPU merely prefers to be without, a policy may have. */
static void cr3_exiting_is_the_policys_to_set(void **state)
{
    const uint32_t both = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;
    (void)state;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & both, 0);
    fixture_policy.controls[CONTROL_PRIMARY].set = PRIMARY_CR3_LOAD_EXITING;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & both, PRIMARY_CR3_LOAD_EXITING);
    fixture_policy.controls[CONTROL_PRIMARY].clear = PRIMARY_CR3_LOAD_EXITING;
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->stop.value, 15);
}

static void what_a_policy_wants_where_offered(void **state)
{
    uint64_t *secondary = &fixture_cpu.capability.controls[CONTROL_SECONDARY];
    (void)state;
    fixture_policy.controls[CONTROL_SECONDARY].optional = SECONDARY_RDSEED_EXITING;
    *secondary |= (uint64_t)SECONDARY_RDSEED_EXITING << 32;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_true(field(VMCS_SECONDARY_CONTROLS) & SECONDARY_RDSEED_EXITING);
    assert_false(fixture_vcpu->absent[CONTROL_SECONDARY] & SECONDARY_RDSEED_EXITING);
    *secondary &= ~((uint64_t)SECONDARY_RDSEED_EXITING << 32);
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_false(field(VMCS_SECONDARY_CONTROLS) & SECONDARY_RDSEED_EXITING);
    assert_true(fixture_vcpu->absent[CONTROL_SECONDARY] & SECONDARY_RDSEED_EXITING);
}

/* The vCPU prefers to be without it; the policy's wish goes first. */
static void a_wish_where_offered_overrules_the_basis(void **state)
{
    (void)state;
    fixture_policy.controls[CONTROL_PRIMARY].optional = PRIMARY_CR3_LOAD_EXITING;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_true(field(VMCS_PRIMARY_CONTROLS) & PRIMARY_CR3_LOAD_EXITING);
}

static void cpus_that_lack_the_basis(void **state)
{
    uint64_t *capabilities = fixture_cpu.capability.controls;
    (void)state;
    capabilities[CONTROL_SECONDARY] = 0;
    capabilities[CONTROL_PRIMARY] &= ~(1ull << 63);
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    assert_string_equal(fixture_vcpu->stop.text, "activate secondary controls");
}

static void optional_controls_may_be_missing(void **state)
{
    (void)state;
    fixture_cpu.capability.controls[CONTROL_SECONDARY] = 0x0000000200000000;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_SECONDARY_CONTROLS), SECONDARY_EPT);
    assert_int_equal(field(VMCS_VIRTUAL_PROCESSOR_ID), 0);
}

static const enum vmcs_field cr3_target_fields[CR3_TARGETS] = {
    VMCS_CR3_TARGET_0, VMCS_CR3_TARGET_1, VMCS_CR3_TARGET_2, VMCS_CR3_TARGET_3};

static void ask_for_cr3_targets(uint32_t count)
{
    fixture_policy.cr3_target_count = count;
    for (unsigned i = 0; i < CR3_TARGETS; i++) {
        fixture_policy.cr3_targets[i] = 0x1000 * (i + 1);
        *simulated_field(cr3_target_fields[i]) = 0x77;
    }
}

/* No more of the list than is asked for: a CPU with a shorter one has no more such fields. */
static void cr3_targets_of_the_policy(void **state)
{
    (void)state;
    assert_true(vmcs_bind(&fixture_vcpu->vmcs));
    for (uint32_t count = 0; count <= CR3_TARGETS; count++) {
        ask_for_cr3_targets(count);
        assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
        assert_int_equal(field(VMCS_CR3_TARGET_COUNT), count);
        for (unsigned i = 0; i < CR3_TARGETS; i++)
            assert_int_equal(field(cr3_target_fields[i]), i < count ? 0x1000 * (i + 1) : 0x77);
    }
}

/* By IA32_VMX_MISC[24:16]; what a CPU might have beyond the four fields has no place in a policy.
 */
static void more_cr3_targets_than_there_are(void **state)
{
    static const struct {
        uint32_t has, most;
    } cpus[] = {{0, 0}, {2, 2}, {4, 4}, {0x1ff, 4}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cpus); i++) {
        fixture_cpu.capability.misc =
            (fixture_cpu.capability.misc & ~0x1ff0000ull) | (uint64_t)cpus[i].has << 16;
        fixture_policy.cr3_target_count = cpus[i].most;
        assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
        fixture_policy.cr3_target_count = cpus[i].most + 1;
        assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
        assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
        assert_int_equal(fixture_vcpu->stop.value, cpus[i].most);
        assert_string_equal(fixture_vcpu->stop.text,
                            "more CR3-target values asked for than it has");
    }
}

static void vmptrld_fails(void **state)
{
    (void)state;
    simulated_fail(SIMULATED_VMPTRLD, 1, VMX_FAIL_INVALID, 0);
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_VMCS_REFUSED);
    assert_string_equal(fixture_vcpu->stop.text, "VMPTRLD");
}

/* Whichever checked VMWRITE fails, the policy is not in force, and the field is named. */
static void any_vmwrite_fails(void **state)
{
    unsigned n = 1;
    (void)state;
    /* The VPID's encoding is 0: test_regressions.c has that one. */
    fixture_policy.controls[CONTROL_SECONDARY].clear = SECONDARY_VPID;
    for (;; n++) {
        simulated_log_clear();
        simulated_cpu.cr3 ^= PAGE_SIZE; /* or the host state would be written but once */
        simulated_fail(SIMULATED_VMWRITE, n, VMX_FAIL_VALID, 12);
        if (vcpu_apply_policy(fixture_vcpu, &fixture_policy))
            break;
        assert_int_equal(fixture_vcpu->stop.cause, STOP_VMCS_REFUSED);
        assert_true(simulated_log_has(vmcs_field_name((uint32_t)fixture_vcpu->stop.value)));
        assert_true(simulated_log_has("unsupported VMCS component"));
    }
    assert_int_equal(n, 5 + 12 + 20 + 2 + 1); /* HOST_RIP and the time limit are the last */
    simulated_fail(SIMULATED_VMWRITE, 0, VMX_SUCCEED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcpu_test(controls),
        vcpu_test(controls_of_the_policy),
        vcpu_test(host_state),
        vcpu_test(pause_loops_have_a_window),
        vcpu_test(addresses_and_counts),
        vcpu_test(xsaves_where_there_is),
        vcpu_test(exceptions_of_the_policy),
        vcpu_test(what_never_passes),
        vcpu_test(refused_controls_are_named),
        vcpu_test(the_basis_cannot_be_cleared),
        vcpu_test(cr3_exiting_is_the_policys_to_set),
        vcpu_test(what_a_policy_wants_where_offered),
        vcpu_test(a_wish_where_offered_overrules_the_basis),
        vcpu_test(cpus_that_lack_the_basis),
        vcpu_test(optional_controls_may_be_missing),
        vcpu_test(cr3_targets_of_the_policy),
        vcpu_test(more_cr3_targets_than_there_are),
        vcpu_test(vmptrld_fails),
        vcpu_test(any_vmwrite_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
