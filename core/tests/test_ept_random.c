/* SPDX-License-Identifier: MIT */
/* Random mappings against the simplest model there is: an array of one entry a guest page. */
#include "tests.h"

#include "../vmx/ept.h"

#include <string.h>

#define PAGES    (8 * 512u) /* 16 MiB on either side of a 512 GiB boundary, which the PML4 divides */
#define FIRST    ((512ull << 30) - PAGES / 2 * PAGE_SIZE)
#define UNMAPPED UINT64_MAX

static uint64_t model[PAGES];

static bool model_takes(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (model[i] != UNMAPPED)
            return false;
    return true;
}

static void compare(const struct ept *ept, uint64_t *seed)
{
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t offset = random_below(seed, PAGE_SIZE), got = 0;
        bool mapped = ept_translate(ept, FIRST + i * PAGE_SIZE + offset, &got);
        assert_int_equal(mapped, model[i] != UNMAPPED);
        if (mapped)
            assert_int_equal(got, model[i] + offset);
    }
}

static void random_mappings(uint64_t capability)
{
    const struct vmx_capability cpu = {.ept_vpid = capability};
    uint64_t seed = capability;

    for (int round = 0; round < 20; round++) {
        struct ept ept;
        assert_null(ept_create(&ept, &cpu));
        memset(model, 0xff, sizeof(model));
        for (int i = 0; i < 100; i++) {
            bool large = random_below(&seed, 2);
            unsigned first = random_below(&seed, PAGES);
            unsigned count = 1 + random_below(&seed, large ? 1500 : 20);
            uint64_t host = (random_bits(&seed) & 0xfffffffffull) << 12;
            if (large && random_below(&seed, 4))
                first &= ~511u;
            if (large && random_below(&seed, 4))
                host = (host & ~(uint64_t)0x1fffff) + first % 512 * PAGE_SIZE;
            if (first + count > PAGES || !model_takes(first, count))
                continue;
            for (unsigned page = 0; page < count; page++)
                model[first + page] = host + page * PAGE_SIZE;
            assert_true(ept_map(&ept, FIRST + first * PAGE_SIZE, host, count * PAGE_SIZE, EPT_ALL));
        }
        compare(&ept, &seed);
        ept_destroy(&ept);
        assert_int_equal(simulated_pages_held(), 0);
    }
}

static void with_large_pages(void **state)
{
    (void)state;
    random_mappings(EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK | EPT_CAP_2M);
}

static void without_large_pages(void **state)
{
    (void)state;
    random_mappings(EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(with_large_pages),
        simulated_test(without_large_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
