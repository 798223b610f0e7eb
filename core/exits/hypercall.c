/* SPDX-License-Identifier: MIT */
/* VMCALL: the hypercalls of core/hypercall.h. */
#include "../hypercall.h"
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "advance.h"
#include "guest_mode.h"
#include "request.h"

/* The DPL of SS is the CPL (SDM Vol. 3C 25.4.1); access rights [6:5]. */
static bool guest_is_supervisor(void)
{
    return !(vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & 0x60);
}

/* Exceptions that need nothing but an error code of 0: #DB and #PF come with more, #DF with less.
 */
#define INJECTABLE                                                                             \
    (1u << VECTOR_DE | 1u << VECTOR_UD | 1u << VECTOR_NM | 1u << VECTOR_TS | 1u << VECTOR_NP | \
     1u << VECTOR_SS | 1u << VECTOR_GP | 1u << VECTOR_AC)
#define FIRST_INTERRUPT 32u

/* RIP is behind the VMCALL already. */
static enum exit_outcome inject(struct vcpu *vcpu, uint64_t information)
{
    uint32_t vector = information & EVENT_VECTOR;

    vcpu->rax = 0;
    if (!(information & EVENT_VALID))
        return EXIT_RESUME;
    switch (information & ~(uint64_t)EVENT_VECTOR) {
    case EVENT_VALID | EVENT_EXTERNAL_INTERRUPT:
        if (vector < FIRST_INTERRUPT)
            break;
        vcpu->events.acknowledged[vector / 64] |= 1ull << vector % 64;
        return EXIT_EVENTS;
    case EVENT_VALID | EVENT_HARDWARE_EXCEPTION:
        if (vector < 32 && INJECTABLE >> vector & 1)
            return event_exception(vcpu, (enum exception_vector)vector, 0);
        break;
    }
    vcpu->rax = HYPERCALL_INVALID;
    return EXIT_RESUME;
}

/* Outside 64-bit mode the upper halves of registers are nothing the guest has a say in. */
static __attribute__((noinline)) enum exit_outcome privileged(struct vcpu *vcpu)
{
    uint64_t mask = guest_in_64_bit_mode() ? UINT64_MAX : UINT32_MAX, number = vcpu->rax & mask;

    if (number == HYPERCALL_NOP) {
        vcpu->rax = 0;
        return EXIT_RESUME;
    }
    if (!guest_is_supervisor()) {
        vcpu->rax = HYPERCALL_UNPRIVILEGED;
        return EXIT_RESUME;
    }
    switch (number) {
    case HYPERCALL_PHASE_DONE:
        return vcpu_stop(vcpu, STOP_PHASE_DONE, 0, NULL);
    case HYPERCALL_FAILED:
        return vcpu_stop(vcpu, STOP_GUEST_FAILED, vcpu->rdi & mask, NULL);
    case HYPERCALL_INJECT:
        return inject(vcpu, vcpu->rdi & mask);
    case HYPERCALL_NMI:
    case HYPERCALL_STEP:
    case HYPERCALL_EXPIRE:
    case HYPERCALL_INTERRUPT:
        return request_exit(vcpu, (unsigned)number);
    default:
        vcpu->rax = HYPERCALL_UNKNOWN;
        return EXIT_RESUME;
    }
}

/* HYPERCALL_NOP's result is 0, which is what RAX holds; it is nobody's privilege. */
enum exit_outcome exit_vmcall(struct vcpu *vcpu)
{
    uint64_t number = vcpu->rax;

    PROBE_DETAIL(number);
    guest_advance();
    if (__builtin_expect(number != HYPERCALL_NOP, 0))
        return privileged(vcpu);
    return EXIT_RESUME;
}
