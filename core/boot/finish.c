/* SPDX-License-Identifier: MIT */
#include "finish.h"

#include "../platform.h"
#include "image.h"
#include "power.h"

/* The harness' exit codes. */
#define CODE_DONE        0u
#define CODE_FAILED      1u
#define CODE_UNAVAILABLE 3u

static bool magic_break, debug_exit, halt;
static uint8_t code = CODE_DONE;

void finish_with_magic_break(bool wanted)
{
    magic_break = wanted;
}

void finish_with_debug_exit(bool wanted)
{
    debug_exit = wanted;
}

void finish_with_halt(bool wanted)
{
    halt = wanted;
}

_Noreturn void finish(const char *outcome, const char *reason)
{
    platform_log("exitmeter: %s%s%s\n", outcome, *reason ? ": " : "", reason);
    /* Twice: at the first the debugger may be about to ask for the end, and goes on. */
    for (int i = 0; magic_break && i < 2; i++)
        power_magic_break();
    image_deliver();
    if (debug_exit)
        power_debug_exit(code);
    if (halt)
        power_halt();
    power_off();
}

_Noreturn void boot_fail(const char *reason)
{
    code = CODE_FAILED;
    image_failed(reason);
    finish("failed", reason);
}

_Noreturn void finish_unavailable(const char *reason, const char *advice)
{
    code = CODE_UNAVAILABLE;
    platform_log("exitmeter: %s\n", advice);
    finish("cannot measure here", reason);
}
