/* SPDX-License-Identifier: MIT */
/* IN and OUT: forwarded to the port, the result merged into RAX as the CPU would. */
#include "../vmx/dispatch.h"
#include "advance.h"
#include "io_string.h"

static __attribute__((noinline, cold)) enum exit_outcome
give_up(struct vcpu *vcpu, uint64_t qualification, const char *why)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_UNHANDLED, qualification, why);
}

enum exit_outcome exit_io(struct vcpu *vcpu)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    uint16_t port = (uint16_t)(qualification >> 16);

    PROBE_DETAIL(qualification & 0xffffffff);
    if (__builtin_expect(qualification & IO_STRING, 0))
        return exit_io_string(vcpu, qualification);

    switch (qualification & (IO_SIZE | IO_IN)) {
    case 0:
        x86_out8(port, (uint8_t)vcpu->rax);
        break;
    case 1:
        x86_out16(port, (uint16_t)vcpu->rax);
        break;
    case 3:
        x86_out32(port, (uint32_t)vcpu->rax);
        break;
    case IO_IN | 0:
        vcpu->rax = (vcpu->rax & ~0xffull) | x86_in8(port);
        break;
    case IO_IN | 1:
        vcpu->rax = (vcpu->rax & ~0xffffull) | x86_in16(port);
        break;
    case IO_IN | 3:
        vcpu->rax = x86_in32(port); /* a 32-bit result clears the upper half */
        break;
    default:
        return give_up(vcpu, qualification, "I/O size the SDM does not define");
    }
    guest_advance();
    return EXIT_RESUME;
}
