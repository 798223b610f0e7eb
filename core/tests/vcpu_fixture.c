/* SPDX-License-Identifier: MIT */
#include "vcpu_fixture.h"

struct vmx_cpu fixture_cpu;
struct ept fixture_ept;
struct vcpu *fixture_vcpu;
struct vcpu_policy fixture_policy;

static char *bitmaps;

int vcpu_setup(void **state)
{
    simulated_cpu_setup(state);
    stub_guest = NULL;
    bitmaps = platform_pages_allocate(3, PAGE_SIZE);
    fixture_policy = (struct vcpu_policy){
        .msr_bitmap = bitmaps,
        .io_bitmap_a = bitmaps + PAGE_SIZE,
        .io_bitmap_b = bitmaps + 2 * PAGE_SIZE,
    };
    simulated_cpu_number_set(5);
    if (vmx_enable(&fixture_cpu) || ept_create(&fixture_ept, &fixture_cpu.capability))
        return -1;
    fixture_vcpu = vcpu_create(&fixture_cpu.capability, &fixture_ept);
    return fixture_vcpu ? 0 : -1;
}

int vcpu_teardown(void **state)
{
    vcpu_destroy(fixture_vcpu);
    ept_destroy(&fixture_ept);
    platform_pages_free(bitmaps, 3);
    vmx_disable(&fixture_cpu);
    return simulated_cpu_teardown(state);
}
