/* SPDX-License-Identifier: MIT */
#include "policy_bitmap.h"

#include "policy.h"

#include <string.h>

/* Byte offsets of the four quarters of the MSR bitmap page, SDM volume 3C, 25.6.9. */
#define MSR_WRITES 2048u
#define MSR_HIGH   1024u

const char *const exception_names[EXCEPTION_NAMES] = {
    "de", "db", "nmi", "bp", "of", "br", "ud", "nm", "df", "ts",
    "np", "ss", "gp",  "pf", "mf", "ac", "mc", "xm", "ve", "cp",
};
const uint8_t exception_vectors[EXCEPTION_NAMES] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  10,
                                                    11, 12, 13, 14, 16, 17, 18, 19, 20, 21};

const char *exception_name(unsigned vector)
{
    for (size_t i = 0; i < EXCEPTION_NAMES; i++)
        if (exception_vectors[i] == vector)
            return exception_names[i];
    return NULL;
}

/* Whole bytes at a time where it can: long ranges are common, and a policy may have many rules. */
static void put_bits(uint8_t *bitmap, uint32_t first, uint32_t last, bool value)
{
    for (uint32_t bit = first; bit <= last; bit++) {
        if (bit % 8 == 0 && last - bit >= 7) {
            uint32_t bytes = (last - bit + 1) / 8;
            memset(bitmap + bit / 8, value ? 0xff : 0, bytes);
            bit += 8 * bytes - 1;
            continue;
        }
        uint8_t mask = (uint8_t)(1u << (bit % 8));
        bitmap[bit / 8] = (uint8_t)(value ? bitmap[bit / 8] | mask : bitmap[bit / 8] & ~mask);
    }
}

static bool get_bit(const uint8_t *bitmap, uint32_t bit)
{
    return bitmap[bit / 8] >> (bit % 8) & 1;
}

bool msr_has_bits(uint32_t msr)
{
    return msr < MSR_RANGE_SIZE || msr - MSR_HIGH_BASE < MSR_RANGE_SIZE;
}

/* Bit of the MSR in the half of the page that holds reads. */
static uint32_t msr_bit(uint32_t msr)
{
    return msr < MSR_RANGE_SIZE ? msr : MSR_HIGH * 8 + (msr - MSR_HIGH_BASE);
}

/* Of a page laid out as the MSR bitmap: the bits of its first half, of its second, or of both. */
static void put_msrs(uint8_t page[4096], uint32_t first, uint32_t last, bool reads, bool writes,
                     bool value)
{
    static const uint32_t bases[] = {0, MSR_HIGH_BASE};
    for (int range = 0; range < 2; range++) {
        uint32_t end = bases[range] + (MSR_RANGE_SIZE - 1);
        uint32_t low = first > bases[range] ? first : bases[range];
        uint32_t high = last < end ? last : end;
        if (low > high)
            continue;
        if (reads)
            put_bits(page, msr_bit(low), msr_bit(high), value);
        if (writes)
            put_bits(page + MSR_WRITES, msr_bit(low), msr_bit(high), value);
    }
}

static const struct {
    uint32_t first, last;
} never[] = {
#define MSR_NEVER(first, last, names, source) {first, last},
#include "../core/vmx/msr_never_list.h"
#undef MSR_NEVER
};

#define NEVER (sizeof(never) / sizeof(never[0]))

bool msr_never_passes(uint32_t msr)
{
    for (size_t i = 0; i < NEVER; i++)
        if (msr >= never[i].first && msr <= never[i].last)
            return true;
    return false;
}

void policy_set_msrs(struct plan_policy *policy, uint32_t first, uint32_t last, bool reads,
                     bool writes, bool intercept)
{
    put_msrs(policy->msr_bitmap, first, last, reads, writes, intercept);
    for (size_t i = 0; !intercept && i < NEVER; i++)
        put_msrs(policy->msr_bitmap, never[i].first, never[i].last, true, true, true);
}

void policy_answer_msrs(struct plan_policy *policy, uint32_t first, uint32_t last,
                        enum policy_answer answer)
{
    put_msrs(policy->msr_answers, first, last, true, false, answer == ANSWER_EMULATE);
    put_msrs(policy->msr_answers, first, last, false, true, answer == ANSWER_REFUSE);
}

enum policy_answer policy_msr_answer(const struct plan_policy *policy, uint32_t msr)
{
    if (get_bit(policy->msr_answers + MSR_WRITES, msr_bit(msr)))
        return ANSWER_REFUSE;
    return get_bit(policy->msr_answers, msr_bit(msr)) ? ANSWER_EMULATE : ANSWER_FORWARD;
}

void policy_answer_ports(struct plan_policy *policy, uint16_t first, uint16_t last,
                         enum policy_answer answer)
{
    put_bits(policy->port_emulated, first, last, answer == ANSWER_EMULATE);
}

enum policy_answer policy_port_answer(const struct plan_policy *policy, uint16_t port)
{
    return get_bit(policy->port_emulated, port) ? ANSWER_EMULATE : ANSWER_FORWARD;
}

/* Bitmap A holds the ports with bit 15 clear, B the others; SDM volume 3C, 25.6.4. */
void policy_set_ports(struct plan_policy *policy, uint16_t first, uint16_t last, bool intercept)
{
    if (first < 0x8000)
        put_bits(policy->io_bitmap_a, first, last < 0x8000 ? last : 0x7fff, intercept);
    if (last >= 0x8000)
        put_bits(policy->io_bitmap_b, first < 0x8000 ? 0 : first - 0x8000u, last - 0x8000u,
                 intercept);
}

/* How many bits behind that one, and before end, are as it is, in all of the bitmaps. */
static uint32_t bits_alike(const uint8_t *const *bitmaps, size_t count, uint32_t bit, uint32_t end)
{
    uint64_t behind = UINT64_MAX << bit % 64;

    for (uint32_t at = bit - bit % 64; at < end; at += 64, behind = UINT64_MAX) {
        uint64_t differing = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t word; /* little-endian, as the bitmaps are */
            memcpy(&word, bitmaps[i] + at / 8, sizeof(word));
            differing |= get_bit(bitmaps[i], bit) ? ~word : word;
        }
        differing &= behind;
        if (differing)
            return at + (uint32_t)__builtin_ctzll(differing) - 1 - bit;
    }
    return end - 1 - bit;
}

uint32_t policy_msrs_alike(const struct plan_policy *policy, uint32_t msr)
{
    const uint8_t *const bitmaps[] = {policy->msr_bitmap, policy->msr_bitmap + MSR_WRITES,
                                      policy->msr_answers, policy->msr_answers + MSR_WRITES};
    uint32_t bit = msr_bit(msr);

    return msr + bits_alike(bitmaps, 4, bit, (bit | (MSR_RANGE_SIZE - 1)) + 1);
}

uint32_t policy_ports_alike(const struct plan_policy *policy, uint16_t port)
{
    uint32_t half = port / 0x8000u;
    const uint8_t *const bitmaps[] = {half ? policy->io_bitmap_b : policy->io_bitmap_a,
                                      policy->port_emulated + 4096 * half};

    return port + bits_alike(bitmaps, 2, port % 0x8000u, 0x8000);
}

bool policy_msr_exits(const struct plan_policy *policy, uint32_t msr, bool write)
{
    return !msr_has_bits(msr) ||
           get_bit(policy->msr_bitmap + (write ? MSR_WRITES : 0), msr_bit(msr));
}

bool policy_io_exits(const struct plan_policy *policy, uint32_t port, uint32_t width)
{
    if (port + width > 0x10000) /* an access that wraps around always exits */
        return true;
    for (uint32_t touched = port; touched < port + width; touched++)
        if (get_bit(touched < 0x8000 ? policy->io_bitmap_a : policy->io_bitmap_b, touched % 0x8000))
            return true;
    return false;
}

static void put_exception(struct plan_policy *policy, unsigned vector, bool intercept)
{
    uint32_t bit = 1u << vector;
    policy->exception_bitmap =
        intercept ? policy->exception_bitmap | bit : policy->exception_bitmap & ~bit;
}

void policy_set_exceptions(struct plan_policy *policy, unsigned first, unsigned last,
                           bool intercept)
{
    for (unsigned vector = first; vector <= last && vector < 32; vector++)
        if (!(EXCEPTIONS_THAT_ALWAYS_EXIT >> vector & 1))
            put_exception(policy, vector, intercept);
}

bool policy_exception_exits(const struct plan_policy *policy, unsigned vector)
{
    return (policy->exception_bitmap | EXCEPTIONS_THAT_ALWAYS_EXIT) >> vector & 1;
}
