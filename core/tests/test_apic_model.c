/* SPDX-License-Identifier: MIT */
/*
 * Storms of register accesses against a model that is as plain as can be: a flag an interrupt, a
 * variable a register, and the SDM's sentences in the order in which they stand (Vol. 3A 11.8,
 * 11.5.3, 11.4.7.2).
 */
#include "tests.h"

#include "../exits/local_apic.h"

#include <string.h>

static struct local_apic apic;

static struct {
    bool requested[256], in_service[256];
    uint32_t tpr, spurious, status, pending, lvt[6], cmci;
    uint64_t command;
} model;

/* LVT entries by MSR; the timer's is left out, as test_apic_timer.c has it. */
static const uint32_t lvt_msrs[6] = {0x833, 0x834, 0x835, 0x836, 0x837, 0x82f};
static const uint32_t lvt_bits[6] = {0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff, 0x107ff};

static void model_reset(void)
{
    memset(&model, 0, sizeof(model));
    model.spurious = 0xff;
    for (int i = 0; i < 6; i++)
        model.lvt[i] = 0x10000;
}

static int model_highest(const bool *flags)
{
    for (int vector = 255; vector >= 0; vector--)
        if (flags[vector])
            return vector;
    return -1;
}

static void model_request(uint32_t vector);

static void model_error(uint32_t bit)
{
    bool first = !model.pending;
    model.pending |= bit;
    if (first && !(model.lvt[4] & 0x10000))
        model_request(model.lvt[4] & 0xff);
}

static void model_request(uint32_t vector)
{
    if (vector < 16)
        model_error(0x40);
    else if (model.spurious & 0x100)
        model.requested[vector] = true;
}

static uint32_t model_ppr(void)
{
    int service = model_highest(model.in_service);
    uint32_t class = service < 0 ? 0 : (uint32_t)service / 16;
    return model.tpr / 16 >= class ? model.tpr : class * 16;
}

static int model_waiting(void)
{
    int vector = model_highest(model.requested);
    return vector >= 0 && (uint32_t)vector / 16 > model_ppr() / 16 ? vector : -1;
}

/* Whether it is a fault; else done to the model. */
static bool model_write(uint32_t msr, uint64_t value)
{
    for (int i = 0; i < 6; i++)
        if (msr == lvt_msrs[i]) {
            if (value & ~(uint64_t)lvt_bits[i])
                return false;
            model.lvt[i] = (uint32_t)value | (model.spurious & 0x100 ? 0 : 0x10000);
            return true;
        }
    switch (msr) {
    case 0x808:
        if (value > 0xff)
            return false;
        model.tpr = (uint32_t)value;
        return true;
    case 0x80b:
        if (value)
            return false;
        if (model_highest(model.in_service) >= 0)
            model.in_service[model_highest(model.in_service)] = false;
        return true;
    case 0x80f:
        if (value > 0x1ff)
            return false;
        model.spurious = (uint32_t)value;
        for (int i = 0; i < 6 && !(value & 0x100); i++)
            model.lvt[i] |= 0x10000;
        return true;
    case 0x828:
        if (value)
            return false;
        model.status = model.pending;
        model.pending = 0;
        return true;
    case 0x830:
        if (value & ~0xffffffff000ccfffull)
            return false;
        model.command = value;
        /* Fixed and lowest priority have a vector; only the first has a form to itself. */
        if ((value & 0x700) == 0 || ((value & 0x700) == 0x100 && !(value & 1ull << 18)))
            if ((value & 0xff) < 16) {
                model_error(0x20);
                return true;
            }
        if (value & 0x700 || !(value & 1ull << 18))
            return true;
        /* fall through */
    case 0x83f:
        if (msr == 0x83f && value > 0xff)
            return false;
        if ((value & 0xff) < 16)
            model_error(0x20);
        else
            model_request(value & 0xff);
        return true;
    default:
        return false;
    }
}

static uint64_t read(uint32_t msr)
{
    uint64_t value = 0xdead;
    assert_int_equal(local_apic_read(&apic, msr, &value), LOCAL_APIC_DONE);
    return value;
}

static void compare(void)
{
    assert_int_equal(read(0x808), model.tpr);
    assert_int_equal(read(0x80a), model_ppr());
    assert_int_equal(read(0x80f), model.spurious);
    assert_int_equal(read(0x828), model.status);
    assert_int_equal(read(0x830), model.command);
    for (int i = 0; i < 6; i++)
        assert_int_equal(read(lvt_msrs[i]), model.lvt[i]);
    for (uint32_t i = 0; i < 256; i++) {
        assert_int_equal(read(0x810 + i / 32) >> i % 32 & 1, model.in_service[i]);
        assert_int_equal(read(0x820 + i / 32) >> i % 32 & 1, model.requested[i]);
        assert_int_equal(read(0x818 + i / 32), 0);
    }
    assert_int_equal(local_apic_waiting(&apic), model_waiting());
    /* Where something is requested, the short way of the TPR must not be taken. */
    assert_true(model_highest(model.requested) < 0 || apic.attention);
}

static void random_write(uint64_t *seed)
{
    static const uint32_t msrs[] = {0x808, 0x80b, 0x80f, 0x828, 0x82f, 0x830, 0x833,
                                    0x834, 0x835, 0x836, 0x837, 0x83f, 0x83f};
    uint32_t msr = msrs[random_below(seed, COUNT_OF(msrs))];
    uint64_t value = random_bits(seed) & ((1ull << random_below(seed, 20)) - 1);
    if (msr == 0x830) /* to itself, or by destination to no one */
        value = (value & 0xcfff) | (random_below(seed, 2) ? 1ull << 18 : 77ull << 32);
    if (msr == 0x80f && random_below(seed, 4))
        value = 0x1ff;
    if (msr == 0x80b || msr == 0x828)
        value = random_below(seed, 10) == 0;
    if (msr == 0x808 && random_below(seed, 2))
        value = 0;
    struct local_apic before = apic;
    enum local_apic_result result;
    if (msr == 0x808 && local_apic_set_tpr(&apic, value))
        result = LOCAL_APIC_DONE;
    else
        result = local_apic_write(&apic, msr, value);
    if (model_write(msr, value))
        assert_int_not_equal(result, LOCAL_APIC_FAULT);
    else {
        assert_int_equal(result, LOCAL_APIC_FAULT);
        assert_memory_equal(&apic, &before, sizeof(apic));
    }
    /* Whoever is told DONE need not look: what waits now waited before. */
    if (result == LOCAL_APIC_DONE)
        assert_true(local_apic_waiting(&apic) < 0 ||
                    local_apic_waiting(&apic) == local_apic_waiting(&before));
}

static void storms(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 40; round++) {
        uint64_t seed = round;
        local_apic_reset(&apic, 5);
        model_reset();
        for (int i = 0; i < 1500; i++) {
            uint32_t vector = random_below(&seed, 256);
            int waiting = local_apic_waiting(&apic);
            switch (random_below(&seed, 8)) {
            case 0:
                local_apic_request(&apic, (uint8_t)vector);
                model_request(vector);
                break;
            case 1:
                if (waiting >= 0) {
                    local_apic_accept(&apic, (uint8_t)waiting);
                    model.requested[waiting] = false;
                    model.in_service[waiting] = true;
                }
                break;
            default:
                random_write(&seed);
            }
            compare();
        }
    }
}

/* No number and no value, by MSR or by page, in any mode, does more than the APIC's own state. */
static void nothing_breaks_it(void **state)
{
    static const uint64_t bases[] = {0xfee00000, 0xfee00800, 0xfee00c00};
    uint64_t seed = 99, value;
    (void)state;
    local_apic_reset(&apic, 1);
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = random_bits(&seed) >> random_below(&seed, 64);
        uint32_t number = 0x800 + random_below(&seed, 0x110);
        switch (random_below(&seed, 8)) {
        case 0:
            local_apic_write_base(&apic, bases[random_below(&seed, 3)], 48);
            break;
        case 1:
            local_apic_mmio_write(&apic, random_below(&seed, 8192), random_below(&seed, 20), bits);
            break;
        case 2:
            local_apic_mmio_read(&apic, random_below(&seed, 8192), random_below(&seed, 20));
            break;
        case 3:
            local_apic_page_written(&apic, random_below(&seed, 8192));
            break;
        case 4:
            local_apic_read(&apic, number, &value);
            break;
        default:
            local_apic_write(&apic, number, bits);
        }
        assert_in_range(local_apic_waiting(&apic) + 1, 0, 256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(storms),
        simulated_test(nothing_breaks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
