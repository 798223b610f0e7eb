/* SPDX-License-Identifier: MIT */
#include "target.h"

#include "qemu.h"

#include "monitor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct target *const targets[] = {&target_bochs, &target_kvm, &target_qemu, &target_vm,
                                        &target_native};
const size_t target_count = sizeof(targets) / sizeof(targets[0]);

_Static_assert(sizeof(targets) / sizeof(targets[0]) <= TARGETS_MAX, "room for their names");

const char *target_accelerator(const struct target *target, const char *given)
{
    if (!target->needs_emulated || given)
        return given;
    return target->may_emulate && access("/dev/kvm", R_OK | W_OK) != 0 ? QEMU_TCG : QEMU_KVM;
}

unsigned target_needs(const struct target *target, const char *accelerator)
{
    return accelerator && strcmp(accelerator, QEMU_TCG) == 0 ? target->needs_emulated
                                                             : target->needs;
}

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
    monitor_free(end->monitor);
    *end = (struct boot_end){0};
}
