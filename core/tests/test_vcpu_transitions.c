/* SPDX-License-Identifier: MIT */
/* What VM exits and VM entries load and store besides: counters apart, MSR areas, the stamp. */
#include "vcpu_fixture.h"

#include "../vmx/check.h"
#include "../x86/msr.h"

#include <string.h>

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static int setup(void **state)
{
    if (vcpu_setup(state))
        return -1;
    simulated_performance_add(3, 4, 7, false);
    simulated_msr_set(IA32_TSC, 0);
    return vcpu_apply_policy(fixture_vcpu, &fixture_policy) ? 0 : -1;
}

#define transition_test(function) cmocka_unit_test_setup_teardown(function, setup, vcpu_teardown)

/*
 * What VM entry would say of controls and host state: the guest-state area is not this test's. Nor
 * is the simulated CPU's TSS, which no CPU would take.
 */
static void entry_would_take_it(void)
{
    struct vmcs_fault fault;
    *simulated_field(VMCS_HOST_TR_BASE) = 0;
    if (!vmcs_check_areas(&fixture_cpu.capability, VMCS_AREA_CONTROLS | VMCS_AREA_HOST, &fault))
        fail_msg("%s: %s", vmcs_field_name(fault.field), fault.rule);
}

static void counters_apart(void **state)
{
    uint32_t exit = fixture_vcpu->controls[CONTROL_EXIT];
    uint32_t entry = fixture_vcpu->controls[CONTROL_ENTRY];
    (void)state;
    assert_null(vcpu_performance_absent(&fixture_cpu.capability));
    assert_true(vcpu_set_performance(fixture_vcpu, 0x100000003, 0x200000005));
    assert_int_equal(field(VMCS_HOST_PERF_GLOBAL_CTRL), 0x100000003);
    assert_int_equal(field(VMCS_GUEST_PERF_GLOBAL_CTRL), 0x200000005);
    assert_int_equal(field(VMCS_EXIT_CONTROLS), exit | 1 << 12);
    assert_int_equal(field(VMCS_ENTRY_CONTROLS), entry | 1 << 13);
    assert_int_equal(fixture_vcpu->controls[CONTROL_EXIT], exit | 1 << 12);
    assert_int_equal(fixture_vcpu->controls[CONTROL_ENTRY], entry | 1 << 13);
    entry_would_take_it();
    *simulated_field(VMCS_HOST_PERF_GLOBAL_CTRL) |= 1 << 4; /* a counter that is not there */
    struct vmcs_fault fault;
    assert_false(vmcs_check(&fixture_cpu.capability, &fault));
    assert_int_equal(fault.field, VMCS_HOST_PERF_GLOBAL_CTRL);
}

/* No exit pays for what both sides share, and the policy's next word undoes it all. */
static void counters_together(void **state)
{
    uint32_t exit = fixture_vcpu->controls[CONTROL_EXIT];
    uint32_t entry = fixture_vcpu->controls[CONTROL_ENTRY];
    (void)state;
    for (int way = 0; way < 2; way++) {
        assert_true(vcpu_set_performance(fixture_vcpu, 1, 2));
        assert_true(way ? vcpu_set_performance(fixture_vcpu, 3, 3)
                        : vcpu_apply_policy(fixture_vcpu, &fixture_policy));
        assert_int_equal(field(VMCS_EXIT_CONTROLS), exit);
        assert_int_equal(field(VMCS_ENTRY_CONTROLS), entry);
        assert_int_equal(fixture_vcpu->controls[CONTROL_EXIT], exit);
        assert_int_equal(fixture_vcpu->controls[CONTROL_ENTRY], entry);
        entry_would_take_it();
    }
}

/* What the CPU has fixed to 1 stays so. */
static void controls_that_cannot_be_cleared(void **state)
{
    (void)state;
    fixture_cpu.capability.controls[CONTROL_EXIT] |= 1 << 12;
    assert_true(vcpu_set_performance(fixture_vcpu, 3, 3));
    assert_int_equal(field(VMCS_EXIT_CONTROLS) & 1 << 12, 1 << 12);
    assert_int_equal(field(VMCS_ENTRY_CONTROLS) & 1 << 13, 0);
}

static void not_apart(const char *part)
{
    uint32_t exit = (uint32_t)field(VMCS_EXIT_CONTROLS);
    const char *absent = vcpu_performance_absent(&fixture_cpu.capability);
    assert_non_null(absent);
    assert_non_null(strstr(absent, part));
    fixture_vcpu->stop = (struct vcpu_stop){.cause = STOP_NONE};
    assert_false(vcpu_set_performance(fixture_vcpu, 1, 2));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    assert_ptr_equal(fixture_vcpu->stop.text, absent);
    assert_int_equal(field(VMCS_EXIT_CONTROLS), exit);
    assert_true(vcpu_set_performance(fixture_vcpu, 2, 2));
}

static void cpus_that_cannot_count_apart(void **state)
{
    static const uint32_t affected[] = {0x106a5, 0x106e5, 0x20652, 0x206c2, 0x206e6};
    uint64_t *controls = fixture_cpu.capability.controls;
    uint64_t exit = controls[CONTROL_EXIT], entry = controls[CONTROL_ENTRY];
    (void)state;
    controls[CONTROL_EXIT] &= ~(1ull << (32 + 12));
    not_apart("on VM exit");
    controls[CONTROL_EXIT] = exit;
    controls[CONTROL_ENTRY] &= ~(1ull << (32 + 13));
    not_apart("on VM entry");
    controls[CONTROL_ENTRY] = entry;
    for (size_t i = 0; i < COUNT_OF(affected); i++) {
        simulated_leaf(1, 0)->eax = affected[i];
        not_apart("erratum AAK155");
    }
    simulated_leaf(1, 0)->eax = 0x106a5 - 0x100; /* the same model of another family */
    assert_null(vcpu_performance_absent(&fixture_cpu.capability));
    simulated_leaf(1, 0)->eax = 0x206a7; /* Sandy Bridge */
    assert_null(vcpu_performance_absent(&fixture_cpu.capability));
}

static void any_vmwrite_fails(void **state)
{
    static const enum vmcs_field fields[] = {VMCS_HOST_PERF_GLOBAL_CTRL,
                                             VMCS_GUEST_PERF_GLOBAL_CTRL, VMCS_EXIT_CONTROLS,
                                             VMCS_ENTRY_CONTROLS};
    (void)state;
    for (unsigned n = 0; n < COUNT_OF(fields); n++) {
        simulated_fail(SIMULATED_VMWRITE, n + 1, VMX_FAIL_VALID, 12);
        assert_false(vcpu_set_performance(fixture_vcpu, 1, 2));
        assert_int_equal(fixture_vcpu->stop.cause, STOP_VMCS_REFUSED);
        assert_int_equal(fixture_vcpu->stop.value, fields[n]);
    }
    for (unsigned n = 0; n < 3; n++) {
        simulated_fail(SIMULATED_VMWRITE, n + 1, VMX_FAIL_VALID, 12);
        assert_false(vcpu_set_hardware_stamp(fixture_vcpu, true));
        assert_int_equal(fixture_vcpu->stop.cause, STOP_VMCS_REFUSED);
        assert_int_equal(fixture_vcpu->stop.value,
                         n == 1 ? VMCS_EXIT_MSR_STORE : VMCS_EXIT_MSR_STORE_COUNT);
        assert_int_equal(field(VMCS_EXIT_MSR_STORE_COUNT), 0);
    }
}

/* As the CPU would: each entry of the area gets its MSR's value. */
static void store_on_exit(void)
{
    struct msr_area_entry *entries = platform_at(field(VMCS_EXIT_MSR_STORE));
    for (uint64_t i = 0; i < field(VMCS_EXIT_MSR_STORE_COUNT); i++)
        entries[i].value = simulated_msr(entries[i].msr)->value;
}

static void hardware_stamp(void **state)
{
    (void)state;
    assert_true(vcpu_set_hardware_stamp(fixture_vcpu, true));
    assert_int_equal((uintptr_t)&fixture_vcpu->hardware_stamp % 16, 0);
    assert_int_equal(field(VMCS_EXIT_MSR_STORE_COUNT), 1);
    assert_int_equal(field(VMCS_EXIT_MSR_STORE), platform_physical(&fixture_vcpu->hardware_stamp));
    assert_int_equal(field(VMCS_EXIT_MSR_LOAD_COUNT), 0);
    assert_int_equal(field(VMCS_ENTRY_MSR_LOAD_COUNT), 0);
    entry_would_take_it();
    simulated_msr_set(IA32_TSC, 0x123456789abc);
    store_on_exit();
    assert_int_equal(fixture_vcpu->hardware_stamp.value, 0x123456789abc);
    assert_int_equal(fixture_vcpu->hardware_stamp.msr, 0x10);

    /* Off, and no old stamp can be taken for a new one. */
    assert_true(vcpu_set_hardware_stamp(fixture_vcpu, false));
    assert_int_equal(field(VMCS_EXIT_MSR_STORE_COUNT), 0);
    assert_int_equal(fixture_vcpu->hardware_stamp.value, 0);
    entry_would_take_it();
    assert_true(vcpu_set_hardware_stamp(fixture_vcpu, true));
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(field(VMCS_EXIT_MSR_STORE_COUNT), 0);
}

static void refuses(enum msr_area area, const struct msr_area_entry *entries, uint32_t count,
                    const char *part)
{
    fixture_vcpu->stop = (struct vcpu_stop){.cause = STOP_NONE};
    unsigned vmwrites = simulated_cpu.executed[SIMULATED_VMWRITE];
    assert_false(msr_area_set(fixture_vcpu, area, entries, count));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    if (!strstr(fixture_vcpu->stop.text, part))
        fail_msg("\"%s\", not \"%s\"", fixture_vcpu->stop.text, part);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites);
}

static void areas(void **state)
{
    static const enum vmcs_field fields[MSR_AREAS][2] = {
        {VMCS_EXIT_MSR_STORE, VMCS_EXIT_MSR_STORE_COUNT},
        {VMCS_EXIT_MSR_LOAD, VMCS_EXIT_MSR_LOAD_COUNT},
        {VMCS_ENTRY_MSR_LOAD, VMCS_ENTRY_MSR_LOAD_COUNT},
    };
    struct msr_area_entry *entries = platform_pages_allocate(1, PAGE_SIZE);
    (void)state;
    entries[0] = (struct msr_area_entry){.msr = IA32_KERNEL_GS_BASE};
    entries[1] = (struct msr_area_entry){.msr = IA32_PAT, .value = 0x0007040600070406};
    for (int area = 0; area < MSR_AREAS; area++) {
        assert_true(msr_area_set(fixture_vcpu, (enum msr_area)area, entries, 2));
        assert_int_equal(field(fields[area][0]), platform_physical(entries));
        assert_int_equal(field(fields[area][1]), 2);
        entry_would_take_it();
        assert_true(msr_area_set(fixture_vcpu, (enum msr_area)area, NULL, 0));
        assert_int_equal(field(fields[area][1]), 0);
    }
    platform_pages_free(entries, 1);
}

static void area_rules(void **state)
{
    static const struct {
        uint32_t msr;
        unsigned areas; /* that refuse it */
        const char *part;
    } wrong[] = {
        {IA32_FS_BASE, 6, "FS and GS"},
        {IA32_GS_BASE, 6, "FS and GS"},
        {0x800, 7, "x2APIC"},
        {0x8ff, 7, "x2APIC"},
        {0x9b, 6, "SMM"},
        {0x9e, 1, "SMM"},
        {0x12345, 7, "lacks"},
    };
    struct msr_area_entry *entries = platform_pages_allocate(1, PAGE_SIZE);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!strstr(wrong[i].part, "lacks"))
            simulated_msr_set(wrong[i].msr, 0);
        entries[0] = (struct msr_area_entry){.msr = IA32_TSC};
        entries[1] = (struct msr_area_entry){.msr = wrong[i].msr};
        for (int area = 0; area < MSR_AREAS; area++)
            if (wrong[i].areas >> area & 1)
                refuses((enum msr_area)area, entries, 2, wrong[i].part);
            else
                assert_true(msr_area_set(fixture_vcpu, (enum msr_area)area, entries, 2));
    }
    entries[1] = (struct msr_area_entry){.msr = IA32_PAT, .reserved = 1};
    refuses(MSR_AREA_EXIT_STORE, entries, 2, "bits 63:32");
    entries = (struct msr_area_entry *)((char *)entries + 8);
    refuses(MSR_AREA_EXIT_STORE, entries, 1, "16-byte");
    platform_pages_free((char *)entries - 8, 1);
}

static void area_limit(void **state)
{
    struct msr_area_entry *entries = platform_pages_allocate(9, PAGE_SIZE);
    (void)state;
    for (unsigned i = 0; i < 9 * 256; i++)
        entries[i].msr = IA32_PAT;
    for (uint64_t n = 0; n < 4; n++) {
        uint32_t limit = 512 * (uint32_t)(n + 1);
        fixture_cpu.capability.misc = (fixture_cpu.capability.misc & ~(7ull << 25)) | n << 25;
        assert_int_equal(msr_area_limit(&fixture_cpu.capability), limit);
        assert_true(msr_area_set(fixture_vcpu, MSR_AREA_EXIT_LOAD, entries, limit));
        assert_int_equal(field(VMCS_EXIT_MSR_LOAD_COUNT), limit);
        refuses(MSR_AREA_EXIT_LOAD, entries, limit + 1, "IA32_VMX_MISC[27:25]");
        assert_int_equal(fixture_vcpu->stop.value, limit + 1);
    }
    fixture_cpu.capability.misc |= 7ull << 25;
    assert_int_equal(msr_area_limit(&fixture_cpu.capability), 4096);
    platform_pages_free(entries, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        transition_test(counters_apart),
        transition_test(counters_together),
        transition_test(controls_that_cannot_be_cleared),
        transition_test(cpus_that_cannot_count_apart),
        transition_test(any_vmwrite_fails),
        transition_test(hardware_stamp),
        transition_test(areas),
        transition_test(area_rules),
        transition_test(area_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
