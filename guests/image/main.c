/* SPDX-License-Identifier: MIT */
/* The image that measures: takes plan and guests from the loader, runs the plan, leaves results. */
#include "../../core/boot/console.h"
#include "../../core/boot/cpu.h"
#include "../../core/boot/finish.h"
#include "../../core/boot/image.h"
#include "../../core/boot/memory.h"
#include "../../core/boot/smp.h"
#include "../../core/boot/timer.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "driver.h"
#include "plan_check.h"

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

/* The results region lies where the plan says, if that is RAM of which nobody has a part. */
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

    const struct memory_range taken[] = {
        {(uint64_t)image_start, (uint64_t)image_end},
        information->self,
        plan_module->range,
        guests->range,
        {plan->results_base, plan->results_base + plan->results_size},
    };
    const size_t count = sizeof(taken) / sizeof(taken[0]);
    require(claim_results(information, plan, taken, count - 1));
    require(memory_start(information, taken, count));

    struct vmx_cpu vmx = {0};
    require(vmx_enable(&vmx));
    struct driver driver = {
        .plan = plan,
        .blob = platform_at(guests->range.start),
        .blob_size = guests->range.end - guests->range.start,
        .vmx = &vmx,
        .probes = cpu_probes(),
        .results = results,
        .cpus = plan->cpus > 1 ? smp_start(information, plan->cpus) : 1,
    };
    timer_every(plan->host_timer);
    const char *wrong = driver_run(&driver);
    vmx_disable(&vmx);
    if (wrong)
        boot_fail(wrong);
    conclude(RESULT_DONE, "");
    finish("done", "");
}
