/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <stdlib.h>
#include <string.h>

const struct target *const targets[] = {&target_bochs, &target_native};
const size_t target_count = sizeof(targets) / sizeof(targets[0]);

const char *target_pmu_model(const struct target *target, const char *cpu_model)
{
    for (size_t i = 0; target->cpu_models[i]; i++)
        if (strcmp(target->cpu_models[i], cpu_model) == 0)
            return target->pmu_models[i];
    return NULL;
}

void boot_end_free(struct boot_end *end)
{
    free(end->failure);
    free(end->detail);
    free(end->results);
    free(end->emulator);
    *end = (struct boot_end){0};
}
