/* SPDX-License-Identifier: MIT */
/* The register rules, transcribed a second time from SDM Vol. 3A table 11-6 and its figures. */
#include "tests.h"

#include "../exits/local_apic.h"

enum access { NONE, RO, WO, RW };

struct rule {
    enum access access;
    uint64_t writable;
    bool delivers;
};

/* xAPIC offset is (MSR - 0x800) * 16. */
static struct rule rule_of(uint32_t msr)
{
    switch (msr) {
    case 0x802: /* local APIC ID */
    case 0x803: /* version */
    case 0x80a: /* PPR */
    case 0x80d: /* LDR */
    case 0x839: /* current count */
        return (struct rule){RO, 0, false};
    case 0x808: /* TPR, figure 11-18 */
        return (struct rule){RW, 0xff, false};
    case 0x80b: /* EOI: any value but 0 is #GP */
        return (struct rule){WO, 0, false};
    case 0x80f: /* SVR, figure 11-23, no EOI-broadcast suppression in the version register */
        return (struct rule){RW, 0x1ff, false};
    case 0x828: /* ESR: any value but 0 is #GP */
        return (struct rule){RW, 0, false};
    case 0x82f: /* LVT CMCI, thermal, performance: vector, delivery mode, mask */
    case 0x833:
    case 0x834:
        return (struct rule){RW, 0x107ff, false};
    case 0x830: /* ICR, figure 11-28 */
        return (struct rule){RW, 0xffffffff000ccfff, true};
    case 0x832: /* LVT timer: vector, mask, timer mode */
        return (struct rule){RW, 0x700ff, false};
    case 0x835: /* LVT LINT0, LINT1: with polarity and trigger mode */
    case 0x836:
        return (struct rule){RW, 0x1a7ff, false};
    case 0x837: /* LVT error: vector, mask */
        return (struct rule){RW, 0x100ff, false};
    case 0x838: /* initial count */
        return (struct rule){RW, 0xffffffff, true};
    case 0x83e: /* divide configuration: bits 3, 1, 0 */
        return (struct rule){RW, 0xb, false};
    case 0x83f: /* self IPI */
        return (struct rule){WO, 0xff, true};
    default: /* ISR, TMR, IRR; else reserved */
        return (struct rule){msr >= 0x810 && msr <= 0x827 ? RO : NONE, 0, false};
    }
}

/* Read-only status bits of the LVT: the SDM does not say that writing 1 to one is a fault. */
static uint64_t unspecified(uint32_t msr)
{
    return msr == 0x82f || (msr >= 0x832 && msr <= 0x837) ? 1u << 12 | 1u << 14 : 0;
}

static void reading(void **state)
{
    (void)state;
    for (uint32_t msr = 0x800; msr <= 0x8ff; msr++) {
        struct local_apic apic;
        local_apic_reset(&apic, 1);
        uint64_t value = 0xdead;
        bool readable = rule_of(msr).access == RO || rule_of(msr).access == RW;
        assert_int_equal(local_apic_read(&apic, msr, &value),
                         readable ? LOCAL_APIC_DONE : LOCAL_APIC_FAULT);
        if (!readable)
            assert_int_equal(value, 0xdead);
    }
}

/* Software-enabled: else the LVT's masks are not the guest's to clear (SDM Vol. 3A 11.4.7.2). */
static void enabled(struct local_apic *apic)
{
    local_apic_reset(apic, 1);
    assert_int_equal(local_apic_write(apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
}

static void writing_each_bit(void **state)
{
    (void)state;
    for (uint32_t msr = 0x800; msr <= 0x8ff; msr++)
        for (int bit = -1; bit < 64; bit++) {
            struct local_apic apic, before;
            uint64_t value = bit < 0 ? 0 : 1ull << bit;
            struct rule rule = rule_of(msr);
            enabled(&apic);
            before = apic;
            if (value & unspecified(msr))
                continue;
            enum local_apic_result result = local_apic_write(&apic, msr, value);
            bool allowed = (rule.access == WO || rule.access == RW) && !(value & ~rule.writable);
            if (!allowed) {
                assert_int_equal(result, LOCAL_APIC_FAULT);
                assert_memory_equal(&apic, &before, sizeof(apic));
            } else if (rule.delivers && !(msr == 0x838 && !value)) {
                bool self_ipi = msr == 0x83f && value >= 16; /* lower vectors are illegal */
                assert_int_not_equal(result, LOCAL_APIC_FAULT);
                assert_int_equal(local_apic_waiting(&apic), self_ipi ? (int)value : -1);
            } else {
                assert_int_equal(result, LOCAL_APIC_DONE);
                if (rule.access == RW) {
                    uint64_t read = ~value;
                    assert_int_equal(local_apic_read(&apic, msr, &read), LOCAL_APIC_DONE);
                    assert_int_equal(read, value);
                }
            }
        }
}

static void all_writable_bits_at_once(void **state)
{
    static const uint32_t kept[] = {0x808, 0x80f, 0x82f, 0x832, 0x833,
                                    0x834, 0x835, 0x836, 0x837, 0x83e};
    struct local_apic apic;
    (void)state;
    enabled(&apic);
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        uint64_t all = rule_of(kept[i]).writable, value = 0;
        assert_int_equal(local_apic_write(&apic, kept[i], all), LOCAL_APIC_DONE);
        assert_int_equal(local_apic_read(&apic, kept[i], &value), LOCAL_APIC_DONE);
        assert_int_equal(value, all);
    }
}

/* SDM Vol. 3A 11.12.5.1 and table 11-1. */
static void after_reset(void **state)
{
    struct local_apic apic;
    uint64_t value = 0;
    (void)state;
    for (uint32_t id = 0; id < 256; id++) {
        local_apic_reset(&apic, id);
        assert_int_equal(local_apic_id(&apic), id);
        for (uint32_t msr = 0x800; msr < 0x840; msr++) {
            if (local_apic_read(&apic, msr, &value) != LOCAL_APIC_DONE)
                continue;
            uint64_t wanted = 0;
            if (msr == 0x802)
                wanted = id;
            else if (msr == 0x803)
                wanted = value; /* checked below */
            else if (msr == 0x80d)
                wanted = (id & 0xffff0) << 12 | 1u << (id & 15);
            else if (msr == 0x80f)
                wanted = 0xff;
            else if (msr == 0x82f || (msr >= 0x832 && msr <= 0x837))
                wanted = 0x10000;
            assert_int_equal(value, wanted);
        }
    }
    assert_int_equal(local_apic_read(&apic, 0x803, &value), LOCAL_APIC_DONE);
    assert_in_range(value & 0xff, 0x10, 0x15);
    assert_int_equal(value >> 16 & 0xff, 6); /* the highest of seven LVT entries */
}

/* SDM Vol. 3A 11.8.3.1. */
static void processor_priority(void **state)
{
    (void)state;
    for (uint32_t tpr = 0; tpr < 256; tpr += 5)
        for (uint32_t vector = 15; vector < 256; vector++) {
            struct local_apic apic;
            uint64_t ppr = 0;
            local_apic_reset(&apic, 0);
            assert_int_equal(local_apic_write(&apic, 0x808, tpr), LOCAL_APIC_DONE);
            if (vector >= 16)
                apic.page[4 * (0x10 + vector / 32)] |= 1u << vector % 32;
            if (vector >= 48) /* a lower one in service as well changes nothing */
                apic.page[4 * (0x10 + (vector - 17) / 32)] |= 1u << (vector - 17) % 32;
            uint32_t service = vector >= 16 ? vector : 0;
            assert_int_equal(local_apic_read(&apic, 0x80a, &ppr), LOCAL_APIC_DONE);
            assert_int_equal(ppr >> 4, tpr >> 4 > service >> 4 ? tpr >> 4 : service >> 4);
            if (tpr >> 4 > service >> 4)
                assert_int_equal(ppr & 15, tpr & 15);
            if (tpr >> 4 < service >> 4)
                assert_int_equal(ppr & 15, 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(reading),
        simulated_test(writing_each_bit),
        simulated_test(all_writable_bits_at_once),
        simulated_test(after_reset),
        simulated_test(processor_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
