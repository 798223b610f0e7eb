/* SPDX-License-Identifier: MIT */
/* Instructions of which little or nothing is left to be done once they have exited. */
#include "../vmx/event.h"
#include "../vmx/registers.h"
#include "advance.h"
#include "guest_mode.h"

/* CPUID.5:ECX[1]: MWAIT can treat masked interrupts as break events. */
#define CPUID_5_ECX_BREAK_ON_MASKED (1u << 1)
#define MWAIT_BREAK_ON_MASKED       1ull

static enum exit_outcome nothing_done(void)
{
    guest_advance();
    return EXIT_RESUME;
}

static uint64_t extensions(const struct vcpu *vcpu)
{
    return guest_in_64_bit_mode() ? vcpu->rcx : (uint32_t)vcpu->rcx;
}

/* A hint. */
enum exit_outcome exit_pause(struct vcpu *vcpu)
{
    (void)vcpu;
    return nothing_done();
}

/* An address that is never monitored; MWAIT then need not wait. */
enum exit_outcome exit_monitor(struct vcpu *vcpu)
{
    if (extensions(vcpu))
        return event_exception(vcpu, VECTOR_GP, 0);
    return nothing_done();
}

/* Ends at once, which the SDM allows it to do at any time (Vol. 3A 9.10.3). */
enum exit_outcome exit_mwait(struct vcpu *vcpu)
{
    uint64_t wanted = extensions(vcpu);

    if (wanted & ~MWAIT_BREAK_ON_MASKED ||
        (wanted && !(x86_cpuid(5, 0).ecx & CPUID_5_ECX_BREAK_ON_MASKED)))
        return event_exception(vcpu, VECTOR_GP, 0);
    return nothing_done();
}

/* UMWAIT and TPAUSE end at once likewise, and not by the time limit of the OS: CF is clear. */
enum exit_outcome exit_user_wait(struct vcpu *vcpu)
{
    unsigned source = INFO_REGISTER(vmread(VMCS_EXIT_INSTRUCTION_INFO));

    if ((uint32_t)vcpu_register(vcpu, source) & ~1u)
        return event_exception(vcpu, VECTOR_GP, 0);
    vmwrite(VMCS_GUEST_RFLAGS, vmread(VMCS_GUEST_RFLAGS) & ~RFLAGS_ARITHMETIC);
    return nothing_done();
}

/* INVD too: without the write-back it would lose what the host has in the caches. */
enum exit_outcome exit_wbinvd(struct vcpu *vcpu)
{
    (void)vcpu;
    x86_wbinvd();
    return nothing_done();
}

/* What the guest's CPUID does not have, or what its mode never allows. */
enum exit_outcome exit_undefined(struct vcpu *vcpu)
{
    return event_exception(vcpu, VECTOR_UD, 0);
}
