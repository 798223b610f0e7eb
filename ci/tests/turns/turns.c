/* SPDX-License-Identifier: MIT */
/*
 * For an image of the tests: at a hypercall of the guest, another vCPU takes the CPU for its
 * resident state and changes it, the host takes it back or another leaves now and then, and the
 * guest goes on. test_resident.py puts this file beside the handlers.
 */
#include "../platform.h"
#include "../vmx/dispatch.h"
#include "../vmx/extended_state.h"
#include "../x86/control_registers.h"

void turns_take(struct vcpu *vcpu);

static void require(bool condition, const char *what)
{
    if (!condition)
        platform_log("turns: failed: %s\n", what);
}

static void scribble(const struct vmx_capability *capability, uint64_t value)
{
    const uint64_t cr4 = x86_read_cr4();

    x86_write_cr4(cr4 | CR4_OSFXSR);
    __asm__ volatile("fninit; fld1; fldpi; movq %0, %%xmm7" : : "r"(value));
    if (capability->xcr0 & 4) {
        extended_state_use(capability, capability->xcr0);
        __asm__ volatile("vzeroall");
    }
    x86_write_cr4(cr4);
    x86_write_cr2(value);
    x86_write_dr0(value);
    x86_write_dr6(0xffff0ff1);
    for (uint32_t msr = 0xc0000081; msr < 0xc0000084; msr++)
        x86_wrmsr(msr, value);
}

void turns_take(struct vcpu *vcpu)
{
    static struct vcpu other;
    static unsigned turn;
    const uint64_t was = x86_rdmsr(0xc0000082);

    if (!turn) {
        other.capability = vcpu->capability;
        require(resident_create(&other), "no memory");
    }
    uint64_t start = x86_rdtsc();
    require(resident_take(&other), "take");
    uint64_t taken = x86_rdtsc();
    require(x86_read_cr2() == turn && x86_read_dr0() == turn && x86_rdmsr(0xc0000082) == turn,
            "the other vCPU's own");
    scribble(vcpu->capability, ++turn);
    extended_state_use(vcpu->capability, other.xcr0);
    if (turn % 4 == 1)
        resident_to_host();
    if (turn % 4 == 2)
        resident_leave(&other);
    require(resident_take(vcpu), "take back");
    uint64_t left = x86_rdtsc();
    resident_leave(vcpu);
    uint64_t again = x86_rdtsc();
    require(resident_take(vcpu), "take again");
    uint64_t end = x86_rdtsc();
    require(x86_rdmsr(0xc0000082) == was, "the guest's own");
    platform_log("turns: %u: taken in %u ticks, left in %u, taken again in %u\n", turn,
                 (unsigned)(taken - start), (unsigned)(again - left), (unsigned)(end - again));
}
