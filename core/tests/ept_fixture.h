/* SPDX-License-Identifier: MIT */
/* One map, and what its entries must be, for the tests of ept.h. */
#ifndef EXITMETER_CORE_TESTS_EPT_FIXTURE_H
#define EXITMETER_CORE_TESTS_EPT_FIXTURE_H

#include "tests.h"

#include "../vmx/ept.h"
#include "../vmx/vmcs_field.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* SDM Vol. 3C tables 29-1 to 29-7. */
#define TABLE_BITS 0x007ull
#define SMALL_BITS 0x037ull /* read, write, execute, write-back */
#define LARGE_BITS 0x0b7ull
#define ADDRESS    0x000ffffffffff000ull
#define WALK_4_2M  (EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK | EPT_CAP_2M)

static const struct vmx_capability __attribute__((unused)) with_2m = {.ept_vpid = WALK_4_2M};
static const struct vmx_capability __attribute__((unused))
without_2m = {.ept_vpid = EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK};
static const struct vmx_capability __attribute__((unused))
with_1g = {.ept_vpid = WALK_4_2M | EPT_CAP_1G};
static const struct vmx_capability __attribute__((unused))
whole = {.ept_vpid = 0x00000f0106334141, .physical_bits = 46};
static struct ept ept;

static inline uint64_t entry_at(uint64_t guest_physical, int level)
{
    const uint64_t *table = ept.root;
    for (int at = 3; at > level; at--) {
        uint64_t entry = table[guest_physical >> (12 + 9 * at) & 511];
        assert_int_equal(entry & ~ADDRESS, TABLE_BITS);
        table = platform_at(entry & ADDRESS);
    }
    return table[guest_physical >> (12 + 9 * level) & 511];
}

static inline void expect_mapped(uint64_t guest_physical, uint64_t host_physical)
{
    uint64_t got = 0;
    assert_true(ept_translate(&ept, guest_physical, &got));
    assert_int_equal(got, host_physical);
}

static inline void expect_not_mapped(uint64_t guest_physical)
{
    uint64_t got = 0;
    assert_false(ept_translate(&ept, guest_physical, &got));
}

/* Changes that owe INVEPT, since first_generation was taken. */
static uint64_t __attribute__((unused)) first_generation;
static inline unsigned changes(void)
{
    return (unsigned)(ept.generation - first_generation);
}

static inline unsigned invepts(void)
{
    return simulated_cpu.executed[SIMULATED_INVEPT];
}

#endif
