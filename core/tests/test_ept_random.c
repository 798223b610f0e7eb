/* SPDX-License-Identifier: MIT */
/* Random changes against the simplest model there is: an array of one entry a guest page. */
#include "ept_fixture.h"

#include <string.h>

#define PAGES        (8 * 512u) /* 16 MiB on either side of a 512 GiB boundary, which the PML4 divides */
#define FIRST        ((512ull << 30) - PAGES / 2 * PAGE_SIZE)
#define STEPS        300
#define ADDRESS_MASK 0x000ffffffffff000ull

static struct model_page {
    uint64_t host;
    unsigned access; /* 0: not mapped */
    unsigned type;
    bool accessed, dirty; /* since it was asked last, or mapped */
} model[PAGES];

static uint64_t seed;
static bool small_only; /* flags then are exact */

static bool model_takes(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (model[i].access)
            return false;
    return true;
}

static uint64_t address_of(unsigned page)
{
    return FIRST + page * PAGE_SIZE;
}

/* The entry that maps a page, found by a walk of the test's own; 0: none. */
static uint64_t leaf_of(unsigned page)
{
    const uint64_t *table = ept.root;

    for (int level = 3;; level--) {
        uint64_t entry = table[address_of(page) >> (12 + 9 * level) & 511];
        if (!(entry & 7) || !level || entry & 0x80)
            return entry & 7 ? entry : 0;
        table = platform_at(entry & ADDRESS_MASK);
    }
}

static void compare(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t offset = random_below(&seed, PAGE_SIZE), got = 0, leaf = leaf_of(i);
        assert_int_equal(ept_translate(&ept, address_of(i) + offset, &got), model[i].access != 0);
        assert_int_equal(leaf & 7, model[i].access);
        if (!model[i].access)
            continue;
        assert_int_equal(got, model[i].host + offset);
        assert_int_equal(leaf >> 3 & 7, model[i].type);
        if (small_only) {
            assert_int_equal(leaf >> 8 & 1, model[i].accessed);
            assert_int_equal(leaf >> 9 & 1, model[i].dirty);
        }
    }
}

static enum ept_access random_access(void)
{
    static const enum ept_access access[] = {EPT_READ, (enum ept_access)(EPT_READ | EPT_WRITE),
                                             (enum ept_access)(EPT_READ | EPT_EXECUTE), EPT_ALL};
    return access[random_below(&seed, 4)];
}

static void map(unsigned first, unsigned count, bool large)
{
    uint64_t host = (random_bits(&seed) & 0xfffffffull) << 12;
    enum ept_access access = random_access();
    enum ept_memory_type type = random_below(&seed, 4) ? EPT_WRITE_BACK : EPT_UNCACHEABLE;

    if (large && random_below(&seed, 4))
        host = (host & ~(uint64_t)0x1fffff) + first % 512 * PAGE_SIZE;
    uint64_t generation = ept.generation;
    bool free = model_takes(first, count);
    assert_int_equal(ept_map_as(&ept, address_of(first), host, count * PAGE_SIZE, access, type),
                     free);
    assert_int_equal(ept.generation, generation);
    for (unsigned page = 0; free && page < count; page++)
        model[first + page] = (struct model_page){host + page * PAGE_SIZE, access, type, 0, 0};
}

/* To no access at all, or another. */
static void change(unsigned first, unsigned count, enum ept_access access)
{
    uint64_t generation = ept.generation;
    bool narrowed = false;

    if (access)
        assert_true(ept_protect(&ept, address_of(first), count * PAGE_SIZE, access));
    else
        assert_true(ept_unmap(&ept, address_of(first), count * PAGE_SIZE));
    for (unsigned page = first; page < first + count; page++) {
        if (!model[page].access)
            continue;
        narrowed |= model[page].access & ~(unsigned)access;
        model[page].access = access;
    }
    assert_int_equal(ept.generation != generation, narrowed);
}

static void touch(unsigned page)
{
    static const enum ept_access kinds[] = {EPT_READ, EPT_WRITE, EPT_EXECUTE};
    enum ept_access access = kinds[random_below(&seed, 3)];
    bool allowed = model[page].access & access;
    uint64_t host;

    assert_int_equal(ept_reach(&ept, address_of(page), access, &host), allowed);
    model[page].accessed |= allowed;
    model[page].dirty |= allowed && access == EPT_WRITE;
}

/* None is missed; where pages are small, none is named that was not touched. */
static void take(unsigned first, unsigned count, enum ept_flag flag)
{
    static uint8_t bits[PAGES / 8];
    uint64_t generation = ept.generation;
    bool any = false;

    assert_true(ept_take_flags(&ept, flag, address_of(first), count * PAGE_SIZE, bits));
    for (unsigned i = 0; i < count; i++) {
        bool *is = flag == EPT_DIRTY ? &model[first + i].dirty : &model[first + i].accessed;
        bool told = bits[i / 8] >> i % 8 & 1, should = *is && model[first + i].access;
        assert_true(told || !should);
        if (small_only)
            assert_int_equal(told, should);
        any |= told;
        if (model[first + i].access)
            *is = false;
    }
    assert_int_equal(ept.generation != generation, any);
}

/* A large page that was told of is told of whole: then nobody else will hear of it. */
static void forget_large(unsigned first, unsigned count)
{
    for (unsigned i = first & ~511u; i < ((first + count + 511) & ~511u) && !small_only; i++)
        model[i].accessed = model[i].dirty = false;
}

static void one_step(void)
{
    bool large = random_below(&seed, 2);
    unsigned first = random_below(&seed, PAGES);
    unsigned count = 1 + random_below(&seed, large ? 1500 : 20);

    if (large && random_below(&seed, 4))
        first &= ~511u;
    if (first + count > PAGES)
        return;
    switch (random_below(&seed, 8)) {
    case 0:
        change(first, count, EPT_NONE);
        break;
    case 1:
        change(first, count, random_access());
        break;
    case 2:
        assert_true(ept_split(&ept, address_of(first), count * PAGE_SIZE));
        break;
    case 3:
        take(first, count, random_below(&seed, 2) ? EPT_DIRTY : EPT_ACCESSED);
        forget_large(first, count);
        break;
    case 4:
        for (unsigned i = 0; i < count; i++)
            touch(first + random_below(&seed, count));
        break;
    default:
        map(first, count, large);
        break;
    }
}

static void random_changes(uint64_t capability)
{
    const struct vmx_capability cpu = {.ept_vpid = capability | EPT_CAP_WALK_4 |
                                                   EPT_CAP_WRITE_BACK | EPT_CAP_ACCESSED_DIRTY |
                                                   EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE};

    seed = capability;
    small_only = !capability;
    for (int round = 0; round < 12; round++) {
        assert_null(ept_create(&ept, &cpu));
        memset(model, 0, sizeof(model));
        for (int i = 0; i < STEPS; i++)
            one_step();
        compare();
        ept_destroy(&ept);
        assert_int_equal(simulated_pages_held(), 0);
    }
}

static void with_large_pages(void **state)
{
    (void)state;
    random_changes(EPT_CAP_2M | EPT_CAP_1G);
}

static void without_large_pages(void **state)
{
    (void)state;
    random_changes(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(with_large_pages),
        simulated_test(without_large_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
