/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

#include <string.h>

struct vcpu guest, expected;
struct exit_cost cost;
struct vmx_capability exit_capability;

static struct simulated_vmcs expected_vmcs;

#ifdef PROBE_COUNTING
extern struct probe_cpu simulated_probe_cpu;
#endif

int exit_setup(void **state)
{
    uint64_t *frame = (uint64_t *)&guest;

    simulated_cpu_setup(state);
    simulated_vmcs_current();
    memset(&guest, 0, sizeof(guest));
    for (size_t i = 0; i < VCPU_FRAME_END / sizeof(*frame); i++)
        frame[i] = 0xa5a5000011110000ull * (i + 1) + i;
    local_apic_reset(&guest.apic, 3);
    guest.stop = (struct vcpu_stop){.cause = STOP_NONE};
    vmx_capability_read(&exit_capability);
    guest.capability = &exit_capability;
    cpuid_policy_set(&guest.cpuid, (const struct cpuid_hidden[CPUID_HIDDEN_MAX]){{0}});
    msr_policy_set(&guest.msrs, NULL);
    guest.controls[CONTROL_SECONDARY] = SECONDARY_EPT | SECONDARY_VPID;
    guest.controls[CONTROL_ENTRY] = ENTRY_IA32E_GUEST;
    guest.vpid = 9;
    guest.xcr0 = simulated_cpu.xcr0;
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, EXIT_LENGTH);
    exit_field(VMCS_GUEST_CR0, 0x80000033);
    exit_field(VMCS_GUEST_CR4, 0x2020);
    exit_field(VMCS_CR0_MASK, 0x80000021 | 3u << 29);
    exit_field(VMCS_CR0_SHADOW, 0x80000033);
    exit_field(VMCS_CR4_MASK, 3u << 13);
    exit_field(VMCS_CR4_SHADOW, 0x20);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    exit_field(VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b);
    exit_field(VMCS_ENTRY_CONTROLS, ENTRY_IA32E_GUEST);
    exit_field(VMCS_SECONDARY_CONTROLS, SECONDARY_EPT | SECONDARY_VPID);
    exit_field(VMCS_GUEST_DR7, 0x400);
    exit_field(VMCS_GUEST_RFLAGS, 2);
    exit_field(VMCS_GUEST_EFER, 0xd00);
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093);
    return 0;
}

void exit_field(enum vmcs_field field, uint64_t value)
{
    *simulated_field(field) = value;
}

void expect_field(enum vmcs_field field, uint64_t value)
{
    expected_vmcs.fields[SIMULATED_FIELD_AT(field)] = value;
}

enum exit_outcome exit_take(uint32_t reason, uint64_t qualification)
{
    const unsigned *executed = simulated_cpu.executed;
    exit_handler *handler = reason < EXIT_REASONS ? exit_handlers[reason] : exit_unlisted;

    exit_field(VMCS_EXIT_REASON, reason);
    exit_field(VMCS_EXIT_QUALIFICATION, qualification);
    memcpy(&expected, &guest, sizeof(guest));
    expected_vmcs = *simulated_cpu.current;
    cost.vmreads = executed[SIMULATED_VMREAD];
    cost.vmwrites = executed[SIMULATED_VMWRITE];
    cost.msr_accesses = simulated_cpu.rdmsrs + simulated_cpu.wrmsrs;
    cost.xsetbvs = simulated_cpu.xsetbvs;
    cost.invalidations = executed[SIMULATED_INVEPT] + executed[SIMULATED_INVVPID];
#ifdef PROBE_COUNTING
    simulated_probe_cpu.counts = (struct probe_counts){0};
#endif
    enum exit_outcome outcome = handler(&guest);
    cost.vmreads = executed[SIMULATED_VMREAD] - cost.vmreads;
    cost.vmwrites = executed[SIMULATED_VMWRITE] - cost.vmwrites;
    cost.msr_accesses = simulated_cpu.rdmsrs + simulated_cpu.wrmsrs - cost.msr_accesses;
    cost.xsetbvs = simulated_cpu.xsetbvs - cost.xsetbvs;
    cost.invalidations =
        executed[SIMULATED_INVEPT] + executed[SIMULATED_INVVPID] - cost.invalidations;
#ifdef PROBE_COUNTING
    assert_int_equal(simulated_probe_cpu.counts.vmreads, cost.vmreads);
    assert_int_equal(simulated_probe_cpu.counts.vmwrites, cost.vmwrites);
    assert_int_equal(simulated_probe_cpu.counts.msr_accesses, cost.msr_accesses);
    assert_int_equal(simulated_probe_cpu.counts.xsetbvs, cost.xsetbvs);
    assert_int_equal(simulated_probe_cpu.counts.invalidations, cost.invalidations);
#endif
    return outcome;
}

void expect_unchanged(void)
{
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    const uint64_t *is = (const uint64_t *)&guest, *should = (const uint64_t *)&expected;

    for (size_t i = 0; i < offsetof(struct vcpu, launched) / sizeof(*is); i++)
        if (is[i] != should[i])
            fail_msg("register %zu of the frame: 0x%llx, not 0x%llx", i, (unsigned long long)is[i],
                     (unsigned long long)should[i]);
    assert_memory_equal(&guest.apic, &expected.apic, sizeof(guest.apic));
    assert_memory_equal(guest.controls, expected.controls, sizeof(guest.controls));
    assert_int_equal(guest.xcr0, expected.xcr0);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = *simulated_field(fields[i].encoding);
        uint64_t wanted = expected_vmcs.fields[SIMULATED_FIELD_AT(fields[i].encoding)];
        if (value != wanted)
            fail_msg("%s: 0x%llx, not 0x%llx", fields[i].name, (unsigned long long)value,
                     (unsigned long long)wanted);
    }
}

void expect_completed(void)
{
    uint64_t length = *simulated_field(VMCS_EXIT_INSTRUCTION_LENGTH);

    expect_field(VMCS_GUEST_RIP, EXIT_RIP + length);
    expect_unchanged();
}

void expect_gp(void)
{
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0d);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    expect_unchanged();
}

void expect_stop(enum stop_cause cause, uint64_t value, const char *text)
{
    assert_int_equal(guest.stop.cause, cause);
    assert_int_equal(guest.stop.value, value);
    assert_int_equal(guest.stop.exit_reason, (uint32_t)*simulated_field(VMCS_EXIT_REASON));
    if (text)
        assert_string_equal(guest.stop.text, text);
    else
        assert_null(guest.stop.text);
}
