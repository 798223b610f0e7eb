/* SPDX-License-Identifier: MIT */
/* IA32_APIC_BASE (SDM Vol. 3A 11.12.5), and the registers in xAPIC form (table 11-1). */
#include "tests.h"

#include "../exits/local_apic.h"

#define ADDRESS 0xfee00000ull
#define BSP     0x100u

static struct local_apic apic;

static const uint64_t modes[4] = {0, 0x400, 0x800, 0xc00}; /* disabled, invalid, xAPIC, x2APIC */

static void enter(unsigned mode)
{
    local_apic_reset(&apic, 0x25);
    if (mode == 3)
        return;
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP, 36), LOCAL_APIC_EVENTS);
    if (mode == 2)
        assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP | 0x800, 36),
                         LOCAL_APIC_EVENTS);
}

static void switches(void **state)
{
    static const bool allowed[4][4] = {
        {true, false, true, false}, {0}, {true, false, true, true}, {true, false, false, true}};
    (void)state;
    for (unsigned from = 0; from < 4; from++)
        for (unsigned to = 0; to < 4; to++) {
            if (from == 1)
                continue;
            enter(from);
            struct local_apic before = apic;
            enum local_apic_result result =
                local_apic_write_base(&apic, ADDRESS | BSP | modes[to], 36);
            if (!allowed[from][to]) {
                assert_int_equal(result, LOCAL_APIC_FAULT);
                assert_memory_equal(&apic, &before, sizeof(apic));
            } else {
                assert_int_equal(result, from == to ? LOCAL_APIC_DONE : LOCAL_APIC_EVENTS);
                assert_int_equal(apic.base, ADDRESS | BSP | modes[to]);
                assert_int_equal(!(apic.attention & LOCAL_APIC_NOT_X2APIC), to == 3);
            }
        }
}

static void reserved_bits_of_the_base(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        bool reserved = bit < 8 || bit == 9 || bit >= 36;
        if (bit >= 8 && bit < 12)
            continue;
        enter(3);
        assert_int_equal(local_apic_write_base(&apic, (ADDRESS | BSP | 0xc00) ^ 1ull << bit, 36),
                         reserved ? LOCAL_APIC_FAULT : LOCAL_APIC_DONE);
    }
    enter(3);
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP | 0xe00, 36), LOCAL_APIC_FAULT);
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_X2APIC;
    local_apic_reset(&apic, 1);
    assert_int_equal(apic.base, ADDRESS | BSP | 0x800);
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP | 0xc00, 36), LOCAL_APIC_FAULT);
}

static void registers_by_msr_are_of_x2apic_mode(void **state)
{
    uint64_t value;
    (void)state;
    for (unsigned mode = 0; mode < 3; mode += 2) {
        enter(mode);
        for (uint32_t msr = 0x800; msr < 0x900; msr++) {
            assert_int_equal(local_apic_read(&apic, msr, &value), LOCAL_APIC_FAULT);
            assert_int_equal(local_apic_write(&apic, msr, 0), LOCAL_APIC_FAULT);
        }
        assert_false(local_apic_set_tpr(&apic, 0));
    }
}

static uint32_t read(uint32_t offset)
{
    return (uint32_t)local_apic_mmio_read(&apic, offset, 4);
}

static void write(uint32_t offset, uint32_t value)
{
    assert_int_not_equal(local_apic_mmio_write(&apic, offset, 4, value), LOCAL_APIC_FAULT);
}

/* From xAPIC to x2APIC mode the state is kept, but for id, LDR and the like. */
static void state_over_switches(void **state)
{
    uint64_t value = 0;
    (void)state;
    enter(2);
    write(0xf0, 0x1ff);
    write(0x80, 0x30);
    write(0x370, 0x44);
    write(0xd0, 0x12000000);
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP | 0xc00, 36), LOCAL_APIC_EVENTS);
    static const uint32_t kept[][2] = {{0x802, 0x25},  {0x808, 0x30}, {0x80d, 0x20020},
                                       {0x80f, 0x1ff}, {0x837, 0x44}, {0x830, 0}};
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        assert_int_equal(local_apic_read(&apic, kept[i][0], &value), LOCAL_APIC_DONE);
        assert_int_equal(value, kept[i][1]);
    }
    assert_true(local_apic_set_tpr(&apic, 0x40));
    local_apic_request(&apic, 0x80);
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP, 36), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_waiting(&apic), -1); /* disabled, and reset */
    local_apic_request(&apic, 0x80);
    assert_int_equal(local_apic_write_base(&apic, ADDRESS | BSP | 0x800, 36), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_waiting(&apic), -1);
    assert_int_equal(read(0x80), 0);
    assert_int_equal(read(0xf0), 0xff);
    assert_int_equal(read(0x20), 0x25000000);
}

enum access { NONE, RO, WO, RW };

/* Table 11-1, and the bits that a write can change. */
static enum access access_of(uint32_t offset, uint32_t *writable)
{
    *writable = 0;
    if (offset >= 0x100 && offset <= 0x270)
        return RO;
    switch (offset) {
    case 0x20: /* the id: read-only on this CPU model */
    case 0x30:
    case 0xa0:
    case 0x390:
        return RO;
    case 0xb0:
        return WO;
    case 0x80:
        *writable = 0xff;
        return RW;
    case 0xd0:
    case 0x310:
        *writable = 0xff000000;
        return RW;
    case 0xe0:
        *writable = 0xf0000000;
        return RW;
    case 0xf0:
        *writable = 0x1ff;
        return RW;
    case 0x280:
        return RW;
    case 0x2f0:
    case 0x330:
    case 0x340:
        *writable = 0x107ff;
        return RW;
    case 0x300:
        *writable = 0xccfff;
        return RW;
    case 0x320:
        *writable = 0x700ff;
        return RW;
    case 0x350:
    case 0x360:
        *writable = 0x1a7ff;
        return RW;
    case 0x370:
        *writable = 0x100ff;
        return RW;
    case 0x380:
        *writable = UINT32_MAX;
        return RW;
    case 0x3e0:
        *writable = 0xb;
        return RW;
    default:
        return NONE;
    }
}

static uint32_t errors(void)
{
    write(0x280, 0);
    return read(0x280);
}

static void every_offset(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 4096; offset += 16) {
        uint32_t writable;
        enum access access = access_of(offset, &writable);
        enter(2);
        write(0xf0, 0x1ff);
        uint32_t before = read(offset);
        assert_int_equal(errors(), access == NONE ? 0x80 : 0); /* illegal register address */
        if (access == NONE)
            assert_int_equal(before, 0);
        /* Delivery status and trigger bits 300 times would be interrupts: vectors from 16 on. */
        uint32_t value = offset == 0x320 ? 0xffff9fff : offset == 0x300 ? 0xfff3f0ff : UINT32_MAX;
        write(offset, value);
        assert_int_equal(errors(), access == NONE ? 0x80 : 0);
        if (access == RW && offset != 0x280)
            assert_int_equal(read(offset), offset == 0x380
                                               ? read(0x380)
                                               : (before & ~writable) | (value & writable));
        if (access == RO && offset < 0x100)
            assert_int_equal(read(offset), before);
    }
}

static void widths_and_alignments(void **state)
{
    (void)state;
    enter(2);
    write(0xf0, 0x1ff);
    write(0x340, 0x10742);
    assert_int_equal(local_apic_mmio_read(&apic, 0x340, 1), 0x42);
    assert_int_equal(local_apic_mmio_read(&apic, 0x341, 1), 0x07);
    assert_int_equal(local_apic_mmio_read(&apic, 0x342, 2), 0x01);
    assert_int_equal(local_apic_mmio_read(&apic, 0x341, 4), 0); /* beyond the register */
    assert_int_equal(local_apic_mmio_read(&apic, 0x344, 4), 0);
    assert_int_equal(local_apic_mmio_read(&apic, 0x340, 8), 0);
    assert_int_equal(local_apic_mmio_read(&apic, 4096 + 0x340, 4), 0);
    static const uint32_t odd[][2] = {{0x340, 1}, {0x340, 2}, {0x340, 8},
                                      {0x341, 4}, {0x344, 4}, {4096 + 0x340, 4}};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        assert_int_equal(local_apic_mmio_write(&apic, odd[i][0], odd[i][1], 0), LOCAL_APIC_DONE);
        assert_int_equal(read(0x340), 0x10742);
    }
    for (unsigned mode = 0; mode < 4; mode += 3) { /* no page in the other modes */
        enter(mode);
        assert_int_equal(read(0x30), 0);
        write(0x80, 0x20);
        assert_int_equal(local_apic_priority(&apic), 0);
    }
}

static void eoi_and_self_interrupt_by_the_page(void **state)
{
    (void)state;
    enter(2);
    write(0xf0, 0x1ff);
    write(0x300, 1u << 18 | 0x61);
    assert_int_equal(read(0x230), 2);
    assert_int_equal(local_apic_waiting(&apic), 0x61);
    local_apic_accept(&apic, 0x61);
    assert_int_equal(read(0x130), 2);
    assert_int_equal(read(0xa0), 0x60);
    assert_int_equal(local_apic_mmio_write(&apic, 0xb0, 4, 0x1234), LOCAL_APIC_EVENTS);
    assert_int_equal(read(0x130), 0);
    assert_int_equal(read(0xb0), 0);
}

/* The CPU has stored it; now the same must come of it as of a write by software. */
static void what_the_cpu_wrote(void **state)
{
    static const uint32_t offsets[] = {0x80,  0xd0,  0xe0,  0xf0,  0x280, 0x310,
                                       0x340, 0x350, 0x370, 0x3e0, 0xb0,  0x20};
    uint64_t seed = 4;
    (void)state;
    for (int round = 0; round < 5000; round++) {
        static struct local_apic other;
        uint32_t offset = offsets[random_below(&seed, COUNT_OF(offsets))];
        uint32_t value = (uint32_t)random_bits(&seed);
        if (round % 50 == 0) {
            enter(2);
            write(0xf0, 0x1ff);
            local_apic_request(&apic, 0x77);
            local_apic_accept(&apic, 0x77);
        }
        other = apic;
        local_apic_mmio_write(&apic, offset, 4, value);
        other.page[offset / 4] = value;
        local_apic_page_written(&other, offset);
        assert_memory_equal(&apic, &other, sizeof(apic));
    }
    /* In x2APIC mode it is an illegal vector, written to the self-IPI register. */
    enter(3);
    uint64_t status = 0;
    apic.page[0x3f0 / 4] = 3;
    local_apic_page_written(&apic, 0x3f0);
    assert_int_equal(local_apic_write(&apic, 0x828, 0), LOCAL_APIC_DONE);
    local_apic_read(&apic, 0x828, &status);
    assert_int_equal(status, 0x20);
    assert_int_equal(apic.page[0x3f0 / 4], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(switches),
        simulated_test(reserved_bits_of_the_base),
        simulated_test(registers_by_msr_are_of_x2apic_mode),
        simulated_test(state_over_switches),
        simulated_test(every_offset),
        simulated_test(widths_and_alignments),
        simulated_test(eoi_and_self_interrupt_by_the_page),
        simulated_test(what_the_cpu_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
