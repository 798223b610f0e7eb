/* SPDX-License-Identifier: MIT */
/* More than one CPU: which of them simulated_cpu is. */
#include "simulated_cpu.h"

#include "../x86/control_registers.h"

#include <string.h>

static struct {
    bool known;
    struct simulated_cpu cpu;
} away[SIMULATED_CPUS_MAX];

void simulated_cpus_forget(void)
{
    for (int i = 0; i < SIMULATED_CPUS_MAX; i++)
        away[i].known = false;
}

/* What is no CPU's own: the VMCSs, which are memory, and what is kept for the test. */
static void share(struct simulated_cpu *to, const struct simulated_cpu *from)
{
    memcpy(to->vmcs, from->vmcs, sizeof(to->vmcs));
    memcpy(to->executed, from->executed, sizeof(to->executed));
    memcpy(to->failing, from->failing, sizeof(to->failing));
    to->failed = from->failed;
    memcpy(to->first_fault, from->first_fault, sizeof(to->first_fault));
    to->faults = from->faults;
    to->invept = from->invept;
    to->invvpid = from->invvpid;
    to->invept_type = from->invept_type;
    to->invvpid_type = from->invvpid_type;
    to->host_state_writes = from->host_state_writes;
}

void simulated_cpu_number_set(uint32_t number)
{
    static struct simulated_cpu from;
    struct simulated_cpu *cpu = &simulated_cpu;

    if (number == cpu->number)
        return;
    from = *cpu;
    if (from.number < SIMULATED_CPUS_MAX) {
        away[from.number].cpu = from;
        away[from.number].known = true;
    }
    if (number < SIMULATED_CPUS_MAX && away[number].known) {
        *cpu = away[number].cpu;
        share(cpu, &from);
    } else {
        cpu->vmx_operation = false;
        cpu->vmxon_region = 0;
        cpu->current = NULL;
        cpu->cr4 &= ~CR4_VMXE;
    }
    cpu->number = number;
}
