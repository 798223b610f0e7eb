/* SPDX-License-Identifier: MIT */
#include "state.h"

#include "layout.h"

#include "../../x86/control_registers.h"

#define GROUP_GUEST_STATE 2u
#define WAIT_FOR_SIPI     3u

static const enum vmcs_field fields[] = {
#define VMCS_FIELD(encoding, symbol, name) VMCS_##symbol,
#include "../../vmx/vmcs_field_list.h"
#undef VMCS_FIELD
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

void state_tables(enum vcpu_mode mode, struct random *random)
{
    if (random_once_in(random, 8))
        return;
    if (mode != VCPU_REAL) {
        x86_vmwrite(VMCS_GUEST_GDTR_BASE, GUEST_GDT);
        x86_vmwrite(VMCS_GUEST_GDTR_LIMIT, 0x7f);
        x86_vmwrite(VMCS_GUEST_IDTR_BASE, GUEST_IDT);
        x86_vmwrite(VMCS_GUEST_IDTR_LIMIT, 0xfff);
    }
    x86_vmwrite(VMCS_GUEST_TR_BASE, GUEST_TSS);
    if (random_once_in(random, 2))
        x86_vmwrite(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
}

void state_registers(struct vcpu *vcpu, struct random *random)
{
    uint64_t *const registers[] = {&vcpu->rax, &vcpu->rbx, &vcpu->rcx, &vcpu->rdx, &vcpu->rsi,
                                   &vcpu->rdi, &vcpu->rbp, &vcpu->r8,  &vcpu->r9,  &vcpu->r10,
                                   &vcpu->r11, &vcpu->r12, &vcpu->r13, &vcpu->r14, &vcpu->r15};

    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        *registers[i] = random_value(random);
    if (random_once_in(random, 4))
        vcpu->events.nmi = true;
    if (random_once_in(random, 4))
        vcpu->events.acknowledged[random_below(random, 4)] = random_value(random) & ~0xffffffffull;
}

static bool is_free(enum vmcs_field field)
{
    return ((uint32_t)field >> 10 & 3) == GROUP_GUEST_STATE && field != VMCS_PREEMPTION_TIMER &&
           field != VMCS_GUEST_PML_INDEX;
}

/*
 * Bochs 2.7 does not check that IA-32e mode has paging (SDM Vol. 3C 27.3.1.1), and ends itself
 * where a CPU would refuse the entry.
 */
static void keep_paging(void)
{
    if (x86_vmread(VMCS_ENTRY_CONTROLS) & ENTRY_IA32E_GUEST)
        x86_vmwrite(VMCS_GUEST_CR0, x86_vmread(VMCS_GUEST_CR0) | CR0_PE | CR0_PG);
}

void state_random(struct random *random)
{
    for (uint32_t n = 1 + random_below(random, 6); n > 0; n--) {
        enum vmcs_field field;
        do
            field = fields[random_below(random, FIELDS)];
        while (!is_free(field));
        uint64_t value = random_value(random);
        if (field == VMCS_GUEST_ACTIVITY && value == WAIT_FOR_SIPI)
            value = ACTIVITY_HLT;
        x86_vmwrite_checked(field, value); /* this CPU may not have it */
    }
    keep_paging();
}
