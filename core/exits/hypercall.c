/* SPDX-License-Identifier: MIT */
/* VMCALL: the hypercalls of core/hypercall.h. */
#include "../hypercall.h"
#include "../vmx/dispatch.h"
#include "advance.h"
#include "guest_mode.h"
#include "request.h"

/* The DPL of SS is the CPL (SDM Vol. 3C 25.4.1); access rights [6:5]. */
static bool guest_is_supervisor(void)
{
    return !(vmread(VMCS_GUEST_SS_ACCESS_RIGHTS) & 0x60);
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
