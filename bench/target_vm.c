/* SPDX-License-Identifier: MIT */
/*
 * Target vm: the guest-only image under QEMU, with KVM or, where that is not to be had, TCG. It
 * shows under one monitor what the image does under any.
 */
#include "../guests/plan.h"
#include "experiment.h"
#include "places.h"
#include "qemu.h"
#include "requirement.h"

static const char *const cpu_models[] = {"max", "host", "qemu64", "EPYC", "Haswell", NULL};
static const char *const no_pmu_models[] = {NULL, NULL, NULL, NULL, NULL};

const struct target target_vm = {
    .name = "vm",
    .description = "the guests straight as the guest of QEMU with KVM, else TCG: real cycles",
    .unit = "TSC cycles",
    .plan_flags = PLAN_DEBUG_EXIT | PLAN_CONSOLE_PARALLEL,
    .needs = NEEDED_FOR_QEMU | NEEDED_FOR_KVM,
    .needs_emulated = NEEDED_FOR_QEMU,
    .emulates = true,
    .image = PLACE_GUEST_IMAGE,
    .policy = MONITOR_POLICY,
    .results_most = QEMU_MEMORY_MOST * 1048576ull - RESULTS_BASE,
    .cpu_models = cpu_models,
    .pmu_models = no_pmu_models,
    .boot = qemu_boot,
};
