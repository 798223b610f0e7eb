/* SPDX-License-Identifier: MIT */
#include "console.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "spinlock.h"
#include "string.h"

#define COM1              0x3f8
#define LINE_CONTROL      3
#define LINE_STATUS       5
#define TRANSMITTER_EMPTY 0x20
#define SERIAL_PATIENCE   100000 /* reads of the line status before a byte is given up */

#define PARALLEL        0x378
#define PARALLEL_STROBE 0x01
#define PARALLEL_READY  0x0c /* selected, not in reset */

#define NOBODY UINT32_MAX /* in place of a CPU number */

static bool use_parallel = true, use_serial = true;

void console_start(void)
{
    x86_out8(COM1 + 1, 0);               /* no interrupts */
    x86_out8(COM1 + LINE_CONTROL, 0x80); /* divisor latch */
    x86_out8(COM1 + 0, 1);               /* 115200 baud */
    x86_out8(COM1 + 1, 0);
    x86_out8(COM1 + LINE_CONTROL, 0x03); /* 8 bits, no parity, 1 stop bit */
}

void console_choose(bool parallel, bool serial)
{
    use_parallel = parallel;
    use_serial = serial;
}

static void put_serial(char c)
{
    for (int i = 0; i < SERIAL_PATIENCE; i++)
        if (x86_in8(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY)
            break;
    x86_out8(COM1, (uint8_t)c);
}

static void put_parallel(char c)
{
    x86_out8(PARALLEL, (uint8_t)c);
    x86_out8(PARALLEL + 2, PARALLEL_READY | PARALLEL_STROBE);
    x86_out8(PARALLEL + 2, PARALLEL_READY);
}

void console_put(char c)
{
    if (use_parallel)
        put_parallel(c);
    if (use_serial) {
        if (c == '\n')
            put_serial('\r');
        put_serial(c);
    }
}

static void put(char c, void *context)
{
    (void)context;
    console_put(c);
}

void platform_log(const char *format, ...)
{
    static struct spinlock lock;
    static uint32_t owner = NOBODY;
    const uint32_t self = platform_cpu_number();
    /* An exception in here has something to say, too, and would wait for itself. */
    bool nested = __atomic_load_n(&owner, __ATOMIC_RELAXED) == self;
    uint64_t flags = nested ? 0 : spinlock_take(&lock);
    va_list arguments;

    __atomic_store_n(&owner, self, __ATOMIC_RELAXED);
    va_start(arguments, format);
    string_format(put, NULL, format, arguments);
    va_end(arguments);
    if (nested)
        return;
    __atomic_store_n(&owner, NOBODY, __ATOMIC_RELAXED);
    spinlock_release(&lock, flags);
}
