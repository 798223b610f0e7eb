/* SPDX-License-Identifier: MIT */
/*
 * The self-test image's image_main(): every test in turn, with VMX operation on before and off
 * after it, and no page lost. The module named "plan" says "all", or the name of one test, or
 * "broadcast": then the CPUs are started as on a machine whose loader passes no ACPI tables, and
 * the test is whether they are themselves.
 */
#include "step.h"
#include "target.h"

#include "../../boot/apic.h"
#include "../../boot/console.h"
#include "../../boot/finish.h"
#include "../../boot/image.h"
#include "../../boot/memory.h"
#include "../../boot/string.h"
#include "../../platform.h"

#include <string.h>

/* image.lds */
extern char image_start[], image_end[];

static struct vmx_cpu vmx[PLATFORM_CPUS_MAX];
static const char *refusals[PLATFORM_CPUS_MAX]; /* of vmx_enable() */
static uint32_t cpus = 1;
static const char *running = "none";
static bool has_failed;

struct vmx_cpu *target_vmx(uint32_t cpu)
{
    return &vmx[cpu];
}

uint32_t target_cpus(void)
{
    return cpus;
}

void target_failed(const char *file, int line, const char *why)
{
    has_failed = true;
    platform_log("failed %s: %s:%u: %s\n", running, file, (unsigned)line, why);
}

/* The machine is about to be switched off, and the tests after this one do not run. */
void image_failed(const char *reason)
{
    step_failed(reason);
    platform_log("failed %s: %s:%u: %s\n", running, __FILE__, (unsigned)__LINE__, reason);
}

void image_deliver(void)
{
}

static void enable(void *unused)
{
    uint32_t cpu = platform_cpu_number();
    (void)unused;
    refusals[cpu] = vmx_enable(&vmx[cpu]);
}

static void disable(void *unused)
{
    (void)unused;
    vmx_disable(&vmx[platform_cpu_number()]);
}

/* The first refusal of a CPU, or NULL. */
static const char *everywhere(smp_function *function)
{
    const char *refusal = NULL;

    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        smp_call(cpu, function, NULL);
        smp_wait(cpu);
        if (!refusal)
            refusal = refusals[cpu];
    }
    return refusal;
}

static char word[64]; /* the plan's */

static void read_plan(const struct boot_module *plan)
{
    size_t size = plan ? plan->range.end - plan->range.start : 0;

    if (size && size < sizeof(word))
        memcpy(word, platform_at(plan->range.start), size);
}

static bool is_planned(const char *name)
{
    if (string_equal(word, "broadcast"))
        return string_equal(name, "cpus_are_themselves");
    return string_equal(word, name) || string_equal(word, "all");
}

static void run(const char *name, uint32_t needed, void (*test)(void))
{
    size_t pages = memory_free_pages();

    if (!is_planned(name))
        return;
    if (needed > cpus) {
        platform_log("skipped %s: needs %u CPUs\n", name, needed);
        return;
    }
    running = name;
    has_failed = false;
    const char *refusal = everywhere(enable);
    if (refusal)
        target_failed(__FILE__, __LINE__, refusal);
    else
        test();
    everywhere(disable);
    if (!has_failed && memory_free_pages() != pages)
        target_failed(__FILE__, __LINE__, "pages were lost");
    if (!has_failed)
        platform_log("ok %s\n", name);
}

_Noreturn void image_main(const struct boot_information *information)
{
    static struct boot_information known;
    struct memory_range taken[2 + BOOT_MODULES_MAX] = {
        {(uint64_t)image_start, (uint64_t)image_end},
        information->self,
    };

    console_choose(true, false, false);
    for (size_t i = 0; i < information->module_count; i++)
        taken[2 + i] = information->modules[i].range;
    const char *wrong = memory_start(information, taken, 2 + information->module_count);
    if (wrong)
        boot_fail(wrong);
    known = *information;
    read_plan(boot_module(information, "plan"));
    if (string_equal(word, "broadcast"))
        known.rsdp = NULL;
    apic_use_x2apic();
    cpus = smp_start(&known, PLATFORM_CPUS_MAX);
    platform_log("cpus %u\n", cpus);
#define TARGET_TEST(needed, name) run(#name, needed, test_##name);
    TARGET_TESTS
#undef TARGET_TEST
    finish("done", "");
}
