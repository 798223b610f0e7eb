/* SPDX-License-Identifier: MIT */
#include "check_fixture.h"

#include <string.h>

#define VMFUNC 0x491

struct vmx_capability check_capability;
uint8_t *check_page;

static struct simulated_vmcs started;

/* Bits that stay impossible, one a field. */
static const uint64_t impossible[CONTROL_GROUPS] = {
    [CONTROL_PIN_BASED] = BIT(20), [CONTROL_PRIMARY] = BIT(0), [CONTROL_SECONDARY] = BIT(31),
    [CONTROL_EXIT] = BIT(31),      [CONTROL_ENTRY] = BIT(31),
};

int check_setup(void **state)
{
    static const struct vcpu_start start = {.rip = 0x100000, .rsp = 0x80000, .cr3 = 0x1000};

    if (vcpu_setup(state))
        return -1;
    /* Unrestricted guests are free of some rules; those bases that are to be such say so. */
    fixture_policy.controls[CONTROL_SECONDARY].clear = SECONDARY_UNRESTRICTED_GUEST;
    if (!vcpu_apply_policy(fixture_vcpu, &fixture_policy) || !vcpu_start(fixture_vcpu, &start))
        return -1;
    simulated_msr_set(VMFUNC, 1);
    *simulated_leaf(0xa, 0) = (struct cpuid_registers){.eax = 0x07300404, .edx = 0x603};
    check_capability = fixture_cpu.capability;
    for (int group = 0; group < CONTROL_GROUPS; group++)
        check_capability.controls[group] |= (UINT32_MAX ^ impossible[group]) << 32;
    check_capability.cr4_fixed1 |= BIT(23);
    check_page = platform_pages_allocate(1, PAGE_SIZE);
    check_page[0x80] = 0x50;
    /* The simulated CPU's own is not canonical, so as to show each of its parts. */
    *simulated_field(VMCS_HOST_TR_BASE) = 0xffff89abcdef1234;
    started = *simulated_cpu.current;
    return 0;
}

int check_teardown(void **state)
{
    platform_pages_free(check_page, 1);
    return vcpu_teardown(state);
}

void check_change(const struct change *changes, size_t count)
{
    for (size_t i = 0; i < count && (changes[i].clear || changes[i].set); i++) {
        uint64_t *field = simulated_field(changes[i].field);
        *field = (*field & ~changes[i].clear) | changes[i].set;
    }
}

static void all_segments(uint16_t selector, uint32_t limit, uint32_t rights)
{
    for (uint32_t i = 0; i < 6; i++) {
        *simulated_field(VMCS_GUEST_ES_SELECTOR + 2 * i) = selector;
        *simulated_field(VMCS_GUEST_ES_BASE + 2 * i) = (uint64_t)selector << 4;
        *simulated_field(VMCS_GUEST_ES_LIMIT + 2 * i) = limit;
        *simulated_field(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i) = rights;
    }
}

void check_start(enum base base)
{
    static const struct change protected[] = {
        OFF(ENTRY_CONTROLS, ENTRY_IA32E_GUEST),
        OFF(GUEST_CR4, BIT(5)),
        BE(GUEST_EFER, 0),
        BE(GUEST_CS_ACCESS_RIGHTS, 0xc09b),
    };
    static const struct change pae[] = {ON(GUEST_CR4, BIT(5))};
    static const struct change v86[] = {ON(GUEST_RFLAGS, BIT(17))};
    static const struct change unrestricted[] = {
        ON(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST), OFF(GUEST_CR0, BIT(31))};
    static const struct change real[] = {OFF(GUEST_CR0, BIT(0)), BE(GUEST_RIP, 0x7c00),
                                         BE(GUEST_LDTR_ACCESS_RIGHTS, 0x82),
                                         BE(GUEST_IDTR_LIMIT, 0x3ff)};

    *simulated_cpu.current = started;
    if (base == LONG_MODE)
        return;
    check_change(protected, COUNT_OF(protected));
    if (base == PAE)
        check_change(pae, COUNT_OF(pae));
    if (base == V86) {
        check_change(v86, COUNT_OF(v86));
        all_segments(0x1234, 0xffff, 0xf3);
    }
    if (base == UNPAGED || base == REAL)
        check_change(unrestricted, COUNT_OF(unrestricted));
    if (base == REAL) {
        check_change(real, COUNT_OF(real));
        all_segments(0, 0xffff, 0x93);
    }
}

/* The check, which may not change the VMCS. */
static bool check(struct vmcs_fault *fault)
{
    static struct simulated_vmcs before;
    unsigned vmwrites = simulated_cpu.executed[SIMULATED_VMWRITE];

    before = *simulated_cpu.current;
    bool passes = vmcs_check(&check_capability, fault);
    assert_memory_equal(&before, simulated_cpu.current, sizeof(before));
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites);
    return passes;
}

void check_passes(void)
{
    struct vmcs_fault fault;
    if (!check(&fault))
        fail_msg("%s = 0x%llx: %s", vmcs_field_name(fault.field), (unsigned long long)fault.value,
                 fault.rule);
}

void check_names(enum vmcs_field field, const char *rule)
{
    struct vmcs_fault fault;
    if (check(&fault))
        fail_msg("passes; should name %s: %s", vmcs_field_name(field), rule);
    if (fault.field != field || !strstr(fault.rule, rule))
        fail_msg("names %s: %s\nnot %s: %s", vmcs_field_name(fault.field), fault.rule,
                 vmcs_field_name(field), rule);
    assert_int_equal(fault.value, *simulated_field(field));
}

void check_violations(const struct violation *violations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct violation *v = &violations[i];
        check_start(v->base);
        check_change(v->given, COUNT_OF(v->given));
        struct vmcs_fault fault;
        if (!check(&fault))
            fail_msg("violation %zu (%s): not valid before: %s: %s", i, v->rule,
                     vmcs_field_name(fault.field), fault.rule);
        check_change(v->broken, COUNT_OF(v->broken));
        check_names(v->field, v->rule);
    }
}
