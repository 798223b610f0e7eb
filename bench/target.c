/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <stdlib.h>

const struct target *const targets[] = {&target_bochs};
const size_t target_count = sizeof(targets) / sizeof(targets[0]);

void boot_end_free(struct boot_end *end)
{
    free(end->failure);
    free(end->detail);
    free(end->results);
    free(end->emulator);
    *end = (struct boot_end){0};
}
