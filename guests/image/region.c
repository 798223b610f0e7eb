/* SPDX-License-Identifier: MIT */
#include "region.h"

#include "../../core/boot/image.h"
#include "../../core/boot/memory.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "deliver.h"

#include <string.h>

static struct results_header *results; /* NULL until claimed */

struct results_header *region_results(void)
{
    return results;
}

void region_conclude(enum result_status status, const char *reason)
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
        region_conclude(RESULT_FAILED, reason);
}

void image_deliver(void)
{
    deliver();
}

/* The machine was started anew in the middle of the plan, with its memory as it was. */
static bool goes_on(const struct plan_header *plan)
{
    return results->magic == RESULTS_MAGIC && results->version == RESULTS_VERSION &&
           results->job_count == plan->job_count && results->status == RESULT_NOT_RUN &&
           results->begun <= plan->job_count;
}

const char *region_claim(const struct boot_information *information, const struct plan_header *plan,
                         struct memory_range *taken, size_t taken_count)
{
    struct memory_range wanted = {plan->results_base, plan->results_base + plan->results_size};

    if (!plan->results_base)
        wanted = memory_find(information, plan->results_size, taken, taken_count);
    if (wanted.start >= wanted.end)
        return "plan: this machine has no room for the results below 4 GiB; choose fewer jobs";
    if (!memory_is_usable(information, wanted))
        return "plan: the results region is not RAM on this machine";
    for (size_t i = 0; i < taken_count; i++)
        if (wanted.start < taken[i].end && taken[i].start < wanted.end)
            return "plan: the results region overlaps the image or a module";
    taken[taken_count] = wanted;
    results = platform_at(wanted.start);
    if (plan->flags & PLAN_RESUME && goes_on(plan)) {
        deliver_with(results);
        return NULL;
    }
    memset(results, 0, plan->results_size);
    results->magic = RESULTS_MAGIC;
    results->version = RESULTS_VERSION;
    results->job_count = plan->job_count;
    results->tsc_start = x86_rdtsc();
    for (size_t i = 0; i < information->usable_count; i++)
        results->machine.memory_bytes += information->usable[i].end - information->usable[i].start;
    deliver_with(results);
    return NULL;
}
