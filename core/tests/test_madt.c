/* SPDX-License-Identifier: MIT */
/* ACPI tables as firmware writes them, by way of the XSDT, and damaged ones. */
#include "acpi_tables.h"
#include "tests.h"

#include "../boot/fadt.h"
#include "../boot/madt.h"

static struct boot_information information;
static uint8_t rsdp[ACPI_RSDP_SIZE], *page, *xsdt, *fadt, *madt;
static uint32_t ids[PLATFORM_CPUS_MAX];

static void put_cpu(uint8_t id, uint32_t flags)
{
    uint32_t length;
    memcpy(&length, madt + 4, 4);
    madt[length] = 0;
    madt[length + 1] = 8;
    madt[length + 3] = id;
    acpi_put(madt + length + 4, flags, 4);
    acpi_put(madt + 4, length + 8, 4);
    acpi_table_end(madt);
}

static void put_x2apic_cpu(uint32_t id, uint32_t flags)
{
    uint32_t length;
    memcpy(&length, madt + 4, 4);
    madt[length] = 9;
    madt[length + 1] = 16;
    acpi_put(madt + length + 4, id, 4);
    acpi_put(madt + length + 8, flags, 4);
    acpi_put(madt + 4, length + 16, 4);
    acpi_table_end(madt);
}

static int tables(void **state)
{
    simulated_cpu_setup(state);
    page = platform_pages_allocate(1, PAGE_SIZE);
    xsdt = page;
    fadt = page + 0x200;
    madt = page + 0x402; /* aligned by chance */
    acpi_table_begin(fadt, "FACP", 244);
    acpi_table_end(fadt);
    acpi_table_begin(madt, "APIC", ACPI_HEAD + 8);
    acpi_table_end(madt);
    acpi_table_begin(xsdt, "XSDT", ACPI_HEAD + 16);
    acpi_put(xsdt + ACPI_HEAD, platform_physical(fadt), 8);
    acpi_put(xsdt + ACPI_HEAD + 8, platform_physical(madt), 8);
    acpi_table_end(xsdt);
    acpi_rsdp_begin(rsdp, platform_physical(xsdt));
    acpi_rsdp_end(rsdp);
    information = (struct boot_information){.rsdp = rsdp, .rsdp_size = ACPI_RSDP_SIZE};
    return 0;
}

static int tables_end(void **state)
{
    platform_pages_free(page, 1);
    return simulated_cpu_teardown(state);
}

static void enabled_ones_in_order(void **state)
{
    (void)state;
    put_cpu(4, 1);
    put_cpu(2, 0); /* a socket without a CPU */
    put_cpu(0xfe, 3);
    put_x2apic_cpu(0x123, 1);
    put_x2apic_cpu(0x124, 2);
    put_cpu(0, 1);
    assert_int_equal(madt_apic_ids(&information, ids, PLATFORM_CPUS_MAX), 4);
    static const uint32_t wanted[] = {4, 0xfe, 0x123, 0};
    assert_memory_equal(ids, wanted, sizeof(wanted));
}

static void no_more_than_asked_for(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 100; i++)
        put_cpu(i, 1);
    ids[7] = 0xdead;
    assert_int_equal(madt_apic_ids(&information, ids, 7), 7);
    assert_int_equal(ids[6], 6);
    assert_int_equal(ids[7], 0xdead);
    assert_int_equal(madt_apic_ids(&information, ids, PLATFORM_CPUS_MAX), PLATFORM_CPUS_MAX);
}

static uint32_t found(void)
{
    return madt_apic_ids(&information, ids, PLATFORM_CPUS_MAX);
}

static void damaged(void **state)
{
    (void)state;
    put_cpu(1, 1);
    assert_int_equal(found(), 1);
    information.rsdp = NULL;
    assert_int_equal(found(), 0);
    information.rsdp = rsdp;
    information.rsdp_size = 19;
    assert_int_equal(found(), 0);
    information.rsdp_size = ACPI_RSDP_SIZE;
    uint8_t *const spots[] = {rsdp, rsdp + 8, xsdt, xsdt + 9, madt, madt + 9, madt + 20};
    for (size_t i = 0; i < COUNT_OF(spots); i++) {
        *spots[i] ^= 0x40;
        assert_int_equal(found(), 0);
        *spots[i] ^= 0x40;
    }
    assert_int_equal(found(), 1);
}

/* Entries that would never end, or that reach over the end. */
static void damaged_entries(void **state)
{
    (void)state;
    put_cpu(1, 1);
    put_cpu(2, 1);
    for (unsigned length = 0; length < 256; length++) {
        madt[ACPI_HEAD + 8 + 8 + 1] = (uint8_t)length;
        acpi_table_end(madt);
        assert_int_equal(found(), length == 8 ? 2 : 1);
    }
}

/* The machine's way to sleep, by the table beside it. */
static void the_fadts_ports(void **state)
{
    struct fadt_ports ports;
    (void)state;
    assert_false(fadt_read(&information, &ports));
    acpi_put(fadt + 64, 0xb004, 4);
    acpi_put(fadt + 68, 0x604, 4);
    assert_false(fadt_read(&information, &ports)); /* the sum is wrong */
    acpi_table_end(fadt);
    assert_true(fadt_read(&information, &ports));
    assert_int_equal(ports.control[0], 0xb004);
    assert_int_equal(ports.control[1], 0x604);
    acpi_put(fadt + 64, 0x10000, 4); /* no port */
    acpi_put(fadt + 68, 0xffff, 4);  /* no room for the second byte */
    acpi_table_end(fadt);
    assert_false(fadt_read(&information, &ports));
    acpi_put(fadt + 68, 0x604, 4);
    acpi_put(fadt + 4, 70, 4); /* cut off in the middle of the second */
    acpi_put(fadt + 64, 0xb004, 4);
    acpi_table_end(fadt);
    assert_true(fadt_read(&information, &ports));
    assert_int_equal(ports.control[0], 0xb004);
    assert_int_equal(ports.control[1], 0);
    information.rsdp = NULL;
    assert_false(fadt_read(&information, &ports));
    assert_int_equal(ports.control[0], 0);
}

#define madt_test(function) cmocka_unit_test_setup_teardown(function, tables, tables_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        madt_test(enabled_ones_in_order), madt_test(no_more_than_asked_for), madt_test(damaged),
        madt_test(damaged_entries),       madt_test(the_fadts_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
