/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "../../platform.h"

#include <string.h>

/* Pages of the bitmaps. */
enum {
    MSR_NONE,     /* every access exits */
    MSR_HARMLESS, /* reads pass, and writes of what the core keeps apart */
    MSR_VIRTUAL,  /* what of the x2APIC the CPU virtualizes passes */
    MSR_ANSWERS,  /* all emulated, none refused */
    IO_A,
    IO_B,
    PORTS, /* two of them */
    PAGES = PORTS + 2
};

static uint8_t *pages;

static uint8_t *page(unsigned number)
{
    return pages + number * PAGE_SIZE;
}

/* A quarter of the MSR bitmap, 1 KiB: read low, read high, write low, write high. */
static void set_bits(uint8_t *bits, uint32_t first, uint32_t last, bool on)
{
    for (uint32_t n = first; n <= last; n++)
        bits[n / 8] = (uint8_t)(on ? bits[n / 8] | 1u << n % 8 : bits[n / 8] & ~(1u << n % 8));
}

bool policy_prepare(void)
{
    static const uint16_t low_writes[] = {0x174, 0x175, 0x176};
    static const uint16_t high_writes[] = {0x81, 0x82, 0x83, 0x84, 0x100, 0x101, 0x102, 0x103};
    static const uint16_t virtual_reads[] = {0x808, 0x802, 0x803, 0x80d};
    static const uint16_t virtual_writes[] = {0x808};

    if (pages)
        return true;
    pages = platform_pages_allocate(PAGES, PAGE_SIZE);
    if (!pages)
        return false;
    memset(pages, 0xff, PAGES * PAGE_SIZE);
    uint8_t *harmless = page(MSR_HARMLESS);
    memset(harmless, 0, PAGE_SIZE / 2);
    /* Of the local APIC all or nothing passes: with anything, the guest has the CPU's own. */
    set_bits(harmless, 0x1b, 0x1b, true);
    set_bits(harmless, 0x6e0, 0x6e0, true);
    set_bits(harmless, 0x800, 0x8ff, true);
    for (unsigned i = 0; i < sizeof(low_writes) / sizeof(low_writes[0]); i++)
        set_bits(harmless + 2048, low_writes[i], low_writes[i], false);
    for (unsigned i = 0; i < sizeof(high_writes) / sizeof(high_writes[0]); i++)
        set_bits(harmless + 3072, high_writes[i], high_writes[i], false);
    for (unsigned i = 0; i < sizeof(virtual_reads) / sizeof(virtual_reads[0]); i++)
        set_bits(page(MSR_VIRTUAL), virtual_reads[i], virtual_reads[i], false);
    for (unsigned i = 0; i < sizeof(virtual_writes) / sizeof(virtual_writes[0]); i++)
        set_bits(page(MSR_VIRTUAL) + 2048, virtual_writes[i], virtual_writes[i], false);
    memset(page(MSR_ANSWERS) + 2048, 0, 2048);
    return true;
}

const uint8_t *policy_ports(void)
{
    return page(PORTS);
}

/* Each on or off at random. */
static void choose(struct control_wish *wish, struct random *random, uint32_t bits)
{
    uint32_t on = (uint32_t)random_next(random) & bits;

    wish->optional |= on;
    wish->clear |= bits & ~on;
}

/* Where the TPR is: with exits, or in the virtual-APIC page, and how much more is there. */
static void choose_apic(struct vcpu_policy *policy, struct random *random)
{
    struct control_wish *primary = &policy->controls[CONTROL_PRIMARY];
    struct control_wish *secondary = &policy->controls[CONTROL_SECONDARY];
    uint32_t form = random_below(random, 5);

    if (form < 2) {
        primary->set |= PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING;
        return;
    }
    primary->set |= PRIMARY_TPR_SHADOW;
    if (form == 2)
        return;
    policy->msr_bitmap = page(MSR_VIRTUAL);
    secondary->set |= SECONDARY_VIRTUALIZE_X2APIC | SECONDARY_APIC_REGISTER_VIRTUALIZATION;
    if (form == 4)
        secondary->set |= SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
}

void policy_use_access_page(struct vcpu_policy *policy, struct random *random)
{
    struct control_wish *primary = &policy->controls[CONTROL_PRIMARY];
    struct control_wish *secondary = &policy->controls[CONTROL_SECONDARY];

    primary->set &= ~(uint32_t)(PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING);
    primary->set |= PRIMARY_TPR_SHADOW;
    secondary->set &=
        ~(uint32_t)(SECONDARY_VIRTUALIZE_X2APIC | SECONDARY_VIRTUAL_INTERRUPT_DELIVERY |
                    SECONDARY_APIC_REGISTER_VIRTUALIZATION);
    secondary->set |= SECONDARY_VIRTUALIZE_APIC_ACCESSES;
    if (random_once_in(random, 2))
        secondary->set |= SECONDARY_APIC_REGISTER_VIRTUALIZATION;
    if (random_once_in(random, 2))
        secondary->set |=
            SECONDARY_APIC_REGISTER_VIRTUALIZATION | SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
    if (policy->msr_bitmap == page(MSR_VIRTUAL)) /* the MSRs are not virtualized now */
        policy->msr_bitmap = page(MSR_NONE);
}

struct vcpu_policy policy_random(struct random *random)
{
    struct vcpu_policy policy = {
        .controls = {[CONTROL_PIN_BASED] = {.set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING}},
        .exception_bitmap = random_once_in(random, 2) ? 0 : (uint32_t)random_next(random),
        .cr0_mask = random_once_in(random, 2) ? 0 : (uint32_t)random_next(random),
        .cr4_mask = random_once_in(random, 2) ? 0 : (uint32_t)random_next(random),
        .msr_bitmap = page(random_once_in(random, 2) ? MSR_NONE : MSR_HARMLESS),
        .io_bitmap_a = page(IO_A),
        .io_bitmap_b = page(IO_B),
        .msr_answers = page(MSR_ANSWERS),
    };

    choose(&policy.controls[CONTROL_PRIMARY], random,
           PRIMARY_HLT_EXITING | PRIMARY_INVLPG_EXITING | PRIMARY_MWAIT_EXITING |
               PRIMARY_RDPMC_EXITING | PRIMARY_RDTSC_EXITING | PRIMARY_CR3_LOAD_EXITING |
               PRIMARY_CR3_STORE_EXITING | PRIMARY_MOV_DR_EXITING | PRIMARY_MONITOR_EXITING |
               PRIMARY_PAUSE_EXITING);
    choose(&policy.controls[CONTROL_SECONDARY], random,
           SECONDARY_DESCRIPTOR_TABLE_EXITING | SECONDARY_WBINVD_EXITING |
               SECONDARY_RDRAND_EXITING | SECONDARY_RDSEED_EXITING);
    if (random_once_in(random, 8))
        policy.controls[CONTROL_SECONDARY].clear |= SECONDARY_UNRESTRICTED_GUEST;
    choose_apic(&policy, random);
    return policy;
}
