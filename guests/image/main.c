/* SPDX-License-Identifier: MIT */
/* The image that measures: takes plan and guests from the loader, runs the plan, leaves results. */
#include "../../core/boot/apic.h"
#include "../../core/boot/console.h"
#include "../../core/boot/cpu.h"
#include "../../core/boot/finish.h"
#include "../../core/boot/image.h"
#include "../../core/boot/memory.h"
#include "../../core/boot/smp.h"
#include "../../core/boot/timer.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "deliver.h"
#include "driver.h"
#include "machine_guest.h"
#include "plan_check.h"
#include "region.h"
#include "show.h"

#include <string.h>

/* image.lds */
extern char image_start[], image_end[];

static void require(const char *refusal)
{
    if (refusal)
        boot_fail(refusal);
}

/* Runs the plan's benchmarks. */
static const char *measure(struct driver *driver, const struct memory_range *guests)
{
    apic_use_x2apic();
    driver->blob = platform_at(guests->start);
    driver->blob_size = guests->end - guests->start;
    timer_every(driver->plan->host_timer);
    size_t pages = memory_free_pages();
    const char *wrong = driver_run(driver);
    if (!wrong && memory_free_pages() != pages)
        return "the core has lost pages of its memory";
    return wrong;
}

/* A copy in the core's own memory; empty if range is. */
static struct memory_range keep(const struct memory_range *range)
{
    uint64_t bytes = range->end - range->start;
    void *copy = platform_pages_allocate(bytes / PAGE_SIZE + 1, PAGE_SIZE);

    if (!copy)
        boot_fail("plan: the core's memory has no room for the guest's image and initial RAM disk");
    memcpy(copy, platform_at(range->start), bytes);
    return (struct memory_range){(uint64_t)copy, (uint64_t)copy + bytes};
}

/* The user's guest. Once it is loaded, the loader's modules may be gone: what is wanted is kept. */
static const char *give_machine(struct driver *driver, const struct boot_information *information,
                                const struct memory_range *plan, const struct memory_range *core)
{
    const struct boot_module *image = boot_module(information, "image");
    const struct boot_module *initrd = boot_module(information, "initrd");
    const struct memory_range none = {0};

    if (!image)
        boot_fail("the loader passed no module named \"image\"");
    struct machine_guest guest = {
        .driver = driver,
        .information = information,
        .core = *core,
        .image = keep(&image->range),
        .initrd = keep(initrd ? &initrd->range : &none),
        .apic_id = cpu_this()->apic_id,
        .release = cpu_restore_lines,
    };
    driver->plan = platform_at(keep(plan).start);
    return machine_guest_run(&guest);
}

static bool meets_module(const struct boot_information *information, struct memory_range range)
{
    for (size_t i = 0; i < information->module_count; i++)
        if (information->modules[i].range.start < range.end &&
            range.start < information->modules[i].range.end)
            return true;
    return information->self.start < range.end && range.start < information->self.end;
}

/* The core's pages: any for benchmarks; else what the plan gives it, behind the results. */
static const char *take_pages(const struct boot_information *information,
                              const struct plan_header *plan, struct memory_range core,
                              const struct memory_range *taken, size_t count)
{
    if (!(plan->flags & PLAN_MACHINE))
        return memory_start(information, taken, count);
    if (!memory_is_usable(information, core) || meets_module(information, core))
        return "plan: the core's memory is not RAM on this machine, or overlaps a module";
    memory_start_in((struct memory_range){plan->results_base + plan->results_size, core.end});
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
    const struct boot_module *notes = boot_module(information, "notes");
    const bool machine = plan->flags & PLAN_MACHINE;
    console_choose(plan->flags & PLAN_CONSOLE_PARALLEL, plan->flags & PLAN_CONSOLE_SERIAL,
                   plan->flags & PLAN_CONSOLE_SCREEN);
    finish_with_magic_break(plan->flags & PLAN_MAGIC_BREAK);
    finish_with_debug_exit(plan->flags & PLAN_DEBUG_EXIT);
    finish_with_halt(plan->flags & PLAN_HALT);
    deliver_prepare(plan, notes);

    struct memory_range taken[] = {
        {(uint64_t)image_start, (uint64_t)image_end},
        information->self,
        plan_module->range,
        guests->range,
        notes ? notes->range : (struct memory_range){0},
        {0}, /* the results */
    };
    const size_t count = sizeof(taken) / sizeof(taken[0]);
    const struct memory_range core = {(uint64_t)image_start,
                                      machine ? plan_machine(plan)->core_end : 0};
    require(region_claim(information, plan, taken, count - 1));
    require(take_pages(information, plan, core, taken, count));

    const char *absent = vmx_absent();
    if (absent) {
        region_conclude(RESULT_SKIPPED, absent);
        finish_unavailable(absent, "what to do: turn VT-x on in the firmware's setup; in a virtual "
                                   "machine, turn nesting on (kvm_intel nested=1, -cpu host)");
    }
    show_start(plan, region_results());
    struct vmx_cpu vmx = {0};
    require(vmx_enable(&vmx));
    struct driver driver = {
        .plan = plan,
        .vmx = &vmx,
        .probes = cpu_probes(),
        .results = region_results(),
        .begins = show_job,
        .cpus = plan->cpus > 1 ? smp_start(information, plan->cpus) : 1,
    };
    const char *wrong = machine ? give_machine(&driver, information, &plan_module->range, &core)
                                : measure(&driver, &guests->range);
    vmx_disable(&vmx);
    if (wrong)
        boot_fail(wrong);
    region_conclude(RESULT_DONE, "");
    finish("done", "");
}
