/* SPDX-License-Identifier: MIT */
/* RDRAND and RDSEED, executed on the guest's behalf. */
#include "../vmx/dispatch.h"
#include "../vmx/registers.h"
#include "../x86/control_registers.h"
#include "advance.h"

/* VM-exit instruction information, SDM Vol. 3C table 28-12. */
#define INFO_SIZE(information) ((unsigned)(information) >> 11 & 3)

/*
 * By operand size (16, 32, 64 bits; the fourth is not defined and taken for 64): the bits that are
 * written, and those that stay as they were. A 32-bit result clears the upper half.
 */
static const uint64_t written[4] = {0xffff, UINT32_MAX, UINT64_MAX, UINT64_MAX};
static const uint64_t kept[4] = {~0xffffull, 0, 0, 0};

/* CF tells whether there was a number; without one the CPU has made it 0 (SDM Vol. 2B). */
static enum exit_outcome finish(struct vcpu *vcpu, bool valid, uint64_t number)
{
    uint64_t information = vmread(VMCS_EXIT_INSTRUCTION_INFO);
    unsigned to = INFO_REGISTER(information), size = INFO_SIZE(information);
    uint64_t flags = vmread(VMCS_GUEST_RFLAGS) & ~RFLAGS_ARITHMETIC;

    PROBE_DETAIL(information);
    vcpu_set_register(vcpu, to, (vcpu_register(vcpu, to) & kept[size]) | (number & written[size]));
    vmwrite(VMCS_GUEST_RFLAGS, valid ? flags | RFLAGS_CF : flags);
    guest_advance();
    return EXIT_RESUME;
}

enum exit_outcome exit_rdrand(struct vcpu *vcpu)
{
    uint64_t number = 0;
    bool valid = x86_rdrand(&number);
    return finish(vcpu, valid, number);
}

enum exit_outcome exit_rdseed(struct vcpu *vcpu)
{
    uint64_t number = 0;
    bool valid = x86_rdseed(&number);
    return finish(vcpu, valid, number);
}
