/* SPDX-License-Identifier: MIT */
/*
 * MOV to and from debug registers. DR7 is the VMCS's; DR0 to DR3 and DR6 are the CPU's own, which
 * no VM transition touches (resident_state.h): the host leaves them alone, having DR7 cleared by
 * every VM exit.
 *
 * This VM exit comes before the checks of the instruction itself, of privilege and of CR4.DE alike
 * (SDM Vol. 3C 26.1.3), so that all of them are made here.
 */
#include "../vmx/event.h"
#include "../vmx/registers.h"
#include "advance.h"
#include "guest_mode.h"

/* Exit qualification, SDM Vol. 3C table 28-4. */
#define DR_NUMBER(qualification)   ((unsigned)(qualification) % 8)
#define DR_FROM                    (1u << 4)
#define DR_REGISTER(qualification) ((unsigned)(qualification) >> 8 & 0xf)

/* DR7: bit 10 reads as one, 12, 14 and 15 as zero; 11 is there with RTM only (SDM Vol. 3B 18.2.4).
 */
#define DR7_ONES  (1ull << 10)
#define DR7_ZEROS (1ull << 12 | 3ull << 14)
#define DR7_RTM   (1ull << 11)
#define EBX_7_RTM (1u << 11) /* CPUID.7.0:EBX */

static void write_dr7(uint64_t value)
{
    if (value & DR7_RTM && !(x86_cpuid(7, 0).ebx & EBX_7_RTM))
        value &= ~DR7_RTM;
    vmwrite(VMCS_GUEST_DR7, (value & ~DR7_ZEROS) | DR7_ONES);
}

static void write_dr(unsigned number, uint64_t value)
{
    switch (number) {
    case 0:
        x86_write_dr0(value);
        break;
    case 1:
        x86_write_dr1(value);
        break;
    case 2:
        x86_write_dr2(value);
        break;
    case 3:
        x86_write_dr3(value);
        break;
    case 6:
        x86_write_dr6(value);
        break;
    default:
        write_dr7(value);
    }
}

static uint64_t read_dr(unsigned number, uint64_t dr7)
{
    switch (number) {
    case 0:
        return x86_read_dr0();
    case 1:
        return x86_read_dr1();
    case 2:
        return x86_read_dr2();
    case 3:
        return x86_read_dr3();
    case 6:
        return x86_read_dr6();
    default:
        return dr7;
    }
}

enum exit_outcome exit_mov_dr(struct vcpu *vcpu)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION), dr7 = vmread(VMCS_GUEST_DR7);
    unsigned number = DR_NUMBER(qualification), operand = DR_REGISTER(qualification);

    PROBE_DETAIL(qualification);
    if (number == 4 || number == 5) {
        if (guest_cr4() & CR4_DE)
            return event_exception(vcpu, VECTOR_UD, 0);
        number += 2;
    }
    if (guest_privilege_level() > 0)
        return event_exception(vcpu, VECTOR_GP, 0);
    if (dr7 & DR7_GD)
        return event_debug_exception(vcpu, x86_read_dr6() | DR6_BD);

    bool wide = guest_in_64_bit_mode();
    if (qualification & DR_FROM) {
        uint64_t value = read_dr(number, dr7);
        vcpu_set_register(vcpu, operand, wide ? value : (uint32_t)value);
    } else {
        uint64_t value = vcpu_register(vcpu, operand);
        if (!wide)
            value = (uint32_t)value;
        if (number >= 6 && value >> 32)
            return event_exception(vcpu, VECTOR_GP, 0);
        write_dr(number, value);
    }
    guest_advance();
    return EXIT_RESUME;
}
