/* SPDX-License-Identifier: MIT */
/* Interrupts between vCPUs: who is addressed, what is posted, who is kicked (SDM Vol. 3A 11.6). */
#include "tests.h"

#include "../exits/apic_bus.h"

#include <string.h>

#define MEMBERS 6
#define VECTOR  0x51u

static struct local_apic apics[MEMBERS];
static struct apic_bus bus;

/* Ids of two x2APIC clusters, and none that is also its index. */
static const uint32_t ids[MEMBERS] = {1, 2, 4, 17, 18, 0x23};

static void write(struct local_apic *apic, uint32_t msr, uint64_t value)
{
    assert_int_not_equal(local_apic_write(apic, msr, value), LOCAL_APIC_FAULT);
}

static void build(void)
{
    memset(&bus, 0, sizeof(bus));
    for (int i = 0; i < MEMBERS; i++) {
        local_apic_reset(&apics[i], ids[i]);
        assert_true(apic_bus_add(&bus, &apics[i]));
        apics[i].signals = 0; /* started */
        write(&apics[i], 0x80f, 0x1ff);
    }
    simulated_host.kicked = 0;
}

static void to_xapic_mode(struct local_apic *apic)
{
    uint64_t base = apic->base;
    assert_int_equal(local_apic_write_base(apic, base & ~0xc00ull, 48), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_write_base(apic, (base & ~0xc00ull) | 0x800, 48),
                     LOCAL_APIC_EVENTS);
    local_apic_mmio_write(apic, 0xf0, 4, 0x1ff);
}

/* Takes what a vCPU has got: whether it is the vector, and nothing else. */
static bool got(struct local_apic *apic)
{
    struct apic_signals signals = apic_bus_collect(apic);
    int vector = local_apic_waiting(apic);
    assert_false(signals.nmi || signals.init || signals.startup);
    if (vector < 0)
        return false;
    assert_int_equal(vector, VECTOR);
    apic->page[4 * (0x20 + VECTOR / 32)] = 0;
    assert_false(apic_bus_has_posted(apic));
    return true;
}

static uint32_t all_that_got(void)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < MEMBERS; i++)
        set |= (uint32_t)got(&apics[i]) << i;
    return set;
}

/* Table 11-3: with a shorthand or by id. */
static void physical(void **state)
{
    (void)state;
    build();
    for (uint32_t from = 0; from < MEMBERS; from++) {
        for (uint32_t to = 0; to < 256; to++) {
            uint32_t wanted = 0;
            for (uint32_t i = 0; i < MEMBERS; i++)
                wanted |= (uint32_t)(ids[i] == to) << i;
            write(&apics[from], 0x830, (uint64_t)to << 32 | VECTOR);
            assert_int_equal(all_that_got(), wanted);
        }
        write(&apics[from], 0x830, 0xffffffffull << 32 | VECTOR);
        assert_int_equal(all_that_got(), 0x3f);
        write(&apics[from], 0x830, 1u << 18 | VECTOR);
        assert_int_equal(all_that_got(), 1u << from);
        write(&apics[from], 0x830, 2u << 18 | VECTOR);
        assert_int_equal(all_that_got(), 0x3f);
        write(&apics[from], 0x830, 3u << 18 | VECTOR);
        assert_int_equal(all_that_got(), 0x3f & ~(1u << from));
        write(&apics[from], 0x83f, VECTOR);
        assert_int_equal(all_that_got(), 1u << from);
    }
}

static void logical_in_x2apic_mode(void **state)
{
    uint64_t seed = 1;
    (void)state;
    build();
    for (int round = 0; round < 20000; round++) {
        uint32_t to = random_below(&seed, 4) << 16 | random_below(&seed, 0x10000), wanted = 0;
        for (uint32_t i = 0; i < MEMBERS; i++)
            wanted |= (uint32_t)(ids[i] / 16 == to >> 16 && to >> ids[i] % 16 & 1) << i;
        bool lowest = random_below(&seed, 2);
        write(&apics[0], 0x830, (uint64_t)to << 32 | 1u << 11 | (uint32_t)lowest << 8 | VECTOR);
        if (lowest)
            wanted &= -wanted; /* the first of them */
        assert_int_equal(all_that_got(), wanted);
    }
    write(&apics[2], 0x830, 0xffffffffull << 32 | 1u << 11 | VECTOR);
    assert_int_equal(all_that_got(), 0x3f);
}

static void logical_in_xapic_mode(void **state)
{
    uint64_t seed = 2;
    (void)state;
    build();
    for (int i = 0; i < MEMBERS; i++)
        to_xapic_mode(&apics[i]);
    for (int round = 0; round < 30000; round++) {
        uint32_t ldr[MEMBERS], to = random_below(&seed, 256), wanted = 0;
        bool flat[MEMBERS];
        for (uint32_t i = 0; i < MEMBERS; i++) {
            ldr[i] = random_below(&seed, 256);
            flat[i] = random_below(&seed, 2);
            local_apic_mmio_write(&apics[i], 0xd0, 4, ldr[i] << 24 | 0xabcdef);
            local_apic_mmio_write(&apics[i], 0xe0, 4, flat[i] ? UINT32_MAX : 0);
            assert_int_equal(local_apic_mmio_read(&apics[i], 0xd0, 4), ldr[i] << 24);
            bool hit = flat[i] ? ldr[i] & to : ldr[i] / 16 == to / 16 && ldr[i] & to & 15;
            wanted |= (uint32_t)(hit || to == 255) << i;
        }
        local_apic_mmio_write(&apics[1], 0x310, 4, to << 24);
        local_apic_mmio_write(&apics[1], 0x300, 4, 1u << 11 | VECTOR);
        assert_int_equal(all_that_got(), wanted);
    }
    local_apic_mmio_write(&apics[0], 0xe0, 4, 0x70000000); /* a model that there is not */
    local_apic_mmio_write(&apics[1], 0x310, 4, 0x7full << 24);
    local_apic_mmio_write(&apics[1], 0x300, 4, 1u << 11 | VECTOR);
    assert_false(all_that_got() & 1);
    for (uint32_t i = 0; i < MEMBERS; i++) { /* by id, and broadcast */
        local_apic_mmio_write(&apics[1], 0x310, 4, ids[i] << 24);
        local_apic_mmio_write(&apics[1], 0x300, 4, VECTOR);
        assert_int_equal(all_that_got(), 1u << i);
    }
    local_apic_mmio_write(&apics[1], 0x310, 4, 0xffull << 24);
    local_apic_mmio_write(&apics[1], 0x300, 4, VECTOR);
    assert_int_equal(all_that_got(), 0x3f);
}

/* A destination in one mode's form says nothing to an APIC in the other mode. */
static void logical_across_modes(void **state)
{
    (void)state;
    build();
    to_xapic_mode(&apics[1]);
    local_apic_mmio_write(&apics[1], 0xd0, 4, 0xff000000);
    local_apic_mmio_write(&apics[1], 0xe0, 4, UINT32_MAX);
    write(&apics[0], 0x830, 0x0000ffffull << 32 | 1u << 11 | VECTOR); /* the whole cluster 0 */
    assert_int_equal(all_that_got(), 1u << 0 | 1u << 2);
    local_apic_mmio_write(&apics[1], 0x310, 4, 0xfeu << 24);
    local_apic_mmio_write(&apics[1], 0x300, 4, 1u << 11 | VECTOR);
    assert_int_equal(all_that_got(), 1u << 1);
}

/* Those that are disabled in either way get no interrupt, and are not chosen either. */
static void disabled(void **state)
{
    (void)state;
    build();
    write(&apics[0], 0x80f, 0xff);
    assert_int_equal(local_apic_write_base(&apics[1], 0xfee00000, 48), LOCAL_APIC_EVENTS);
    write(&apics[3], 0x830, 2u << 18 | VECTOR);
    assert_int_equal(all_that_got(), 0x3c);
    write(&apics[3], 0x830, 1ull << 11 | 1u << 8 | 0x0000001full << 32 | VECTOR);
    assert_int_equal(all_that_got(), 1u << 2); /* ids 1 and 2 are out, 4 is the next */
    /* One that is disabled by software is still reached by NMI, INIT and SIPI (11.4.7.2). */
    write(&apics[3], 0x830, (uint64_t)ids[0] << 32 | 4u << 8);
    assert_true(apic_bus_collect(&apics[0]).nmi);
    write(&apics[3], 0x830, (uint64_t)ids[1] << 32 | 4u << 8);
    assert_false(apic_bus_collect(&apics[1]).nmi);
}

/* What tables 11-3 and 11-4 do not have, and what no guest of ours can take, goes nowhere. */
static void forms_that_there_are_not(void **state)
{
    (void)state;
    build();
    for (uint32_t mode = 0; mode < 8; mode++)
        for (uint32_t shorthand = 0; shorthand < 4; shorthand++) {
            bool there = mode == 0 || (mode != 2 && mode != 3 && mode != 7 && !(shorthand % 3));
            write(&apics[0], 0x830, (uint64_t)ids[2] << 32 | shorthand << 18 | mode << 8 | VECTOR);
            bool any = false;
            for (int i = 0; i < MEMBERS; i++) {
                any |= apic_bus_has_posted(&apics[i]) || local_apic_waiting(&apics[i]) >= 0;
                apic_bus_collect(&apics[i]);
                apics[i].page[4 * (0x20 + VECTOR / 32)] = 0;
                apics[i].signals = 0;
                write(&apics[i], 0x80f, 0x1ff); /* after an INIT */
            }
            /* Of SIPI nothing is to be seen: no one waits for it. */
            assert_int_equal(any, there && mode != 6);
        }
    write(&apics[0], 0x830, (uint64_t)ids[2] << 32 | 5u << 8 | 1u << 15); /* de-assert */
    assert_false(apic_bus_has_posted(&apics[2]));
}

static void illegal_vectors_are_the_senders_error(void **state)
{
    uint64_t value = 0;
    (void)state;
    build();
    for (uint32_t vector = 0; vector < 16; vector++) {
        write(&apics[0], 0x830, 3u << 18 | vector);
        assert_int_equal(all_that_got(), 0);
        write(&apics[0], 0x828, 0);
        local_apic_read(&apics[0], 0x828, &value);
        assert_int_equal(value, 0x20);
    }
    write(&apics[0], 0x828, 0);
    write(&apics[0], 0x830, 3u << 18 | 4u << 8); /* an NMI has none */
    write(&apics[0], 0x828, 0);
    local_apic_read(&apics[0], 0x828, &value);
    assert_int_equal(value, 0);
}

static void init_and_sipi(void **state)
{
    const uint64_t to = (uint64_t)ids[1] << 32;
    struct apic_signals signals;
    uint64_t value = 0;
    (void)state;
    build();
    write(&apics[0], 0x830, to | 6u << 8 | 0x9a); /* does not wait for it: ignored */
    assert_false(apic_bus_has_posted(&apics[1]));
    write(&apics[1], 0x808, 0x30);
    write(&apics[0], 0x830, to | 5u << 8 | 1u << 14);
    signals = apic_bus_collect(&apics[1]);
    assert_true(signals.init && signals.waits && !signals.startup);
    local_apic_read(&apics[1], 0x808, &value);
    assert_int_equal(value, 0);
    assert_int_equal(local_apic_id(&apics[1]), ids[1]);
    local_apic_read(&apics[1], 0x802, &value); /* and the mode has stayed */
    assert_int_equal(value, ids[1]);
    signals = apic_bus_collect(&apics[1]);
    assert_true(!signals.init && signals.waits && !signals.startup);
    write(&apics[0], 0x830, to | 5u << 8); /* another INIT is none: it waits already */
    signals = apic_bus_collect(&apics[1]);
    assert_true(!signals.init && signals.waits && !signals.startup);
    write(&apics[0], 0x830, to | 4u << 8); /* an NMI has to wait */
    assert_false(apic_bus_collect(&apics[1]).nmi);
    write(&apics[0], 0x830, to | 6u << 8 | 0x9a);
    write(&apics[0], 0x830, to | 6u << 8 | 0x77); /* the second of two is ignored */
    signals = apic_bus_collect(&apics[1]);
    assert_true(!signals.init && !signals.waits && signals.startup);
    assert_int_equal(signals.vector, 0x9a);
    assert_true(signals.nmi);
    assert_false(apic_bus_has_posted(&apics[1]));
    /* Both before it looks. */
    write(&apics[0], 0x830, to | 5u << 8);
    write(&apics[0], 0x830, to | 6u << 8 | 0x12);
    signals = apic_bus_collect(&apics[1]);
    assert_true(signals.init && !signals.waits && signals.startup);
    assert_int_equal(signals.vector, 0x12);
    /* Another INIT in between makes the SIPI void. */
    write(&apics[0], 0x830, to | 5u << 8);
    write(&apics[0], 0x830, to | 6u << 8 | 0x12);
    write(&apics[0], 0x830, to | 5u << 8);
    signals = apic_bus_collect(&apics[1]);
    assert_true(signals.init && signals.waits && !signals.startup);
}

static void members(void **state)
{
    static struct local_apic many[APIC_BUS_MEMBERS + 1];
    (void)state;
    memset(&bus, 0, sizeof(bus));
    local_apic_reset(&many[0], 0);
    assert_true(apic_bus_add(&bus, &many[0]));
    assert_false(apic_bus_has_others(&many[0]));
    assert_true(many[0].base & 0x100);
    assert_false(apic_bus_collect(&many[0]).waits);
    local_apic_reset(&many[1], 0);
    assert_false(apic_bus_add(&bus, &many[1])); /* that id is there */
    for (uint32_t i = 1; i <= APIC_BUS_MEMBERS; i++) {
        local_apic_reset(&many[i], i);
        assert_int_equal(apic_bus_add(&bus, &many[i]), i < APIC_BUS_MEMBERS);
        if (i == APIC_BUS_MEMBERS)
            break;
        assert_false(many[i].base & 0x100);
        assert_true(apic_bus_collect(&many[i]).waits);
    }
    assert_true(apic_bus_has_others(&many[0]));
}

/* A CPU is interrupted only while it runs the target. */
static void kicks(void **state)
{
    (void)state;
    build();
    simulated_cpu_number_set(0);
    apic_bus_begin(&apics[0], 0);
    write(&apics[0], 0x830, (uint64_t)ids[1] << 32 | VECTOR);
    assert_int_equal(simulated_host.kicks, 0);
    apic_bus_begin(&apics[1], 3);
    write(&apics[0], 0x830, (uint64_t)ids[1] << 32 | VECTOR);
    assert_int_equal(simulated_host.kicked, 1u << 3);
    apic_bus_end(&apics[1]);
    write(&apics[0], 0x830, (uint64_t)ids[1] << 32 | 4u << 8);
    assert_int_equal(simulated_host.kicks, 1);
    write(&apics[0], 0x830, (uint64_t)ids[0] << 32 | 4u << 8); /* itself: it exits anyway */
    assert_int_equal(simulated_host.kicks, 1);
    assert_true(apic_bus_collect(&apics[0]).nmi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(physical),
        simulated_test(logical_in_x2apic_mode),
        simulated_test(logical_in_xapic_mode),
        simulated_test(logical_across_modes),
        simulated_test(disabled),
        simulated_test(forms_that_there_are_not),
        simulated_test(illegal_vectors_are_the_senders_error),
        simulated_test(init_and_sipi),
        simulated_test(members),
        simulated_test(kicks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
