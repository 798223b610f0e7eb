/* SPDX-License-Identifier: MIT */
/*
 * The guest-only image: takes plan and guests from the loader, runs the plan as the guest of
 * whatever has booted it, leaves results. Knows nothing of VT-x.
 */
#include "../../core/boot/apic.h"
#include "../../core/boot/console.h"
#include "../../core/boot/finish.h"
#include "../../core/boot/image.h"
#include "../../core/boot/memory.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "../image/deliver.h"
#include "../image/guest_memory.h"
#include "../image/machine.h"
#include "../image/plan_check.h"
#include "../image/region.h"
#include "../image/show.h"
#include "driver.h"
#include "watchdog.h"

#include <string.h>

/* image.lds */
extern char image_start[], image_end[];

static void require(const char *refusal)
{
    if (refusal)
        boot_fail(refusal);
}

static void describe(struct results_header *results)
{
    static const struct vmx_capability none;

    machine_describe(&results->machine, &none);
    memcpy(results->compiler, COMPILER, sizeof(COMPILER));
    platform_log("exitmeter: a guest of %s\n", *results->machine.hypervisor
                                                   ? results->machine.hypervisor
                                                   : "whoever does not say so in CPUID");
}

_Noreturn void image_main(const struct boot_information *information)
{
    const struct boot_module *plan_module = boot_module(information, "plan");
    const struct boot_module *guests = boot_module(information, "guests");
    if (!plan_module || !guests)
        boot_fail("the loader passed no module named \"plan\" or none named \"guests\"");
    const struct plan_header *plan = platform_at(plan_module->range.start);
    require(plan_check(plan, plan_module->range.end - plan_module->range.start));
    const struct boot_module *notes = boot_module(information, "notes");
    console_choose(plan->flags & PLAN_CONSOLE_PARALLEL, plan->flags & PLAN_CONSOLE_SERIAL,
                   plan->flags & PLAN_CONSOLE_SCREEN);
    finish_with_magic_break(plan->flags & PLAN_MAGIC_BREAK);
    finish_with_halt(plan->flags & PLAN_HALT);
    finish_with_debug_exit(plan->flags & PLAN_DEBUG_EXIT);
    deliver_prepare(plan, notes);
    if (plan->flags & PLAN_MACHINE)
        boot_fail("plan: a guest that has the machine takes the image with the core");

    const struct memory_range image = {(uint64_t)image_start, (uint64_t)image_end};
    struct memory_range taken[] = {
        image,
        information->self,
        plan_module->range,
        guests->range,
        notes ? notes->range : (struct memory_range){0},
        {0}, /* the results */
    };
    const size_t count = sizeof(taken) / sizeof(taken[0]);
    require(region_claim(information, plan, taken, count - 1));
    require(memory_start(information, taken, count));

    show_start(plan, region_results());
    const void *blob = platform_at(guests->range.start);
    require(blob_check(blob, guests->range.end - guests->range.start));
    struct space space;
    require(space_make(&space, information, image));
    describe(region_results());
    struct direct direct = {
        .plan = plan,
        .blob = blob,
        .results = region_results(),
        .space = &space,
        .begins = show_job,
        .so_far = deliver_so_far,
    };
    const char *no_watchdog = watchdog_start(apic_id());
    if (no_watchdog)
        platform_log("no watchdog: %s\n", no_watchdog);
    direct_run(&direct);
    region_conclude(RESULT_DONE, "");
    finish("done", "");
}
