/* SPDX-License-Identifier: MIT */
#include "console.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "screen.h"
#include "serial.h"
#include "spinlock.h"
#include "string.h"

#define PARALLEL        0x378
#define PARALLEL_STROBE 0x01
#define PARALLEL_READY  0x0c /* selected, not in reset */

#define NOBODY UINT32_MAX /* in place of a CPU number */

static bool use_parallel = true, use_serial = true, use_screen = true;
static char kept[CONSOLE_KEPT] __attribute__((aligned(8)));
static size_t kept_length;

void console_start(void)
{
    serial_start();
}

void console_choose(bool parallel, bool serial, bool screen)
{
    use_parallel = parallel;
    use_serial = serial;
    use_screen = screen;
}

static void put_parallel(char c)
{
    x86_out8(PARALLEL, (uint8_t)c);
    x86_out8(PARALLEL + 2, PARALLEL_READY | PARALLEL_STROBE);
    x86_out8(PARALLEL + 2, PARALLEL_READY);
}

const char *console_text(size_t *length)
{
    *length = kept_length;
    return kept;
}

void console_put(char c)
{
    if (kept_length < sizeof(kept))
        kept[kept_length++] = c;
    if (use_screen)
        screen_put(c);
    if (use_parallel)
        put_parallel(c);
    if (use_serial) {
        if (c == '\n')
            serial_put('\r');
        serial_put((uint8_t)c);
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
