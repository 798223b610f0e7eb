/* SPDX-License-Identifier: MIT */
#include "finish.h"

#include "../platform.h"
#include "image.h"
#include "power.h"

static bool magic_break;

void finish_with_magic_break(bool wanted)
{
    magic_break = wanted;
}

_Noreturn void finish(const char *outcome, const char *reason)
{
    platform_log("exitmeter: %s%s%s\n", outcome, *reason ? ": " : "", reason);
    if (magic_break)
        power_magic_break();
    power_off();
}

_Noreturn void boot_fail(const char *reason)
{
    image_failed(reason);
    finish("failed", reason);
}
