/* SPDX-License-Identifier: MIT */
#include "experiment.h"
#include "guest.h"
#include "text.h"

#include <string.h>

#define MEBIBYTE     1048576ull
#define PAGE         4096ull
#define CORE_PAGES   (12 * MEBIBYTE)  /* EPT, records, the vCPU, and what loading takes */
#define GUEST_MEMORY (256 * MEBIBYTE) /* that is left beside the core and what is loaded */
#define RESULT_AT    RESULTS_HEADER_ROOM
#define POLL         (1u << 22) /* ticks: a few hundredths of a second on Bochs */

static uint64_t pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

struct guest_layout guest_layout(const struct guest_wish *wish)
{
    /* The core keeps a copy of both files, as the loader's may lie where the guest's memory is. */
    uint64_t files = pages(wish->image_bytes.size + 1) + pages(wish->initrd_bytes.size + 1);
    struct guest_layout layout = {
        .results_size = pages(RESULT_AT + sizeof(struct machine_result)),
        .request = RESULTS_BASE + RESULT_AT + offsetof(struct machine_result, request),
    };

    layout.core_end = (RESULTS_BASE + layout.results_size + CORE_PAGES + files + MEBIBYTE - 1) /
                      MEBIBYTE * MEBIBYTE;
    layout.memory = layout.core_end + 2 * files + GUEST_MEMORY;
    return layout;
}

void *guest_plan(const struct guest_wish *wish, const struct guest_layout *layout,
                 const struct policy *policy, uint32_t flags, size_t *size)
{
    struct {
        struct plan_header header;
        struct plan_policy policy;
        struct plan_machine machine;
    } *plan = zeroed(1, sizeof(*plan));

    *size = sizeof(*plan);
    plan->header = (struct plan_header){
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .flags = flags | PLAN_MACHINE,
        .size = sizeof(*plan),
        .results_base = RESULTS_BASE,
        .results_size = layout->results_size,
        .policy_count = 1,
        .cpus = 1,
    };
    plan->policy = policy->plan;
    plan->machine.start = wish->start;
    plan->machine.poll = POLL;
    plan->machine.flat_address = wish->address;
    plan->machine.core_end = layout->core_end;
    plan->machine.result_offset = RESULT_AT;
    if (wish->command_line) /* its length has been checked */
        strcpy(plan->machine.command_line, wish->command_line);
    return plan;
}
