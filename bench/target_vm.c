/* SPDX-License-Identifier: MIT */
/*
 * Target vm: the guest-only image under QEMU, with KVM or, where that is not to be had, TCG. It
 * shows under one monitor what the image does under any.
 */
#include "../guests/plan.h"
#include "experiment.h"
#include "files.h"
#include "monitor.h"
#include "places.h"
#include "qemu.h"
#include "requirement.h"
#include "text.h"
#include "vm_monitor.h"

#include <string.h>

#define TIMEOUT 300.0 /* seconds: some monitors are slow */

static const char *const cpu_models[] = {"max", "host", "qemu64", "EPYC", "Haswell", NULL};
static const char *const no_pmu_models[] = {NULL, NULL, NULL, NULL, NULL};

static void boot_vm(const struct boot *boot, struct boot_end *end)
{
    struct bytes region;

    qemu_boot(boot, end);
    if (!end->results || bytes_map(end->results, &region) < 0)
        return;
    end->monitor = vm_monitor((const struct results_header *)region.data, boot->accelerator);
    bytes_unmap(&region);
}

const struct target target_vm = {
    .name = "vm",
    .description = "the guests straight as the guest of QEMU with KVM, else TCG: by the TSC",
    .unit = "TSC cycles",
    .plan_flags = PLAN_DEBUG_EXIT | PLAN_CONSOLE_PARALLEL | PLAN_RESUME,
    .needs = NEEDED_FOR_QEMU | NEEDED_FOR_ACCELERATION,
    .needs_emulated = NEEDED_FOR_QEMU,
    .may_emulate = true,
    .image = PLACE_GUEST_IMAGE,
    .own_policy = VM_OWN_POLICY,
    .own_policy_alone = true,
    .benchmarks_alone = true,
    .timeout = TIMEOUT,
    .results_most = QEMU_MEMORY_MOST * 1048576ull - RESULTS_BASE,
    .cpu_models = cpu_models,
    .pmu_models = no_pmu_models,
    .boot = boot_vm,
};
