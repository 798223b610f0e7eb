/* SPDX-License-Identifier: MIT */
/* VMX operation in and out, and a vCPU from its creation to its end, on one CPU. */
#include "guest.h"
#include "target.h"

#include "../../boot/memory.h"
#include "../../x86/control_registers.h"

#include <string.h>

#define TIMES 1000u

/* One guest that counts to 2, in the frame and in its memory. */
static bool counts_to_2(void)
{
    struct guest guest;
    bool done = guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0);

    for (uint64_t i = 1; done && i <= 2; i++)
        done = vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE && guest.vcpu->rbx == i &&
               guest_quadword(&guest, GUEST_DATA) == i;
    return guest_destroy(&guest) && done;
}

void test_vmx_a_thousand_times(void)
{
    struct vmx_cpu *vmx = target_vmx(0);

    vmx_disable(vmx);
    size_t pages = memory_free_pages(), taken = 0; /* the VMXON region, the host's extended state */
    for (unsigned i = 0; i < TIMES; i++) {
        EXPECT(vmx_enable(vmx) == NULL);
        if (i == 0)
            taken = pages - memory_free_pages();
        EXPECT(taken >= 1 && taken <= 4 && memory_free_pages() == pages - taken);
        if (i % 10 == 0)
            EXPECT(counts_to_2());
        vmx_disable(vmx);
        EXPECT(!(x86_read_cr4() & CR4_VMXE));
        EXPECT(memory_free_pages() == pages);
    }
}

void test_vmxon_twice(void)
{
    static const char busy[] = "CR4.VMXE is already set";
    struct vmx_cpu *vmx = target_vmx(0);
    void *region = vmx->region;
    struct vmx_cpu other = {0};

    const char *refusal = vmx_enable(vmx);
    EXPECT(refusal && memcmp(refusal, busy, sizeof(busy) - 1) == 0);
    EXPECT(vmx->region == region);
    EXPECT(vmx_enable(&other) != NULL && other.region == NULL);

    /* What the CPU itself says of it: without a current VMCS, and with one, which takes the error.
     */
    EXPECT(x86_vmxon(platform_physical(region)) == VMX_FAIL_INVALID);
    struct guest guest;
    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(x86_vmxon(platform_physical(region)) == VMX_FAIL_VALID);
    EXPECT(vmread(VMCS_INSTRUCTION_ERROR) == 15);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE);
    EXPECT(guest_destroy(&guest));
}

void test_vcpu_a_thousand_times(void)
{
    size_t pages = memory_free_pages();

    for (unsigned i = 0; i < TIMES; i++)
        EXPECT(counts_to_2());
    EXPECT(memory_free_pages() == pages);
}

/* Two guests, each with memory, registers and a VPID of its own; now and then one is unbound. */
void test_two_vcpus_take_turns(void)
{
    struct guest a, b;

    EXPECT(guest_create(&a, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(guest_create(&b, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(a.vcpu->vpid && b.vcpu->vpid && a.vcpu->vpid != b.vcpu->vpid);
    a.vcpu->rbx = 1000;
    b.vcpu->r12 = 77;
    for (uint64_t i = 1; i <= 200; i++) {
        EXPECT(vcpu_run(a.vcpu)->cause == STOP_PHASE_DONE);
        EXPECT(a.vcpu->rbx == 1000 + i && guest_quadword(&a, GUEST_DATA) == 1000 + i);
        EXPECT(vcpu_run(b.vcpu)->cause == STOP_PHASE_DONE);
        EXPECT(b.vcpu->rbx == i && guest_quadword(&b, GUEST_DATA) == i && b.vcpu->r12 == 77);
        if (i % 50 == 0) {
            EXPECT(vcpu_unbind(a.vcpu));
            EXPECT(!a.vcpu->launched && b.vcpu->launched);
        }
    }
    EXPECT(a.vcpu->r12 == 0);
    EXPECT(guest_destroy(&a) && guest_destroy(&b));
}

/* The page of its VMCS goes back while it is bound, and is used for another at once. */
void test_destroy_bound(void)
{
    size_t pages = memory_free_pages();

    for (int i = 0; i < 10; i++) {
        struct guest guest;
        EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
        EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE);
        EXPECT(guest.vcpu->cpu == 0 && guest.vcpu->launched);
        EXPECT(guest_destroy(&guest));
        uint64_t value;
        EXPECT(x86_vmread_checked(VMCS_GUEST_RIP, &value) ==
               VMX_FAIL_INVALID); /* none is current */
    }
    EXPECT(memory_free_pages() == pages);
}
