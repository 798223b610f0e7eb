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
#include "../image/guest_memory.h"
#include "../image/machine.h"
#include "../image/plan_check.h"
#include "driver.h"
#include "watchdog.h"

#include <string.h>

/* image.lds */
extern char image_start[], image_end[];

static struct results_header *results; /* NULL until claimed */

static void require(const char *refusal)
{
    if (refusal)
        boot_fail(refusal);
}

static void conclude(enum result_status status, const char *reason)
{
    size_t length = strlen(reason);

    if (length >= sizeof(results->reason))
        length = sizeof(results->reason) - 1;
    memcpy(results->reason, reason, length);
    results->tsc_end = x86_rdtsc();
    results->status = status;
}

void image_failed(const char *reason)
{
    if (results)
        conclude(RESULT_FAILED, reason);
}

static const char *claim_results(const struct boot_information *information,
                                 const struct plan_header *plan, const struct memory_range *taken,
                                 size_t taken_count)
{
    struct memory_range wanted = {plan->results_base, plan->results_base + plan->results_size};

    if (!memory_is_usable(information, wanted))
        return "plan: the results region is not RAM on this machine";
    for (size_t i = 0; i < taken_count; i++)
        if (wanted.start < taken[i].end && taken[i].start < wanted.end)
            return "plan: the results region overlaps the image or a module";
    results = platform_at(plan->results_base);
    memset(results, 0, plan->results_size);
    results->magic = RESULTS_MAGIC;
    results->version = RESULTS_VERSION;
    results->job_count = plan->job_count;
    results->tsc_start = x86_rdtsc();
    for (size_t i = 0; i < information->usable_count; i++)
        results->machine.memory_bytes += information->usable[i].end - information->usable[i].start;
    return NULL;
}

static void describe(void)
{
    static const struct vmx_capability none;

    machine_describe(&results->machine, &none);
    memcpy(results->compiler, COMPILER, sizeof(COMPILER));
    platform_log("exitmeter: a guest of %s\n",
                 *results->machine.hypervisor ? results->machine.hypervisor
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
    console_choose(plan->flags & PLAN_CONSOLE_PARALLEL, plan->flags & PLAN_CONSOLE_SERIAL);
    finish_with_magic_break(plan->flags & PLAN_MAGIC_BREAK);
    finish_with_debug_exit(plan->flags & PLAN_DEBUG_EXIT);
    if (plan->flags & PLAN_MACHINE)
        boot_fail("plan: a guest that has the machine takes the image with the core");

    const struct memory_range image = {(uint64_t)image_start, (uint64_t)image_end};
    const struct memory_range taken[] = {
        image,
        information->self,
        plan_module->range,
        guests->range,
        {plan->results_base, plan->results_base + plan->results_size},
    };
    const size_t count = sizeof(taken) / sizeof(taken[0]);
    require(claim_results(information, plan, taken, count - 1));
    require(memory_start(information, taken, count));

    const void *blob = platform_at(guests->range.start);
    require(blob_check(blob, guests->range.end - guests->range.start));
    struct space space;
    require(space_make(&space, information, image));
    describe();
    struct direct direct = {
        .plan = plan,
        .blob = blob,
        .results = results,
        .space = &space,
        .watchdog_absent = watchdog_start(apic_id()),
    };
    if (direct.watchdog_absent)
        platform_log("no watchdog: %s\n", direct.watchdog_absent);
    direct_run(&direct);
    conclude(RESULT_DONE, "");
    finish("done", "");
}
