/* SPDX-License-Identifier: MIT */
#include "resident_fixture.h"

#include "../x86/msr.h"

#include <string.h>

const uint32_t resident_msr[RESIDENT_REGISTERS] = {
    [RESIDENT_STAR] = IA32_STAR,
    [RESIDENT_LSTAR] = IA32_LSTAR,
    [RESIDENT_CSTAR] = IA32_CSTAR,
    [RESIDENT_FMASK] = IA32_FMASK,
    [RESIDENT_KERNEL_GS_BASE] = IA32_KERNEL_GS_BASE,
    [RESIDENT_TSC_AUX] = IA32_TSC_AUX,
    [RESIDENT_SPEC_CTRL] = IA32_SPEC_CTRL,
    [RESIDENT_XSS] = IA32_XSS,
    [RESIDENT_XFD] = IA32_XFD,
    [RESIDENT_XFD_ERR] = IA32_XFD_ERR,
};

struct resident_model resident_look(void)
{
    const struct simulated_cpu *cpu = &simulated_cpu;
    struct resident_model model = {
        .value = {cpu->cr2, cpu->dr[0], cpu->dr[1], cpu->dr[2], cpu->dr[3], cpu->dr6},
        .xcr0 = cpu->xcr0,
        .fcw = cpu->extended.fcw,
        .mxcsr = cpu->extended.mxcsr,
    };
    for (int i = RESIDENT_STAR; i < RESIDENT_REGISTERS; i++)
        if (simulated_msr(resident_msr[i]))
            model.value[i] = simulated_msr(resident_msr[i])->value;
    memcpy(model.component, cpu->extended.component, sizeof(model.component));
    return model;
}

struct resident_model resident_initial(void)
{
    return (struct resident_model){
        .value[RESIDENT_DR6] = 0xffff0ff0, .xcr0 = 1, .fcw = 0x37f, .mxcsr = 0x1f80};
}

void resident_expect(const struct resident_model *is, const struct resident_model *should)
{
    for (int i = 0; i < RESIDENT_REGISTERS; i++)
        if (is->value[i] != should->value[i])
            fail_msg("register %d: 0x%llx, not 0x%llx", i, (unsigned long long)is->value[i],
                     (unsigned long long)should->value[i]);
    for (int i = 0; i < SIMULATED_COMPONENTS; i++)
        if (is->component[i] != should->component[i])
            fail_msg("state component %d: 0x%llx, not 0x%llx", i,
                     (unsigned long long)is->component[i],
                     (unsigned long long)should->component[i]);
    assert_int_equal(is->xcr0, should->xcr0);
    assert_int_equal(is->fcw, should->fcw);
    assert_int_equal(is->mxcsr, should->mxcsr);
}

/* Everything there is: AVX-512, PKRU and AMX; PT, CET_U and CET_S; IA32_XFD; IA32_SPEC_CTRL. */
static void everything(void)
{
    static const struct simulated_leaf leaves[] = {
        {0xd, 0, {0x602e7, 0x240, 0x2b00, 0}},
        {0xd, 1, {0x1f, 0, 0x1900, 0}},
        {0xd, 5, {0x40, 0x440, 0, 0}},
        {0xd, 6, {0x200, 0x480, 0, 0}},
        {0xd, 7, {0x400, 0x680, 0, 0}},
        {0xd, 8, {0x80, 0, 1, 0}},
        {0xd, 9, {8, 0xa80, 0, 0}},
        {0xd, 11, {0x10, 0, 1, 0}},
        {0xd, 12, {0x18, 0, 1, 0}},
        {0xd, 17, {0x40, 0xac0, 2, 0}},
        {0xd, 18, {0x2000, 0xb00, 6, 0}},
    };
    static const uint32_t msrs[] = {IA32_SPEC_CTRL, IA32_XSS, IA32_XFD, IA32_XFD_ERR};

    for (size_t i = 0; i < COUNT_OF(leaves); i++)
        *simulated_leaf(leaves[i].leaf, leaves[i].subleaf) = leaves[i].registers;
    for (size_t i = 0; i < COUNT_OF(msrs); i++)
        simulated_msr_set(msrs[i], 0);
    simulated_leaf(7, 0)->edx = 1u << 26;
}

void resident_form(enum resident_form form)
{
    if (form == RESIDENT_FXSAVE) {
        simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_XSAVE;
        simulated_cpu.cr4 &= ~(1ull << 18);
    }
    if (form == RESIDENT_XSAVE)
        simulated_leaf(0xd, 1)->eax = 0;
    if (form == RESIDENT_XSAVES)
        everything();
}
