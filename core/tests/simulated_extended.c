/* SPDX-License-Identifier: MIT */
/* FXSAVE, XSAVE and their kin, as SDM Vol. 1 chapter 13 and Vol. 2 tell their operation. */
#include "simulated_cpu.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

#define FCW_AT       0u
#define X87_AT       32u
#define MXCSR_AT     24u
#define SSE_AT       160u
#define XSTATE_BV_AT 512u
#define XCOMP_BV_AT  520u
#define RESERVED_AT  528u
#define EXTENDED_AT  576u

#define COMPACTED   (1ull << 63)
#define FCW_INIT    0x37fu
#define MXCSR_INIT  0x1f80u
#define MXCSR_MASK  0xffffu
#define SSE_AND_AVX 6u

static uint64_t get(const void *area, size_t at)
{
    uint64_t value;
    memcpy(&value, (const char *)area + at, sizeof(value));
    return value;
}

static void put(void *area, size_t at, uint64_t value, size_t bytes)
{
    memcpy((char *)area + at, &value, bytes);
}

static uint64_t xss(void)
{
    const struct simulated_msr *msr = simulated_msr(IA32_XSS);
    return msr ? msr->value : 0;
}

static bool needs(const char *name, const void *area, uint64_t cr4, uint64_t cr0_clear,
                  uint32_t feature)
{
    if ((uintptr_t)area % 64)
        simulated_fault("%s of an area that is not aligned raised #GP", name);
    else if (!(simulated_cpu.cr4 & cr4))
        simulated_fault("%s without its bit in CR4 raised #UD, or leaves SSE out", name);
    else if (simulated_cpu.cr0 & cr0_clear)
        simulated_fault("%s with CR0.TS or CR0.EM set raised #NM", name);
    else if (feature && !(x86_cpuid(0xd, 1).eax & feature))
        simulated_fault("%s raised #UD", name);
    else {
        simulated_cpu.extended.last = name;
        return true;
    }
    return false;
}

/* Where a component lies, in the standard form or in the compacted one of that XCOMP_BV. */
static size_t place_of(unsigned component, uint64_t xcomp_bv)
{
    size_t at = EXTENDED_AT;

    if (component < 2)
        return component ? SSE_AT : X87_AT;
    if (!(xcomp_bv & COMPACTED))
        return x86_cpuid(0xd, component).ebx;
    for (unsigned i = 2; i <= component; i++) {
        struct cpuid_registers r = x86_cpuid(0xd, i);
        if (xcomp_bv >> i & 1) {
            at = r.ecx & CPUID_D_N_ECX_ALIGNED ? (at + 63) & ~63ull : at;
            if (i < component)
                at += r.eax;
        }
    }
    return at;
}

static bool is_initial(unsigned component)
{
    const struct simulated_extended *cpu = &simulated_cpu.extended;
    return !cpu->component[component] && (component || cpu->fcw == FCW_INIT);
}

static void save_component(void *area, unsigned i, uint64_t xcomp_bv)
{
    const size_t at = place_of(i, xcomp_bv);

    put(area, at, simulated_cpu.extended.component[i], 8);
    if (i >= 2 && x86_cpuid(0xd, i).eax > 8) /* ... and its end, for the room that it takes */
        put(area, at + x86_cpuid(0xd, i).eax - 1, 0xa5, 1);
    if (i == 0)
        put(area, FCW_AT, simulated_cpu.extended.fcw, 2);
}

static void load_component(const void *area, unsigned i, uint64_t xcomp_bv)
{
    simulated_cpu.extended.component[i] = get(area, place_of(i, xcomp_bv));
    if (i == 0)
        simulated_cpu.extended.fcw = (uint16_t)get(area, FCW_AT);
}

static void load_mxcsr(const char *name, const void *area)
{
    uint32_t value = (uint32_t)get(area, MXCSR_AT);

    if (value & ~MXCSR_MASK)
        simulated_fault("%s of MXCSR 0x%x raised #GP", name, value);
    simulated_cpu.extended.mxcsr = value;
}

void x86_fxsave(void *area, uint64_t components)
{
    (void)components;
    if (!needs("FXSAVE", area, CR4_OSFXSR, CR0_TS | CR0_EM, 0))
        return;
    simulated_cpu.extended.saves++;
    save_component(area, 0, 0);
    save_component(area, 1, 0);
    put(area, MXCSR_AT, simulated_cpu.extended.mxcsr, 4);
}

void x86_fxrstor(void *area, uint64_t components)
{
    (void)components;
    if (!needs("FXRSTOR", area, CR4_OSFXSR, CR0_TS | CR0_EM, 0))
        return;
    simulated_cpu.extended.loads++;
    load_component(area, 0, 0);
    load_component(area, 1, 0);
    load_mxcsr("FXRSTOR", area);
}

/* Whether XSAVEOPT or XSAVES may take it that memory holds the component as it is. */
static bool is_unmodified(const void *area, unsigned i, uint64_t xcomp_bv)
{
    const struct simulated_extended *cpu = &simulated_cpu.extended;

    return cpu->loaded_from == area && cpu->loaded_xcomp_bv == xcomp_bv &&
           cpu->loaded[i] == cpu->component[i] && (i || cpu->loaded_fcw == cpu->fcw);
}

static void save(void *area, uint64_t wanted, uint64_t xcomp_bv, bool leave_out)
{
    uint64_t in_use = 0;

    simulated_cpu.extended.saves++;
    for (unsigned i = 0; i < SIMULATED_COMPONENTS; i++)
        if (wanted >> i & 1) {
            in_use |= (uint64_t)!is_initial(i) << i;
            if (!leave_out || (!is_initial(i) && !is_unmodified(area, i, xcomp_bv)))
                save_component(area, i, xcomp_bv);
        }
    if (!(xcomp_bv & COMPACTED) && wanted & SSE_AND_AVX)
        put(area, MXCSR_AT, simulated_cpu.extended.mxcsr, 4);
    if (xcomp_bv & COMPACTED) {
        /* MXCSR is a part of SSE state here. */
        in_use |= simulated_cpu.extended.mxcsr != MXCSR_INIT ? wanted & 2 : 0;
        if (in_use & 2) {
            save_component(area, 1, xcomp_bv);
            put(area, MXCSR_AT, simulated_cpu.extended.mxcsr, 4);
        }
        put(area, XCOMP_BV_AT, xcomp_bv, 8);
    } else
        in_use |= get(area, XSTATE_BV_AT) & ~wanted;
    put(area, XSTATE_BV_AT, in_use, 8);
}

void x86_xsave(void *area, uint64_t components)
{
    if (needs("XSAVE", area, CR4_OSXSAVE, CR0_TS, 0))
        save(area, components & simulated_cpu.xcr0, 0, false);
}

void x86_xsaveopt(void *area, uint64_t components)
{
    if (needs("XSAVEOPT", area, CR4_OSXSAVE, CR0_TS, CPUID_D_1_EAX_XSAVEOPT))
        save(area, components & simulated_cpu.xcr0, 0, true);
}

void x86_xsaves(void *area, uint64_t components)
{
    uint64_t wanted = components & (simulated_cpu.xcr0 | xss());

    if (needs("XSAVES", area, CR4_OSXSAVE, CR0_TS, CPUID_D_1_EAX_XSAVES))
        save(area, wanted, COMPACTED | wanted, true);
}

static void load(const char *name, const void *area, uint64_t enabled, uint64_t wanted)
{
    struct simulated_extended *cpu = &simulated_cpu.extended;
    const uint64_t xstate_bv = get(area, XSTATE_BV_AT), xcomp_bv = get(area, XCOMP_BV_AT);
    const struct simulated_msr *xfd = simulated_msr(IA32_XFD);
    bool compacted = xcomp_bv & COMPACTED;

    if (xstate_bv & ~enabled || get(area, RESERVED_AT) || (!compacted && xcomp_bv) ||
        (compacted && (xcomp_bv & ~(enabled | COMPACTED) || xstate_bv & ~xcomp_bv)))
        simulated_fault("%s of a header with XSTATE_BV 0x%llx, XCOMP_BV 0x%llx raised #GP", name,
                        (unsigned long long)xstate_bv, (unsigned long long)xcomp_bv);
    if (xfd && xfd->value & wanted & xstate_bv)
        simulated_fault("%s of what IA32_XFD disables raised #NM", name);
    cpu->loads++;
    for (unsigned i = 0; i < SIMULATED_COMPONENTS; i++)
        if (wanted >> i & 1) {
            cpu->component[i] = 0;
            if (i == 0)
                cpu->fcw = FCW_INIT;
            if (xstate_bv >> i & 1)
                load_component(area, i, xcomp_bv);
        }
    if (compacted && wanted & 2 && !(xstate_bv & 2))
        cpu->mxcsr = MXCSR_INIT;
    else if (wanted & (compacted ? 2 : SSE_AND_AVX))
        load_mxcsr(name, area);
    cpu->loaded_from = area;
    cpu->loaded_xcomp_bv = xcomp_bv;
    memcpy(cpu->loaded, cpu->component, sizeof(cpu->loaded));
    cpu->loaded_fcw = cpu->fcw;
}

void x86_xrstor(void *area, uint64_t components)
{
    if (needs("XRSTOR", area, CR4_OSXSAVE, CR0_TS, 0))
        load("XRSTOR", area, simulated_cpu.xcr0, components & simulated_cpu.xcr0);
}

void x86_xrstors(void *area, uint64_t components)
{
    uint64_t enabled = simulated_cpu.xcr0 | xss();

    if (!needs("XRSTORS", area, CR4_OSXSAVE, CR0_TS, CPUID_D_1_EAX_XSAVES))
        return;
    if (!(get(area, XCOMP_BV_AT) & COMPACTED))
        simulated_fault("XRSTORS of the standard form raised #GP");
    load("XRSTORS", area, enabled, components & enabled);
}
