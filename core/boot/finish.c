/* SPDX-License-Identifier: MIT */
#include "finish.h"

#include "../platform.h"
#include "image.h"
#include "power.h"

static bool magic_break, halt;

void finish_with_magic_break(bool wanted)
{
    magic_break = wanted;
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
    if (halt)
        power_halt();
    power_off();
}

_Noreturn void boot_fail(const char *reason)
{
    image_failed(reason);
    finish("failed", reason);
}
