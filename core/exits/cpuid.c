/* SPDX-License-Identifier: MIT */
/* CPUID: the CPU's own answer, but for the leaves that would tell of the host. */
#include "../vmx/dispatch.h"
#include "../x86/control_registers.h"
#include "advance.h"

static void features(const struct vcpu *vcpu, struct cpuid_registers *r)
{
    r->ebx = (r->ebx & 0x00ffffff) | local_apic_id(&vcpu->apic) << 24;
    r->ecx &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX | CPUID_1_ECX_OSXSAVE);
    r->ecx |= CPUID_1_ECX_HYPERVISOR;
    if (vmread(VMCS_GUEST_CR4) & CR4_OSXSAVE)
        r->ecx |= CPUID_1_ECX_OSXSAVE;
    if (!(vcpu->apic.base & APIC_BASE_ENABLE))
        r->edx &= ~CPUID_1_EDX_APIC;
}

/* EBX/EAX is the TSC's rate by that of the core crystal, which clocks the APIC timer; here the TSC
 * does (exits/apic_timer.h). ECX is the crystal's rate in Hz, where the CPU tells it. */
static void clocks(const struct vcpu *vcpu, struct cpuid_registers *r)
{
    if (local_apic_is_hardware(&vcpu->apic) || !r->eax || !r->ebx)
        return;
    uint64_t rate = (uint64_t)r->ecx * r->ebx / r->eax;
    r->ecx = rate > UINT32_MAX ? 0 : (uint32_t)rate;
    r->eax = r->ebx = 1;
}

/* Supervisor state components that the guest cannot use, and XSAVES where it is a #UD. */
static void extended_state(const struct vcpu *vcpu, struct cpuid_registers *r)
{
    uint64_t xss = vcpu->capability->xss;

    if (!(vcpu->controls[CONTROL_SECONDARY] & SECONDARY_XSAVES)) {
        r->eax &= ~CPUID_D_1_EAX_XSAVES;
        xss = 0;
    }
    r->ecx &= (uint32_t)xss;
    r->edx &= (uint32_t)(xss >> 32);
}

static void hypervisor(uint32_t leaf, struct cpuid_registers *r)
{
    *r = (struct cpuid_registers){0};
    if (leaf == CPUID_HYPERVISOR_FIRST) {
        r->eax = CPUID_HYPERVISOR_FIRST; /* the last leaf of the range */
        r->ebx = 0x74697865;             /* "exit" */
        r->ecx = 0x6574656d;             /* "mete" */
        r->edx = 0x20202072;             /* "r   " */
    }
}

/*
 * The sizes in leaf 0xd are right as the CPU has them: it computes them from XCR0 and IA32_XSS,
 * which are the guest's (vmx/resident_state.h).
 */
static void adjust(const struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf,
                   struct cpuid_registers *r)
{
    switch (leaf) {
    case 1:
        features(vcpu, r);
        break;
    case CPUID_TOPOLOGY:
    case CPUID_TOPOLOGY_2:
        r->edx = local_apic_id(&vcpu->apic);
        break;
    case CPUID_EXTENDED_STATE:
        if (subleaf == 1)
            extended_state(vcpu, r);
        break;
    case CPUID_CLOCKS:
        clocks(vcpu, r);
        break;
    default:
        break;
    }
}

static __attribute__((noinline, cold)) enum exit_outcome adjusted(struct vcpu *vcpu, uint32_t leaf)
{
    const uint32_t subleaf = (uint32_t)vcpu->rcx;
    struct cpuid_registers r = x86_cpuid(leaf, subleaf);

    if (leaf >> 28 == CPUID_HYPERVISOR_FIRST >> 28) {
        hypervisor(leaf, &r);
    } else {
        leaf = cpuid_answered_leaf(leaf);
        adjust(vcpu, leaf, subleaf, &r);
    }
    cpuid_hide(&vcpu->cpuid, leaf, subleaf, &r);
    vcpu->rax = r.eax;
    vcpu->rbx = r.ebx;
    vcpu->rcx = r.ecx;
    vcpu->rdx = r.edx;
    guest_advance();
    return EXIT_RESUME;
}

enum exit_outcome exit_cpuid(struct vcpu *vcpu)
{
    uint32_t leaf = (uint32_t)vcpu->rax;

    PROBE_DETAIL(leaf | vcpu->rcx << 32);
    if (leaf < 32) {
        if (__builtin_expect(vcpu->cpuid.leaves >> leaf & 1, 0))
            return adjusted(vcpu, leaf);
    } else if (__builtin_expect(vcpu->cpuid.ranges >> (leaf >> 28) & 1, 0)) {
        return adjusted(vcpu, leaf);
    }
    x86_cpuid_extended(leaf, (uint32_t)vcpu->rcx, &vcpu->rax, &vcpu->rbx, &vcpu->rcx, &vcpu->rdx);
    guest_advance();
    return EXIT_RESUME;
}
