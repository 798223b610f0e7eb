/* SPDX-License-Identifier: MIT */
/*
 * Target native: our image booted by a machine itself. It is made by `exitmeter iso`; what it sends
 * over its serial line becomes a run by `exitmeter import`.
 */
#include "../guests/plan.h"
#include "places.h"
#include "target.h"

#include <stddef.h>

#define GIBIBYTE (1ull << 30)

static const char *const cpu_models[] = {"physical", NULL};
static const char *const pmu_models[] = {NULL};

const struct target target_native = {
    .name = "native",
    .description = "our image, booted by a VT-x machine itself: real cycles",
    .unit = "TSC cycles",
    .plan_flags = PLAN_CONSOLE_SERIAL | PLAN_CONSOLE_SCREEN | PLAN_RESULTS_SERIAL,
    .image = PLACE_IMAGE,
    .benchmarks_alone = true,
    .results_most = 2 * GIBIBYTE,
    .time_limit = 1u << 16, /* some 20 s: a WBINVD takes a million cycles and more */
    .cpu_models = cpu_models,
    .pmu_models = pmu_models,
    .elsewhere = "`exitmeter iso` makes an image that boots a VT-x machine from CD, USB or PXE; "
                 "`exitmeter import` makes a run of what it sends over its serial line",
};
