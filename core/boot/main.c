/* SPDX-License-Identifier: MIT */
#include "main.h"

#include "../../guests/image/driver.h"
#include "../../guests/image/plan_check.h"
#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "console.h"
#include "exception.h"
#include "memory.h"
#include "multiboot2.h"
#include "power.h"
#include "string.h"

/* image.lds */
extern char image_start[], image_end[];

static struct probe_cpu probe_cpu; /* GS points here */
static struct results_header *results;
static bool magic_break;

static _Noreturn void finish(enum result_status status, const char *reason)
{
    if (results) {
        results->tsc_end = x86_rdtsc();
        string_copy(results->reason, sizeof(results->reason), reason);
        results->status = status;
    }
    platform_log("exitmeter: %s%s%s\n", status == RESULT_DONE ? "done" : "failed",
                 *reason ? ": " : "", reason);
    if (magic_break)
        power_magic_break();
    power_off();
}

_Noreturn void boot_fail(const char *reason)
{
    finish(RESULT_FAILED, reason);
}

static void require(const char *refusal)
{
    if (refusal)
        boot_fail(refusal);
}

uint32_t platform_cpu_number(void)
{
    return 0;
}

/* The legacy interrupt controllers: every line masked. Nothing here takes an interrupt. */
static void mask_interrupts(void)
{
    x86_out8(0x21, 0xff);
    x86_out8(0xa1, 0xff);
}

/* Passing the x2APIC through needs the real one to be in that mode. */
static void start_x2apic(void)
{
    if (x86_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC)
        x86_wrmsr(IA32_APIC_BASE, x86_rdmsr(IA32_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
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
    return NULL;
}

_Noreturn void boot_main(uint64_t address)
{
    static struct boot_information information;
    struct vmx_cpu vmx;

    console_start();
    exception_start(&probe_cpu);
    mask_interrupts();
    const char *wrong = boot_information_read(address, &information);
    require(wrong);

    const struct boot_module *plan_module = boot_module(&information, "plan");
    const struct boot_module *guests = boot_module(&information, "guests");
    if (!plan_module || !guests)
        boot_fail("the loader passed no module named \"plan\" or none named \"guests\"");
    const struct plan_header *plan = platform_at(plan_module->range.start);
    require(plan_check(plan, plan_module->range.end - plan_module->range.start));
    console_choose(plan->flags & PLAN_CONSOLE_PARALLEL, plan->flags & PLAN_CONSOLE_SERIAL);
    magic_break = plan->flags & PLAN_MAGIC_BREAK;

    struct memory_range taken[] = {
        {(uint64_t)image_start, (uint64_t)image_end},
        information.self,
        plan_module->range,
        guests->range,
        {plan->results_base, plan->results_base + plan->results_size},
    };
    const size_t others = sizeof(taken) / sizeof(taken[0]) - 1;
    require(claim_results(&information, plan, taken, others));
    require(memory_start(&information, taken, others + 1));

    start_x2apic();
    require(vmx_enable(&vmx));
    struct driver driver = {
        .plan = plan,
        .blob = platform_at(guests->range.start),
        .blob_size = guests->range.end - guests->range.start,
        .vmx = &vmx,
        .probes = &probe_cpu,
        .results = results,
    };
    for (size_t i = 0; i < information.usable_count; i++)
        results->machine.memory_bytes += information.usable[i].end - information.usable[i].start;
    wrong = driver_run(&driver);
    vmx_disable(&vmx);
    finish(wrong ? RESULT_FAILED : RESULT_DONE, wrong ? wrong : "");
}
