/* SPDX-License-Identifier: MIT */
/* XSETBV, which exits always; CPL and CR4.OSXSAVE have been checked by then. */
#include "../vmx/event.h"
#include "edx_eax.h"

/* State components, SDM Vol. 1 13.1. */
#define XCR0_X87    (1ull << 0)
#define XCR0_SSE    (1ull << 1)
#define XCR0_AVX    (1ull << 2)
#define XCR0_MPX    (3ull << 3)  /* BNDREGS, BNDCSR */
#define XCR0_AVX512 (7ull << 5)  /* opmask, ZMM_Hi256, Hi16_ZMM */
#define XCR0_AMX    (3ull << 17) /* TILECFG, TILEDATA */
#define XCR0_APX    (1ull << 19)

/* Where one of the bits is set, all those needed must be, and none that is excluded (13.3). */
static const struct {
    uint64_t bits;
    uint64_t needed;
    uint64_t excluded;
} rules[] = {
    {XCR0_AVX, XCR0_SSE, 0},
    {XCR0_MPX, XCR0_MPX, XCR0_APX},
    {XCR0_AVX512, XCR0_AVX512 | XCR0_AVX | XCR0_SSE, 0},
    {XCR0_AMX, XCR0_AMX, 0},
};

static bool is_valid(uint64_t value, uint64_t supported)
{
    if (!(value & XCR0_X87) || value & ~supported)
        return false;
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (value & rules[i].bits &&
            ((value & rules[i].needed) != rules[i].needed || value & rules[i].excluded))
            return false;
    return true;
}

/* Into the CPU at once: it is the guest's XCR0 there until another's is needed (resident_state.h).
 */
enum exit_outcome exit_xsetbv(struct vcpu *vcpu)
{
    uint64_t value = edx_eax(vcpu);

    PROBE_DETAIL(value);
    if ((uint32_t)vcpu->rcx || !is_valid(value, vcpu->capability->xcr0))
        return event_exception(vcpu, VECTOR_GP, 0);
    PROBE_COUNT(xsetbvs);
    if (!x86_xsetbv_checked(0, value)) /* by a rule that is newer than those above */
        return event_exception(vcpu, VECTOR_GP, 0);
    vcpu->xcr0 = value;
    guest_advance();
    return EXIT_RESUME;
}
