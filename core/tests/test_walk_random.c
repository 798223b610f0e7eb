/* SPDX-License-Identifier: MIT */
/*
 * The walk against a second one that is written from the SDM's tables another way: random page
 * tables that point at each other and at themselves, every mode, every kind of access.
 */
#include "walk_model.h"

#include <string.h>

#define ROUNDS        2000
#define WALKS_A_ROUND 300
static uint64_t seed = 11;
static struct walk_machine machine;

/* A copy of all pages: what they must be afterwards. */
static uint8_t model[WALK_PAGES][PAGE_SIZE];

static bool one_in(uint32_t n)
{
    return random_below(&seed, n) == 0;
}

/* Points to a page of the guest most of the time, and breaks a rule now and then. */
static uint64_t random_entry(void)
{
    uint64_t entry = (uint64_t)random_below(&seed, 16) << 12 | 7;
    entry |= random_bits(&seed) & 0xf60; /* accessed, dirty, and what is ignored or global */
    if (one_in(4))
        entry = (entry & 0xfff) | 1ull << 7 | (one_in(2) ? WALK_FAR_PAGE << 12 : 0);
    if (one_in(12))
        entry &= ~(1ull << random_below(&seed, 3));
    if (one_in(12))
        entry |= 1ull << 63;
    if (one_in(24))
        entry |= 1ull << (12 + random_below(&seed, 51));
    return entry;
}

static uint32_t random_entry_32(void)
{
    uint32_t entry = random_below(&seed, 16) << 12 | 7 | (uint32_t)(random_bits(&seed) & 0xf60);
    if (one_in(3)) /* a large page: bits 39:32 of WALK_FAR's address go to bits 20:13 */
        entry = (entry & 0xfff) | 0x80 | (one_in(2) ? 0x00400000 | 0x12 << 13 : 0);
    if (one_in(12))
        entry &= ~(1u << random_below(&seed, 3));
    if (one_in(24))
        entry |= 1u << (12 + random_below(&seed, 20));
    return entry;
}

static void random_memory(bool narrow)
{
    for (unsigned page = 0; page < WALK_PAGES; page++)
        for (unsigned i = 0; walk_page[page] && i < (narrow ? 1024 : 512); i++)
            if (narrow)
                walk_entry_32(page, i, random_entry_32());
            else
                walk_entry(page, i, random_entry());
}

static void random_mode(void)
{
    static const uint64_t cr4_of[] = {0, CR4_PAE, CR4_PAE, CR4_PAE | CR4_LA57};
    unsigned kind = random_below(&seed, 4);

    machine.mode = (struct walk_mode){
        .cr0 = 1 | (one_in(20) ? 0 : CR0_PG) | (one_in(2) ? CR0_WP : 0),
        .cr3 = (uint64_t)random_below(&seed, 13) << 12 | (random_bits(&seed) & 0xfff),
        .cr4 = cr4_of[kind] | (one_in(2) ? CR4_PSE : 0) | (one_in(2) ? CR4_SMEP : 0) |
               (one_in(2) ? CR4_SMAP : 0),
        .efer = (kind >= 2 ? EFER_LMA : 0) | (kind >= 1 && one_in(2) ? EFER_NXE : 0),
        .rflags = 2 | (one_in(2) ? RFLAGS_AC : 0),
        .cpl = one_in(2) ? 3 : random_below(&seed, 3),
        .long_code = kind >= 2,
    };
    if (!(machine.mode.cr0 & CR0_PG))
        machine.mode.efer &= ~EFER_LMA;
    static const uint8_t widths[] = {36, 39, 40, 46, 52};
    machine.physical_bits = widths[random_below(&seed, 5)];
    machine.pages_1g = one_in(2);
    simulated_leaf(0x80000008, 0)->eax = 0x3000 | machine.physical_bits;
    simulated_leaf(0x80000001, 0)->edx = machine.pages_1g ? 1u << 26 : 0;
    walk_mode_set(&machine.mode);
    for (unsigned i = 0; i < 4; i++) {
        machine.pdpte[i] = (uint64_t)random_below(&seed, 13) << 12 | !one_in(8);
        *simulated_field(VMCS_GUEST_PDPTE0 + 2 * i) = machine.pdpte[i];
    }
}

/* Canonical most of the time, often close to the end of a page or of the address space. */
static uint64_t random_linear(void)
{
    uint64_t linear = random_bits(&seed);
    unsigned width = machine.mode.cr4 & CR4_LA57 ? 57 : 48;

    if (!(machine.mode.efer & EFER_LMA)) {
        linear &= UINT32_MAX;
        if (!(machine.mode.cr0 & CR0_PG))
            linear &= 0x1ffff;
        if (one_in(4))
            linear &= 0xffc0ffff; /* what large pages map */
        return one_in(3) ? linear | 0xffc : linear;
    }
    if (one_in(4))
        linear &= ~0x3fe00000ull & ~0x1ff000ull;
    linear = (uint64_t)((int64_t)(linear << (64 - width)) >> (64 - width));
    if (one_in(40))
        linear ^= 1ull << (width - 1 + random_below(&seed, 65 - width));
    if (one_in(40))
        linear = (1ull << (width - 1)) - 1 - random_below(&seed, 8); /* the last below the gap */
    return one_in(3) ? linear | 0xffc : linear;
}

static void set_flags(const struct walk_outcome *o)
{
    for (unsigned i = 0; i < o->visited; i++) {
        uint64_t at = o->visit[i].physical;
        unsigned page = at / PAGE_SIZE == WALK_FAR_PAGE ? WALK_FAR : (unsigned)(at / PAGE_SIZE);
        model[page][at % PAGE_SIZE] |= o->visit[i].flags;
    }
}

static void one_walk(unsigned *seen)
{
    static const unsigned kinds[] = {GUEST_READ, GUEST_WRITE, GUEST_FETCH,
                                     GUEST_READ | GUEST_SYSTEM, GUEST_WRITE | GUEST_SYSTEM};
    const struct vcpu vcpu = {.ept = &walk_ept};
    struct guest_paging paging;
    struct guest_span span;
    struct guest_fault fault = {0};
    uint64_t linear = random_linear();
    unsigned access = kinds[random_below(&seed, 5)];
    size_t size = 1 + random_below(&seed, 8), first = PAGE_SIZE - linear % PAGE_SIZE;
    uint64_t next = linear + first;

    if (!(machine.mode.efer & EFER_LMA))
        next &= UINT32_MAX;
    struct walk_outcome wanted[2] = {walk_model(&machine, linear, access)};
    unsigned pieces = size > first ? 2 : 1;
    if (pieces == 2)
        wanted[1] = walk_model(&machine, next, access);
    const struct walk_outcome *bad = wanted[0].reached != GUEST_REACHED ? &wanted[0] : &wanted[1];

    guest_paging_read(&paging, &vcpu);
    enum guest_reached reached = guest_reach(&paging, linear, size, access, &span, &fault);
    assert_int_equal(reached, bad->reached);
    seen[reached]++;
    if (reached != GUEST_REACHED && reached != GUEST_NOT_CANONICAL) {
        assert_int_equal(fault.address, bad->fault.address);
        assert_int_equal(fault.error, bad->fault.error);
    }
    if (reached == GUEST_REACHED)
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(span.bytes[i], i < pieces ? (i              ? size - first
                                                          : size < first ? size
                                                                         : first)
                                                       : 0);
            if (i < pieces)
                assert_ptr_equal(span.at[i], walk_host(wanted[i].physical));
            set_flags(&wanted[i]);
        }
}

static void random_tables(void **state)
{
    unsigned seen[4] = {0};
    (void)state;
    simulated_vmcs_current();
    walk_memory_make();
    for (unsigned round = 0; round < ROUNDS; round++) {
        random_mode();
        random_memory(!(machine.mode.cr4 & CR4_PAE));
        for (unsigned page = 0; page < WALK_PAGES; page++)
            if (walk_page[page])
                memcpy(model[page], walk_page[page], PAGE_SIZE);
        for (unsigned i = 0; i < WALKS_A_ROUND; i++)
            one_walk(seen);
        for (unsigned page = 0; page < WALK_PAGES; page++)
            if (walk_page[page])
                assert_memory_equal(walk_page[page], model[page], PAGE_SIZE);
    }
    /* Each way to end was taken often enough to say something. */
    assert_true(seen[GUEST_REACHED] > ROUNDS * WALKS_A_ROUND / 20);
    assert_true(seen[GUEST_PAGE_FAULT] > ROUNDS * WALKS_A_ROUND / 20);
    assert_true(seen[GUEST_OUTSIDE] > ROUNDS * WALKS_A_ROUND / 100);
    assert_true(seen[GUEST_NOT_CANONICAL] > ROUNDS);
    walk_memory_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {simulated_test(random_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
