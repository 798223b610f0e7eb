/* SPDX-License-Identifier: MIT */
/* S5 in tables as firmware writes them, and in damaged ones. */
#include "acpi_tables.h"
#include "tests.h"

#include "../boot/soft_off.h"

#define DSDT_SIZE (ACPI_HEAD + 64)
#define CONTROL   0x1804u

static struct boot_information information;
static uint8_t rsdp[ACPI_RSDP_SIZE], *page, *xsdt, *fadt, *dsdt;
static struct soft_off off;

/* The DSDT's code, and everything summed up. */
static void code(const char *bytes, size_t size)
{
    acpi_table_begin(dsdt, "DSDT", DSDT_SIZE);
    memcpy(dsdt + ACPI_HEAD, bytes, size);
    acpi_table_end(dsdt);
    acpi_table_end(fadt);
    acpi_table_end(xsdt);
    acpi_rsdp_end(rsdp);
    soft_off_find(&information, &off);
}

#define CODE(bytes) code(bytes, sizeof(bytes) - 1)
#define S5          "\x10\x08_S4_\x08_S5_\x12\x0a\x04\x0a\x05\x0a\x06\x00\x00"

static int tables(void **state)
{
    simulated_cpu_setup(state);
    page = platform_pages_allocate(1, PAGE_SIZE);
    xsdt = page;
    fadt = page + 0x200;
    dsdt = page + 0x401;
    acpi_table_begin(fadt, "FACP", 244);
    acpi_put(fadt + 140, platform_physical(dsdt), 8);
    acpi_put(fadt + 64, CONTROL, 4);
    acpi_table_begin(xsdt, "XSDT", ACPI_HEAD + 8);
    acpi_put(xsdt + ACPI_HEAD, platform_physical(fadt), 8);
    acpi_rsdp_begin(rsdp, platform_physical(xsdt));
    information = (struct boot_information){.rsdp = rsdp, .rsdp_size = sizeof(rsdp)};
    return 0;
}

static int tables_end(void **state)
{
    platform_pages_free(page, 1);
    return simulated_cpu_teardown(state);
}

static void found(void **state)
{
    (void)state;
    CODE(S5);
    assert_true(off.known);
    assert_int_equal(off.control[0], CONTROL);
    assert_int_equal(off.control[1], 0);
    assert_int_equal(off.type[0], 5);
    assert_int_equal(off.type[1], 6);
    CODE("\x08\\_S5_\x12\x45\x00\x02\x01\x00"); /* a root name, a longer length, ZeroOp, OneOp */
    assert_true(off.known);
    assert_int_equal(off.type[0], 1);
    assert_int_equal(off.type[1], 0);
}

static void not_found(void **state)
{
    (void)state;
    CODE("_S5_\x12\x06\x02\x0a\x05\x0a\x05"); /* used, not named */
    assert_false(off.known);
    CODE("\x08_S5_\x13\x06\x02\x0a\x05\x0a\x05"); /* no package */
    assert_false(off.known);
    CODE("\x08_S5_\x12\x06\x02\x0a\x08\x0a\x05"); /* no type of sleep */
    assert_false(off.known);
    CODE("\x08_S5_\x12\x06\x02\x0b\x05\x0a\x05"); /* of two bytes */
    assert_false(off.known);
    for (uint32_t last = 1; last < 10; last++) { /* cut off by the table's end */
        uint8_t whole[] = "\x08_S5_\x12\x06\x02\x0a\x05\x0a\x05";
        acpi_table_begin(dsdt, "DSDT", ACPI_HEAD + 12 - last);
        memcpy(dsdt + ACPI_HEAD, whole, 12);
        acpi_table_end(dsdt);
        soft_off_find(&information, &off);
        assert_false(off.known);
    }
    CODE(S5);
    dsdt[ACPI_HEAD]++; /* the sum is wrong */
    soft_off_find(&information, &off);
    assert_false(off.known);
    acpi_put(fadt + 64, 0, 4);
    CODE(S5);
    assert_false(off.known);
    information.rsdp = NULL;
    soft_off_find(&information, &off);
    assert_false(off.known);
}

static void written(void **state)
{
    (void)state;
    acpi_put(fadt + 48, 0xb2, 4);
    fadt[52] = 0xa1;
    CODE(S5);
    simulated_cpu.port_value[CONTROL] = 0x0101; /* enabled already */
    soft_off(&off);
    assert_true(simulated_cpu.port_log[0].port == CONTROL && !simulated_cpu.port_log[0].write);
    assert_true(simulated_cpu.port_log[2].port == CONTROL && simulated_cpu.port_log[2].write);
    assert_int_equal(simulated_cpu.port_log[2].value, 0x1501); /* SLP_TYP 5 */
    assert_int_equal(simulated_cpu.port_log[3].value, 0x3501); /* and SLP_EN */
    simulated_cpu.port_accesses = 0;
    simulated_cpu.port_value[CONTROL] = 0;
    soft_off(&off);
    assert_int_equal(simulated_cpu.port_log[1].port, 0xb2);
    assert_int_equal(simulated_cpu.port_log[1].value, 0xa1);
    simulated_cpu.port_accesses = 0;
    off.known = false;
    soft_off(&off);
    assert_int_equal(simulated_cpu.port_accesses, 0);
}

#define soft_off_test(function) cmocka_unit_test_setup_teardown(function, tables, tables_end)

int main(void)
{
    const struct CMUnitTest tests[] = {soft_off_test(found), soft_off_test(not_found),
                                       soft_off_test(written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
