/* SPDX-License-Identifier: MIT */
#include "requirement_access.h"

#include "../../core/x86/msr.h"

#include <stdbool.h>
#include <stddef.h>

/* Halves and quarters of the MSR bitmap, and of what is emulated and refused (plan.h). */
#define SECOND_HALF 2048u
#define HIGH_MSRS   1024u
#define RANGE       0x2000u
#define HIGH        0xc0000000u

struct range {
    uint32_t first, last;
};

/* Ports by which rows of ROW_REQUIRES_REAL_PORTS know their hardware. */
static const struct range real_ports[] = {
    {0x21, 0x21},                   /* PIC */
    {0x70, 0x71},                   /* CMOS */
    {0x1f0, 0x1f7},                 /* ATA ... */
    {0x3f6, 0x3f6}, {0x3c7, 0x3c9}, /* VGA's palette */
    {0xcf8, 0xcff},                 /* PCI configuration */
};

/* MSRs that rows of ROW_REQUIRES_REAL_MSRS read again, or work by; those that the core keeps may be
 * emulated, as that changes nothing. */
static const struct {
    uint32_t msr;
    bool kept;
} real_msrs[] = {
    {IA32_PAT, true},     {IA32_XSS, false},    {IA32_EFER, true},     {IA32_LSTAR, false},
    {IA32_FS_BASE, true}, {IA32_GS_BASE, true}, {IA32_TSC_AUX, false}, {IA32_KERNEL_GS_BASE, false},
};

/* What rows that take interrupts set their local APIC up by, whoever keeps it. */
static const struct range apic_msrs[] = {
    {IA32_APIC_BASE, IA32_APIC_BASE},
    {IA32_TSC_DEADLINE, IA32_TSC_DEADLINE},
    {X2APIC_MSR_FIRST, X2APIC_MSR_FIRST + 0x3f},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool bit(const uint8_t *bits, uint32_t number)
{
    return bits[number / 8] >> number % 8 & 1;
}

/* Bit of an MSR in a half of such a page; false if it has none. */
static bool of_msr(const uint8_t *half, uint32_t msr)
{
    if (msr < RANGE)
        return bit(half, msr);
    return msr - HIGH < RANGE && bit(half + HIGH_MSRS, msr - HIGH);
}

static bool exits(const struct plan_policy *policy, uint32_t msr, bool write)
{
    return of_msr(policy->msr_bitmap + (write ? SECOND_HALF : 0), msr);
}

static bool is_refused(const struct plan_policy *policy, uint32_t msr, bool write)
{
    return exits(policy, msr, write) && of_msr(policy->msr_answers + SECOND_HALF, msr);
}

static bool is_refused_at_all(const struct plan_policy *policy, uint32_t msr)
{
    return is_refused(policy, msr, false) || is_refused(policy, msr, true);
}

static bool is_emulated(const struct plan_policy *policy, uint32_t msr)
{
    return (exits(policy, msr, false) || exits(policy, msr, true)) &&
           of_msr(policy->msr_answers, msr);
}

static bool port_is_emulated(const struct plan_policy *policy, uint32_t port)
{
    const uint8_t *bitmap = port < 0x8000 ? policy->io_bitmap_a : policy->io_bitmap_b;

    return bit(bitmap, port % 0x8000) && bit(policy->port_emulated, port);
}

static bool ports_are_real(const struct plan_policy *policy)
{
    for (size_t i = 0; i < COUNT(real_ports); i++)
        for (uint32_t port = real_ports[i].first; port <= real_ports[i].last; port++)
            if (port_is_emulated(policy, port))
                return false;
    return true;
}

static bool msrs_are_real(const struct plan_policy *policy)
{
    for (size_t i = 0; i < COUNT(real_msrs); i++)
        if (is_refused_at_all(policy, real_msrs[i].msr) ||
            (!real_msrs[i].kept && is_emulated(policy, real_msrs[i].msr)))
            return false;
    return true;
}

static bool apic_is_there(const struct plan_policy *policy)
{
    for (size_t i = 0; i < COUNT(apic_msrs); i++)
        for (uint32_t msr = apic_msrs[i].first; msr <= apic_msrs[i].last; msr++)
            if (is_refused_at_all(policy, msr))
                return false;
    return true;
}

/* An MSR that the row is about: what writes it has read it before, and the other way round. */
static bool own_is_refused(const struct blob_row *row, const struct plan_policy *policy)
{
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++) {
        const struct row_exit *exit = &row->exits[i];
        if ((exit->gate == GATE_MSR_READ || exit->gate == GATE_MSR_WRITE) &&
            is_refused_at_all(policy, exit->index))
            return true;
    }
    return false;
}

const char *guest_lacks_access(const struct blob_row *row, const struct plan_policy *policy)
{
    if (row->requires & ROW_REQUIRES_REAL_PORTS && !ports_are_real(policy))
        return "this policy emulates ports of hardware that the row knows";
    if (row->requires & ROW_REQUIRES_REAL_MSRS && !msrs_are_real(policy))
        return "this policy emulates or refuses MSRs that the row works with";
    if (row->requires & ROW_REQUIRES_APIC_MSRS && !apic_is_there(policy))
        return "this policy refuses MSRs of the local APIC";
    return own_is_refused(row, policy) ? "this policy refuses the MSR that the row accesses" : NULL;
}
