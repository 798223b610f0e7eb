/* SPDX-License-Identifier: MIT */
/* IN and OUT: by whoever has the port, the result merged into RAX as the CPU would. */
#include "../vmx/dispatch.h"
#include "advance.h"
#include "io_string.h"

static enum exit_outcome give_up(struct vcpu *vcpu, uint64_t qualification, const char *why)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_UNHANDLED, qualification, why);
}

/* By the vCPU's table, which decides port by port. */
static enum exit_outcome by_table(struct vcpu *vcpu, uint64_t qualification)
{
    unsigned bytes = (qualification & IO_SIZE) + 1;
    uint32_t value = (uint32_t)vcpu->rax, mask = UINT32_MAX >> (32 - 8 * bytes);
    bool in = qualification & IO_IN;

    value &= mask;
    enum port_result result =
        ports_access(vcpu, (uint16_t)(qualification >> 16), bytes, !in, &value);
    if (result == PORT_REFUSED)
        return give_up(vcpu, qualification, IO_REFUSED);
    if (in)
        vcpu->rax = bytes == 4 ? value : (vcpu->rax & ~(uint64_t)mask) | value;
    guest_advance();
    return result == PORT_EVENTS ? EXIT_EVENTS : EXIT_RESUME;
}

/* What is not simply forwarded. Out of line, so that what is stays short. */
static __attribute__((noinline, cold)) enum exit_outcome not_forwarded(struct vcpu *vcpu,
                                                                       uint64_t qualification)
{
    if (qualification & IO_STRING)
        return exit_io_string(vcpu, qualification);
    if (!io_size_is_defined(qualification))
        return give_up(vcpu, qualification, "I/O size the SDM does not define");
    return by_table(vcpu, qualification);
}

enum exit_outcome exit_io(struct vcpu *vcpu)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    uint16_t port = (uint16_t)(qualification >> 16);

    PROBE_DETAIL(qualification & 0xffffffff);
    if (__builtin_expect(vcpu->ports != NULL, 0))
        return not_forwarded(vcpu, qualification);

    switch (qualification & (IO_SIZE | IO_IN | IO_STRING)) {
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
        return not_forwarded(vcpu, qualification);
    }
    guest_advance();
    return EXIT_RESUME;
}
