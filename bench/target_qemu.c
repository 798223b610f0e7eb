/* SPDX-License-Identifier: MIT */
/*
 * Target qemu: the image with the core under QEMU and KVM, which gives it VT-x by nesting. What is
 * measured is an exit to our core in a machine whose every exit goes by KVM first.
 */
#include "../guests/plan.h"
#include "experiment.h"
#include "places.h"
#include "qemu.h"
#include "requirement.h"

static const char *const cpu_models[] = {"max", "host", NULL};
static const char *const no_pmu_models[] = {NULL, NULL};

const struct target target_qemu = {
    .name = "qemu",
    .description = "our image on QEMU with KVM and nested VT-x: real cycles of a nested guest",
    .unit = "TSC cycles",
    .plan_flags = PLAN_DEBUG_EXIT | PLAN_CONSOLE_PARALLEL,
    .needs = NEEDED_FOR_QEMU | NEEDED_FOR_NESTING,
    .needs_emulated = NEEDED_FOR_QEMU,
    .image = PLACE_IMAGE,
    .nested = true,
    .benchmarks_alone = true,
    .results_most = QEMU_MEMORY_MOST * 1048576ull - RESULTS_BASE,
    .cpu_models = cpu_models,
    .pmu_models = no_pmu_models,
    .boot = qemu_boot,
};
