/* SPDX-License-Identifier: MIT */
/* S5 in tables as firmware writes them, and in damaged ones. */
#include "tests.h"

#include "../boot/soft_off.h"

#include <string.h>

#define HEAD      36u /* of every table */
#define DSDT_SIZE (HEAD + 64)
#define CONTROL   0x1804u

static struct boot_information information;
static uint8_t rsdp[36], *page, *xsdt, *fadt, *dsdt;
static struct soft_off off;

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

static void sum_up(uint8_t *bytes, uint32_t count, uint8_t *checksum)
{
    uint8_t sum = 0;
    *checksum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    *checksum = (uint8_t)-sum;
}

static void begin(uint8_t *table, const char *signature, uint32_t length)
{
    memset(table, 0, length);
    memcpy(table, signature, 4);
    put(table + 4, length, 4);
}

static void end(uint8_t *table)
{
    uint32_t length;
    memcpy(&length, table + 4, 4);
    sum_up(table, length, table + 9);
}

/* The DSDT's code, and everything summed up. */
static void code(const char *bytes, size_t size)
{
    begin(dsdt, "DSDT", DSDT_SIZE);
    memcpy(dsdt + HEAD, bytes, size);
    end(dsdt);
    end(fadt);
    end(xsdt);
    sum_up(rsdp, 20, rsdp + 8);
    sum_up(rsdp, sizeof(rsdp), rsdp + 32);
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
    begin(fadt, "FACP", 244);
    put(fadt + 140, platform_physical(dsdt), 8);
    put(fadt + 64, CONTROL, 4);
    begin(xsdt, "XSDT", HEAD + 8);
    put(xsdt + HEAD, platform_physical(fadt), 8);
    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    put(rsdp + 20, sizeof(rsdp), 4);
    put(rsdp + 24, platform_physical(xsdt), 8);
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
        begin(dsdt, "DSDT", HEAD + 12 - last);
        memcpy(dsdt + HEAD, whole, 12);
        end(dsdt);
        soft_off_find(&information, &off);
        assert_false(off.known);
    }
    CODE(S5);
    dsdt[HEAD]++; /* the sum is wrong */
    soft_off_find(&information, &off);
    assert_false(off.known);
    put(fadt + 64, 0, 4);
    CODE(S5);
    assert_false(off.known);
    information.rsdp = NULL;
    soft_off_find(&information, &off);
    assert_false(off.known);
}

static void written(void **state)
{
    (void)state;
    put(fadt + 48, 0xb2, 4);
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
