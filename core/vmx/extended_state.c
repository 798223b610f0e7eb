/* SPDX-License-Identifier: MIT */
#include "extended_state.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/xsave.h"

#include <string.h>

#define AREA_FCW      0u /* offsets in an area, SDM Vol. 1 tables 10-2 and 13-1 */
#define AREA_MXCSR    24u
#define AREA_XCOMP_BV 520u
#define AREA_EXTENDED 576u /* legacy region and header end here */

#define FCW_RESET          0x37fu
#define MXCSR_RESET        0x1f80u
#define XCOMP_BV_COMPACTED (1ull << 63)

typedef void move(void *area, uint64_t components);

/*
 * In the order of preference; the last two need nothing that CPUID.0xD.1 tells. XSAVES only where
 * there are supervisor components, which the others leave out: in Bochs 2.7 its AVX state overlaps
 * the header, on which XRSTORS then faults.
 */
static const struct form {
    uint32_t feature;
    move *save;
    move *load;
    uint64_t xcomp_bv; /* of an area that nothing has been saved to */
} forms[] = {
    {CPUID_D_1_EAX_XSAVES, x86_xsaves, x86_xrstors, XCOMP_BV_COMPACTED},
    {CPUID_D_1_EAX_XSAVEOPT, x86_xsaveopt, x86_xrstor, 0},
    {0, x86_xsave, x86_xrstor, 0},
    {0, x86_fxsave, x86_fxrstor, 0},
};

static const struct form *form_of(const struct vmx_capability *capability)
{
    const struct form *form = capability->xss ? forms : forms + 1;

    if (!capability->xcr0)
        return &forms[sizeof(forms) / sizeof(forms[0]) - 1];
    while ((capability->xsave & form->feature) != form->feature)
        form++;
    return form;
}

/* Room for every component, in the standard and in the compacted form. */
static size_t pages(const struct vmx_capability *capability)
{
    uint64_t components = capability->xcr0 | capability->xss;
    uint32_t standard = AREA_EXTENDED, compacted = AREA_EXTENDED;

    if (capability->xcr0)
        standard = x86_cpuid(CPUID_EXTENDED_STATE, 0).ecx;
    for (uint32_t i = 2; i < 64; i++)
        if (components >> i & 1) {
            struct cpuid_registers r = x86_cpuid(CPUID_EXTENDED_STATE, i);
            if (r.ecx & CPUID_D_N_ECX_ALIGNED)
                compacted = (compacted + 63) & ~63u;
            compacted += r.eax;
        }
    return ((standard > compacted ? standard : compacted) + PAGE_SIZE - 1) / PAGE_SIZE;
}

void extended_state_use(const struct vmx_capability *capability, uint64_t xcr0)
{
    if (capability->xcr0 && x86_xgetbv(0) != xcr0)
        x86_xsetbv_checked(0, xcr0); /* a value that XSETBV has taken before, or that of RESET */
}

void *extended_state_create(const struct vmx_capability *capability)
{
    void *area = platform_pages_allocate(pages(capability), PAGE_SIZE);

    if (area)
        extended_state_reset(capability, area);
    return area;
}

void extended_state_destroy(const struct vmx_capability *capability, void *area)
{
    platform_pages_free(area, pages(capability));
}

/* No component in XSTATE_BV: loading gives each its initial value, MXCSR alone comes from here. */
void extended_state_reset(const struct vmx_capability *capability, void *area)
{
    const uint64_t xcomp_bv = form_of(capability)->xcomp_bv;
    const uint32_t mxcsr = MXCSR_RESET;
    const uint16_t fcw = FCW_RESET; /* for FXRSTOR, which has no XSTATE_BV */

    memset(area, 0, AREA_EXTENDED);
    memcpy((char *)area + AREA_FCW, &fcw, sizeof(fcw));
    memcpy((char *)area + AREA_MXCSR, &mxcsr, sizeof(mxcsr));
    memcpy((char *)area + AREA_XCOMP_BV, &xcomp_bv, sizeof(xcomp_bv));
}

void extended_state_save(const struct vmx_capability *capability, void *area)
{
    form_of(capability)->save(area, capability->xcr0 | capability->xss);
}

void extended_state_load(const struct vmx_capability *capability, void *area)
{
    form_of(capability)->load(area, capability->xcr0 | capability->xss);
}

/* A load of nothing, from elsewhere. */
void extended_state_forget(const struct vmx_capability *capability)
{
    static char elsewhere[AREA_EXTENDED] __attribute__((aligned(64)));

    if (capability->xcr0)
        x86_xrstor(elsewhere, 0);
}
