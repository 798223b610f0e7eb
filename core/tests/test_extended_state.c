/* SPDX-License-Identifier: MIT */
/* By what instruction extended state moves, whereto, and in which room. */
#include "resident_fixture.h"

#include "../vmx/extended_state.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

static struct vmx_capability capability;

static void moves_by(const char *save, const char *load)
{
    struct simulated_extended *cpu = &simulated_cpu.extended;

    vmx_capability_read(&capability);
    simulated_cpu.xcr0 = capability.xcr0;
    void *area = extended_state_create(&capability);
    assert_non_null(area);
    cpu->component[0] = 10;
    cpu->component[1] = 11;
    cpu->fcw = 0x27f;
    cpu->mxcsr = 0x9fc0;
    extended_state_load(&capability, area);
    assert_string_equal(cpu->last, load);
    const struct resident_model initial = resident_initial(), is = resident_look();
    assert_memory_equal(is.component, initial.component, sizeof(is.component));
    assert_int_equal(is.fcw, initial.fcw);
    assert_int_equal(is.mxcsr, initial.mxcsr);

    cpu->component[1] = 12;
    cpu->mxcsr = 0x1fc0;
    extended_state_save(&capability, area);
    assert_string_equal(cpu->last, save);
    cpu->component[1] = 13;
    cpu->mxcsr = 0x1f80;
    extended_state_load(&capability, area);
    assert_int_equal(cpu->component[1], 12);
    assert_int_equal(cpu->mxcsr, 0x1fc0);
    extended_state_destroy(&capability, area);
}

static void the_best_there_is(void **state)
{
    (void)state;
    moves_by("XSAVEOPT", "XRSTOR");
    simulated_leaf(0xd, 1)->eax = CPUID_D_1_EAX_XSAVES; /* with nothing that only XSAVES saves */
    moves_by("XSAVE", "XRSTOR");
    simulated_leaf(0xd, 1)->ecx = 0x100; /* ... for a guest */
    moves_by("XSAVE", "XRSTOR");
    simulated_leaf(0xd, 1)->eax = 0;
    moves_by("XSAVE", "XRSTOR");
    resident_form(RESIDENT_XSAVES);
    simulated_msr(IA32_XSS)->value = 0x1800;
    moves_by("XSAVES", "XRSTORS");
    resident_form(RESIDENT_FXSAVE);
    simulated_cpu.cr4 |= CR4_OSFXSR;
    moves_by("FXSAVE", "FXRSTOR");
}

/* A fault if an area had another number of pages. */
static void has_room(size_t pages)
{
    vmx_capability_read(&capability);
    void *area = extended_state_create(&capability);
    size_t held = simulated_pages_held();
    platform_pages_free(area, pages);
    assert_int_equal(simulated_pages_held(), held - 1);
}

static void areas_have_room(void **state)
{
    (void)state;
    has_room(1);
    resident_form(RESIDENT_XSAVES);
    has_room(3); /* AMX, of which the compacted form takes about as much */
    simulated_leaf(0xd, 12)->eax = 0x3000;
    has_room(6);
    simulated_leaf(0xd, 0)->ecx = 0x6001;
    has_room(7);
    resident_form(RESIDENT_FXSAVE);
    has_room(1);
    simulated_pages_fail(1);
    assert_null(extended_state_create(&capability));
}

/* IA32_XSS is told of by CPUID alone, and no more of it is a guest's than what moves with it. */
static void supervisor_components(void **state)
{
    (void)state;
    resident_form(RESIDENT_XSAVES);
    vmx_capability_read(&capability);
    assert_int_equal(capability.xss, 0x1800);
    assert_int_equal(capability.xcr0, 0x602e7);
    simulated_leaf(0xd, 1)->eax &= ~CPUID_D_1_EAX_XSAVES;
    vmx_capability_read(&capability);
    assert_int_equal(capability.xss, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(the_best_there_is),
        simulated_test(areas_have_room),
        simulated_test(supervisor_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
