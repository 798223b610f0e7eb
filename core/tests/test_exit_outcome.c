/* SPDX-License-Identifier: MIT */
/*
 * Every basic exit reason has a name and an outcome, and this table has them all: a reason that is
 * new to the lists fails here until it says what becomes of it. And what none of the handlers does:
 * the VMX instructions that make an exit expensive.
 */
#include "exit_fixture.h"

#include "../vmx/event.h"

#include <string.h>

#define REASONS 100u /* beyond the table too */

enum outcome {
    UNSAID = 0,
    UNASSIGNED, /* no reason has the number: stopped, "unknown exit reason" */
    HANDLED,    /* done on the guest's behalf, or an event for it; it goes on */
    REFLECTED,  /* an exception of the guest's own */
    RETURNED,   /* the caller decides, by a cause of its own */
    STOPPED,    /* no handler: the guest stops under the reason's name */
};

static const struct {
    uint8_t outcome;
    uint8_t cause; /* RETURNED */
} documented[REASONS] = {
    [EXIT_REASON_EXCEPTION_OR_NMI] = {REFLECTED, 0},
    [EXIT_REASON_EXTERNAL_INTERRUPT] = {HANDLED, 0},
    [EXIT_REASON_TRIPLE_FAULT] = {RETURNED, STOP_TRIPLE_FAULT},
    [EXIT_REASON_INIT_SIGNAL] = {RETURNED, STOP_INIT_SIGNAL},
    [EXIT_REASON_STARTUP_IPI] = {RETURNED, STOP_STARTUP_IPI},
    [EXIT_REASON_IO_SMI] = {STOPPED, 0},
    [EXIT_REASON_OTHER_SMI] = {STOPPED, 0},
    [EXIT_REASON_INTERRUPT_WINDOW] = {HANDLED, 0},
    [EXIT_REASON_NMI_WINDOW] = {HANDLED, 0},
    [EXIT_REASON_TASK_SWITCH] = {RETURNED, STOP_TASK_SWITCH},
    [EXIT_REASON_CPUID] = {HANDLED, 0},
    [EXIT_REASON_GETSEC] = {REFLECTED, 0},
    [EXIT_REASON_HLT] = {RETURNED, STOP_HALTED},
    [EXIT_REASON_INVD] = {HANDLED, 0},
    [EXIT_REASON_INVLPG] = {HANDLED, 0},
    [EXIT_REASON_RDPMC] = {HANDLED, 0},
    [EXIT_REASON_RDTSC] = {HANDLED, 0},
    [EXIT_REASON_RSM] = {REFLECTED, 0},
    [EXIT_REASON_VMCALL] = {HANDLED, 0},
    [EXIT_REASON_VMCLEAR... EXIT_REASON_VMXON] = {REFLECTED, 0},
    [EXIT_REASON_CR_ACCESS] = {HANDLED, 0},
    [EXIT_REASON_MOV_DR] = {HANDLED, 0},
    [EXIT_REASON_IO] = {HANDLED, 0},
    [EXIT_REASON_RDMSR] = {HANDLED, 0},
    [EXIT_REASON_WRMSR] = {HANDLED, 0},
    [EXIT_REASON_ENTRY_GUEST_STATE] = {STOPPED, 0}, /* with bit 31: test_exit_other.c */
    [EXIT_REASON_ENTRY_MSR_LOADING] = {STOPPED, 0},
    [35] = {UNASSIGNED, 0},
    [EXIT_REASON_MWAIT] = {HANDLED, 0},
    [EXIT_REASON_MONITOR_TRAP_FLAG] = {RETURNED, STOP_SINGLE_STEP},
    [38] = {UNASSIGNED, 0},
    [EXIT_REASON_MONITOR] = {HANDLED, 0},
    [EXIT_REASON_PAUSE] = {HANDLED, 0},
    [EXIT_REASON_ENTRY_MACHINE_CHECK] = {STOPPED, 0},
    [42] = {UNASSIGNED, 0},
    [EXIT_REASON_TPR_BELOW_THRESHOLD] = {HANDLED, 0},
    [EXIT_REASON_APIC_ACCESS] = {STOPPED, 0}, /* a fetch; else it is emulated */
    [EXIT_REASON_VIRTUALIZED_EOI] = {HANDLED, 0},
    [EXIT_REASON_GDTR_OR_IDTR] = {HANDLED, 0},
    [EXIT_REASON_LDTR_OR_TR] = {HANDLED, 0},
    [EXIT_REASON_EPT_VIOLATION] = {RETURNED, STOP_MEMORY},
    [EXIT_REASON_EPT_MISCONFIGURATION] = {RETURNED, STOP_EPT_ENTRY},
    [EXIT_REASON_INVEPT] = {REFLECTED, 0},
    [EXIT_REASON_RDTSCP] = {HANDLED, 0},
    [EXIT_REASON_PREEMPTION_TIMER] = {RETURNED, STOP_TIME_LIMIT},
    [EXIT_REASON_INVVPID] = {REFLECTED, 0},
    [EXIT_REASON_WBINVD] = {HANDLED, 0},
    [EXIT_REASON_XSETBV] = {HANDLED, 0},
    [EXIT_REASON_APIC_WRITE] = {HANDLED, 0},
    [EXIT_REASON_RDRAND] = {HANDLED, 0},
    [EXIT_REASON_INVPCID] = {HANDLED, 0},
    [EXIT_REASON_VMFUNC] = {REFLECTED, 0},
    [EXIT_REASON_ENCLS] = {REFLECTED, 0},
    [EXIT_REASON_RDSEED] = {HANDLED, 0},
    [EXIT_REASON_PAGE_MODIFICATION_LOG_FULL] = {RETURNED, STOP_LOG_FULL},
    [EXIT_REASON_XSAVES] = {STOPPED, 0},
    [EXIT_REASON_XRSTORS] = {STOPPED, 0},
    [EXIT_REASON_PCONFIG] = {REFLECTED, 0},
    [EXIT_REASON_SPP_EVENT] = {STOPPED, 0},
    [EXIT_REASON_UMWAIT] = {HANDLED, 0},
    [EXIT_REASON_TPAUSE] = {HANDLED, 0},
    [EXIT_REASON_LOADIWKEY] = {REFLECTED, 0},
    [EXIT_REASON_ENCLV] = {REFLECTED, 0},
    [71] = {UNASSIGNED, 0},
    [EXIT_REASON_ENQCMD_PASID] = {STOPPED, 0},
    [EXIT_REASON_ENQCMDS_PASID] = {STOPPED, 0},
    [EXIT_REASON_BUS_LOCK] = {STOPPED, 0},
    [EXIT_REASON_INSTRUCTION_TIMEOUT] = {STOPPED, 0},
    [EXIT_REASON_SEAMCALL] = {REFLECTED, 0},
    [EXIT_REASON_TDCALL] = {REFLECTED, 0},
    [EXIT_REASON_RDMSRLIST] = {REFLECTED, 0},
    [EXIT_REASON_WRMSRLIST] = {REFLECTED, 0},
    [80 ... REASONS - 1] = {UNASSIGNED, 0},
};

#define GUEST_BYTES 0x6000ull
#define PML4        0x1000ull
#define DATA        0x4000ull

static struct ept ept;
static char *memory;

/* A guest for which every handler can do what it is there for; memory operands lie at DATA. */
static int outcome_setup(void **state)
{
    int result = exit_setup(state);

    memory = platform_pages_allocate(GUEST_BYTES / PAGE_SIZE, PAGE_SIZE);
    if (ept_create(&ept, &exit_capability) ||
        !ept_map(&ept, 0, platform_physical(memory), GUEST_BYTES, EPT_ALL))
        return -1;
    guest.ept = &ept;
    for (uint64_t table = PML4; table < PML4 + 0x2000; table += 0x1000)
        *(uint64_t *)(memory + table) = (table + 0x1000) | 7;
    *(uint64_t *)(memory + PML4 + 0x2000) = 0x87;
    exit_field(VMCS_GUEST_CR3, PML4);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO, 2u << 7 | 3u << 15 | 1u << 22 | 1u << 27 | 2u << 28);
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x80000306);
    guest.rax = guest.rcx = guest.rdx = 0;
    memset(memory + DATA, 0, 16);
    return result;
}

static int outcome_teardown(void **state)
{
    ept_destroy(&ept);
    platform_pages_free(memory, GUEST_BYTES / PAGE_SIZE);
    return simulated_cpu_teardown(state);
}

/* What each handler needs to have work of its own; else the exit is as set up. */
static enum exit_outcome take(uint32_t reason)
{
    uint64_t qualification = 0;

    switch (reason) {
    case EXIT_REASON_EXTERNAL_INTERRUPT:
        exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x80000030);
        break;
    case EXIT_REASON_RDMSR:
    case EXIT_REASON_WRMSR:
        guest.rcx = 0x174; /* IA32_SYSENTER_CS */
        break;
    case EXIT_REASON_CR_ACCESS: /* MOV to CR8 from RAX */
        qualification = 8;
        break;
    case EXIT_REASON_APIC_ACCESS:
        qualification = 2 << 12;
        break;
    case EXIT_REASON_XSETBV:
        guest.rax = 1;
        break;
    case EXIT_REASON_INVPCID:
        guest.rdx = 2;
        qualification = DATA;
        break;
    case EXIT_REASON_GDTR_OR_IDTR: /* LGDT */
        qualification = DATA;
        break;
    case EXIT_REASON_LDTR_OR_TR: /* LLDT with a null selector */
        qualification = DATA;
        break;
    default:
        break;
    }
    return exit_take(reason, qualification);
}

static void check(uint32_t reason)
{
    const uint64_t before = *simulated_field(VMCS_ENTRY_INTERRUPTION_INFO);
    enum outcome wanted = (enum outcome)documented[reason].outcome;
    const char *name = exit_reason_name(reason);
    enum exit_outcome outcome = take(reason);
    bool injected = *simulated_field(VMCS_ENTRY_INTERRUPTION_INFO) != before;

    if (wanted == UNSAID)
        fail_msg("exit reason %u (%s): its outcome is not documented", reason, name);
    if ((strcmp(name, "unknown exit reason") == 0) != (wanted == UNASSIGNED))
        fail_msg("exit reason %u: its name is '%s'", reason, name);
    bool right = wanted == HANDLED     ? outcome != EXIT_STOP && !injected
                 : wanted == REFLECTED ? outcome == EXIT_RESUME && injected
                                       : outcome == EXIT_STOP && !injected;
    enum stop_cause cause = wanted == RETURNED ? (enum stop_cause)documented[reason].cause
                            : wanted == STOPPED || wanted == UNASSIGNED ? STOP_UNHANDLED
                                                                        : STOP_NONE;
    if (!right || guest.stop.cause != cause)
        fail_msg("exit reason %u (%s): outcome %d, stop cause %d", reason, name, (int)outcome,
                 (int)guest.stop.cause);
}

static void every_reason_has_its_outcome(void **state)
{
    for (uint32_t reason = 0; reason < REASONS; reason++) {
        outcome_teardown(state);
        assert_int_equal(outcome_setup(state), 0);
        check(reason);
    }
}

static void limits(uint32_t reason, const unsigned before[SIMULATED_INSTRUCTIONS])
{
    const unsigned *executed = simulated_cpu.executed;

    if (executed[SIMULATED_VMCLEAR] != before[SIMULATED_VMCLEAR] ||
        executed[SIMULATED_VMPTRLD] != before[SIMULATED_VMPTRLD] ||
        executed[SIMULATED_VMXON] != before[SIMULATED_VMXON] ||
        executed[SIMULATED_VMXOFF] != before[SIMULATED_VMXOFF] ||
        executed[SIMULATED_INVEPT] != before[SIMULATED_INVEPT] || simulated_cpu.host_state_writes)
        fail_msg("exit reason %u (%s): a VMX instruction that no exit may cost", reason,
                 exit_reason_name(reason));
    if (simulated_cpu.xsetbvs > (reason == EXIT_REASON_XSETBV))
        fail_msg("exit reason %u (%s): %u XSETBVs", reason, exit_reason_name(reason),
                 simulated_cpu.xsetbvs);
}

/* No VMCLEAR, VMPTRLD, XSETBV or host-state VMWRITE on a built-in exit, events included. */
static void no_exit_costs_what_the_reference_does(void **state)
{
    for (uint32_t reason = 0; reason < REASONS; reason++) {
        unsigned before[SIMULATED_INSTRUCTIONS];
        outcome_teardown(state);
        assert_int_equal(outcome_setup(state), 0);
        memcpy(before, simulated_cpu.executed, sizeof(before));
        simulated_cpu.host_state_writes = simulated_cpu.xsetbvs = 0;
        if (take(reason) == EXIT_EVENTS)
            event_prepare(&guest);
        limits(reason, before);
    }
}

/* Nor by another leaf, register, qualification or information. */
static void nor_any_variant_of_it(void **state)
{
    uint64_t seed = 31;
    for (uint32_t i = 0; i < 60 * REASONS; i++) {
        uint32_t reason = i % REASONS;
        unsigned before[SIMULATED_INSTRUCTIONS];
        outcome_teardown(state);
        assert_int_equal(outcome_setup(state), 0);
        guest.rax = random_bits(&seed) >> random_below(&seed, 64);
        guest.rcx = random_bits(&seed) >> random_below(&seed, 64);
        exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x80000000 | random_below(&seed, 0x1000));
        if (i & 1)
            exit_field(VMCS_IDT_VECTORING_INFO, 0x80000000 | random_below(&seed, 0x1000));
        memcpy(before, simulated_cpu.executed, sizeof(before));
        simulated_cpu.host_state_writes = simulated_cpu.xsetbvs = 0;
        uint64_t qualification = random_bits(&seed) >> random_below(&seed, 64);
        if (exit_take(reason, qualification) == EXIT_EVENTS)
            event_prepare(&guest);
        limits(reason, before);
        assert_int_equal(simulated_cpu.faults, 0);
    }
}

/* The counter itself: each of the four widths of host-state fields. */
static void host_state_writes_are_seen(void **state)
{
    static const enum vmcs_field fields[] = {VMCS_HOST_CS_SELECTOR, VMCS_HOST_PAT,
                                             VMCS_HOST_SYSENTER_CS, VMCS_HOST_RIP};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(fields); i++) {
        vmwrite(fields[i], 0);
        assert_int_equal(simulated_cpu.host_state_writes, i + 1);
    }
    vmwrite(VMCS_GUEST_RIP, 0);
    assert_int_equal(simulated_cpu.host_state_writes, COUNT_OF(fields));
}

/* What the commonest exits may cost: VMREADs (the exit reason is the stub's) and VMWRITEs. */
static void accesses_of_common_exits(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASON_CPUID, EXIT_REASON_VMCALL, EXIT_REASON_RDTSC,
                                       EXIT_REASON_PAUSE, EXIT_REASON_WBINVD};
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        outcome_teardown(state);
        assert_int_equal(outcome_setup(state), 0);
        take(reasons[i]);
        assert_in_range(1 + cost.vmreads, 0, 4);
        assert_in_range(cost.vmwrites, 0, 1);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

#define outcome_test(function) \
    cmocka_unit_test_setup_teardown(function, outcome_setup, outcome_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        outcome_test(every_reason_has_its_outcome),
        outcome_test(no_exit_costs_what_the_reference_does),
        outcome_test(nor_any_variant_of_it),
        outcome_test(host_state_writes_are_seen),
        outcome_test(accesses_of_common_exits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
