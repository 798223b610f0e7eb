/* SPDX-License-Identifier: MIT */
/* From start.S to the image's own work. */
#include "console.h"
#include "cpu.h"
#include "finish.h"
#include "image.h"
#include "power.h"
#include "screen.h"

_Noreturn void boot_main(uint64_t address);
_Noreturn void boot_main(uint64_t address)
{
    static struct boot_information information;

    console_start();
    cpu_start();
    const char *wrong = boot_information_read(address, &information);
    if (wrong)
        boot_fail(wrong);
    power_know(&information);
    screen_start(&information.screen);
    image_main(&information);
}
