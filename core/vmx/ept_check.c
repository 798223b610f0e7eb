/* SPDX-License-Identifier: MIT */
#include "ept_check.h"

#include "ept_entry.h"

enum wrong {
    WRONG_NOTHING = 0,
    WRONG_WRITE,
    WRONG_EXECUTE,
    WRONG_ADDRESS,
    WRONG_RESERVED,
    WRONG_LARGE,
    WRONG_TYPE,
    WRONGS
};

#define BY_LEVEL(text)                                             \
    {                                                              \
        "PTE: " text, "PDE: " text, "PDPTE: " text, "PML4E: " text \
    }
static const char *const texts[WRONGS][EPT_LEVELS] = {
    [WRONG_NOTHING] = BY_LEVEL("nothing wrong with it by now"),
    [WRONG_WRITE] = BY_LEVEL("writable and not readable"),
    [WRONG_EXECUTE] = BY_LEVEL("executable only, which this CPU lacks"),
    [WRONG_ADDRESS] = BY_LEVEL("address wider than this CPU's"),
    [WRONG_RESERVED] = BY_LEVEL("reserved bits set"),
    [WRONG_LARGE] = BY_LEVEL("a large page of a size that this CPU lacks"),
    [WRONG_TYPE] = BY_LEVEL("memory type reserved"),
};

#define RESERVED_TYPES (1u << 2 | 1u << 3 | 1u << 7)

static enum wrong check(const struct ept *ept, uint64_t entry, int level)
{
    bool large = level && entry & EPT_ENTRY_LARGE, leaf = large || !level;
    uint64_t reserved = leaf ? (ept_span(level) - 1) & ~0xfffull : 0x78; /* bits 6:3 */

    if ((entry & (EPT_READ | EPT_WRITE)) == EPT_WRITE)
        return WRONG_WRITE;
    if ((entry & EPT_ALL) == EPT_EXECUTE && !ept->execute_only)
        return WRONG_EXECUTE;
    if ((entry & EPT_ENTRY_ADDRESS) >> ept->physical_bits)
        return WRONG_ADDRESS;
    if (large && level > ept->largest_level)
        return WRONG_LARGE;
    if (entry & reserved)
        return WRONG_RESERVED;
    return leaf && RESERVED_TYPES >> (entry >> 3 & 7) & 1 ? WRONG_TYPE : WRONG_NOTHING;
}

bool ept_misconfigured(const struct ept *ept, uint64_t guest_physical, struct ept_fault *fault)
{
    const uint64_t *table = ept->root;
    enum wrong wrong = WRONG_NOTHING;
    uint64_t entry;
    int level;

    for (level = EPT_LEVELS - 1;; level--) {
        entry = table[ept_index(guest_physical, level)];
        if (!(entry & EPT_ALL))
            break;
        wrong = check(ept, entry, level);
        if (wrong || !level || entry & EPT_ENTRY_LARGE)
            break;
        table = ept_table_of(entry);
        if (!table)
            break;
    }
    *fault = (struct ept_fault){level, entry, texts[wrong][level]};
    return wrong;
}
