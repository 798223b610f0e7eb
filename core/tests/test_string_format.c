/* SPDX-License-Identifier: MIT */
/* The image's printf against the host's; and the console behind it. */
#include "tests.h"

#include "../boot/console.h"
#include "../boot/serial.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

void string_format(void (*put)(char c, void *context), void *context, const char *format,
                   va_list arguments);
void boot_platform_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct text {
    char bytes[256];
    size_t length;
};

static void put(char c, void *context)
{
    struct text *text = context;
    assert_true(text->length < sizeof(text->bytes) - 1);
    text->bytes[text->length++] = c;
}

static void format(struct text *text, const char *how, ...)
{
    va_list arguments;
    *text = (struct text){.length = 0};
    va_start(arguments, how);
    string_format(put, text, how, arguments);
    va_end(arguments);
}

#define SAME(...)                                      \
    do {                                               \
        struct text is;                                \
        char should[256];                              \
        format(&is, __VA_ARGS__);                      \
        snprintf(should, sizeof(should), __VA_ARGS__); \
        assert_string_equal(is.bytes, should);         \
    } while (0)

static void plain_text(void **state)
{
    (void)state;
    SAME("plain %s", "text");
    SAME("%s", "");
    SAME("%s%s%c%s", "a", "b", 'c', "d");
    SAME("100%% of %c", 'x');
    SAME("%%d");
}

static void numbers(void **state)
{
    static const int values[] = {0, 1, -1, 9, 10, -10, 255, INT_MAX, INT_MIN, INT_MIN + 1};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        int v = values[i];
        SAME("[%d %u %x]", v, (unsigned)v, (unsigned)v);
        SAME("[%1d %8d %12d]", v, v, v);
        SAME("[%8u %08u %012u %1u]", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
        SAME("[%4x %04x %08x %016x]", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v);
    }
}

static void wide_numbers(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        unsigned long long v = random_bits(&seed) >> random_below(&seed, 64);
        SAME("[%llu %llx %lld]", v, v, (long long)v);
        SAME("[%lu %lx %ld]", (unsigned long)v, (unsigned long)v, (long)v);
        SAME("[%016llx %5llx %24llu %024llu]", v, v, v, v);
        SAME("%u %llx %s %d", (unsigned)v, v, "mixed", (int)v);
    }
    SAME("[%lld %lld %lld]", LLONG_MIN, LLONG_MAX, -1LL);
    SAME("[%llu]", ULLONG_MAX);
}

static void padded_strings(void **state)
{
    (void)state;
    SAME("[%8s|%1s|%3s]", "text", "text", "abc");
    SAME("[%20s]", "");
}

/* Pointers have no prefix here: what %p prints is up to the implementation. */
static void pointers(void **state)
{
    struct text is;
    (void)state;
    format(&is, "%p", (void *)0x123456789abcdef0);
    assert_string_equal(is.bytes, "123456789abcdef0");
}

static void what_is_not_known_is_printed(void **state)
{
    static const char *const unknown[] = {"%", "%z", "a % b", "%-5", "%.3", "%l", "%08", "100%"};
    struct text is;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        char writable[16]; /* the compiler is not to check these */
        snprintf(writable, sizeof(writable), "%s", unknown[i]);
        format(&is, writable);
        assert_string_equal(is.bytes, unknown[i]);
    }
}

#define COM1     0x3f8
#define PARALLEL 0x378

static size_t writes_to(uint16_t port, char *text)
{
    size_t length = 0;
    for (size_t i = 0; i < simulated_cpu.port_accesses; i++)
        if (simulated_cpu.port_log[i].write && simulated_cpu.port_log[i].port == port)
            text[length++] = (char)simulated_cpu.port_log[i].value;
    text[length] = '\0';
    return length;
}

/* A serial port that is there and has time. */
static void start_console(void)
{
    simulated_cpu.port_value[COM1 + 3] = 3;
    simulated_cpu.port_value[COM1 + 5] = 0x60;
    console_start();
    simulated_cpu.port_accesses = 0;
}

static void console_on_both(void **state)
{
    char text[64];
    (void)state;
    start_console();
    console_choose(true, true, false);
    boot_platform_log("job %u\n", 7u);
    writes_to(PARALLEL, text);
    assert_string_equal(text, "job 7\n");
    writes_to(COM1, text);
    assert_string_equal(text, "job 7\r\n");
    /* each byte on the parallel port is followed by a strobe, and its end */
    assert_int_equal(writes_to(PARALLEL + 2, text), 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(text[i], i % 2 ? 0x0c : 0x0d);
}

static void console_on_one(void **state)
{
    char text[64];
    (void)state;
    start_console();
    console_choose(true, false, false);
    boot_platform_log("a");
    assert_int_equal(writes_to(COM1, text), 0);
    assert_int_equal(writes_to(PARALLEL, text), 1);
    console_choose(false, true, false);
    boot_platform_log("b");
    assert_int_equal(writes_to(COM1, text), 1);
    assert_int_equal(writes_to(PARALLEL, text), 1);
    console_choose(false, false, false);
    boot_platform_log("c");
    assert_int_equal(writes_to(COM1, text), 1);
    assert_int_equal(writes_to(PARALLEL, text), 1);
    console_choose(true, true, false);
}

/* A transmitter that is never empty delays a byte, but does not hang the image. */
static void a_dead_serial_port(void **state)
{
    char text[64];
    (void)state;
    start_console();
    assert_true(serial_works());
    simulated_cpu.port_value[COM1 + 5] = 0;
    console_choose(false, true, false);
    boot_platform_log("x");
    assert_true(simulated_cpu.port_accesses > 1000);
    assert_false(serial_works());
    simulated_cpu.port_accesses = 0;
    boot_platform_log("and no other byte waits\n");
    console_choose(true, true, false);
    assert_int_equal(simulated_cpu.port_accesses, 0);
    assert_int_equal(writes_to(COM1, text), 0);
}

/* Where nobody has the port, its bits say that it has time, and a byte has come. */
static void no_serial_port(void **state)
{
    uint8_t byte;
    (void)state;
    simulated_cpu.port_value[COM1 + 3] = simulated_cpu.port_value[COM1 + 5] = 0xff;
    console_start();
    assert_false(serial_works());
    assert_false(serial_get(&byte));
}

static void a_byte_comes(void **state)
{
    uint8_t byte = 0;
    (void)state;
    start_console();
    assert_false(serial_get(&byte));
    simulated_cpu.port_value[COM1] = 'q';
    simulated_cpu.port_value[COM1 + 5] = 0x61;
    assert_true(serial_get(&byte));
    assert_int_equal(byte, 'q');
}

static void what_was_written_is_kept(void **state)
{
    size_t before, length;
    (void)state;
    console_text(&before);
    console_choose(false, false, false);
    boot_platform_log("job %u\n", 9u);
    console_choose(true, true, false);
    const char *text = console_text(&length);
    assert_int_equal(length, before + 6);
    assert_memory_equal(text + before, "job 9\n", 6);
}

static void console_start_sets_the_line(void **state)
{
    char text[64];
    (void)state;
    console_start();
    assert_int_equal(writes_to(COM1, text), 1);
    assert_int_equal(text[0], 1); /* 115200 baud */
    assert_int_equal(writes_to(COM1 + 3, text), 2);
    assert_int_equal((uint8_t)text[0], 0x80);
    assert_int_equal(text[1], 3); /* 8 data bits, no parity, 1 stop bit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(plain_text),
        simulated_test(numbers),
        simulated_test(wide_numbers),
        simulated_test(padded_strings),
        simulated_test(pointers),
        simulated_test(what_is_not_known_is_printed),
        simulated_test(console_on_both),
        simulated_test(console_on_one),
        simulated_test(a_dead_serial_port),
        simulated_test(no_serial_port),
        simulated_test(a_byte_comes),
        simulated_test(what_was_written_is_kept),
        simulated_test(console_start_sets_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
