/* SPDX-License-Identifier: MIT */
/*
 * The torture image: random guests, one after the other, none of which may crash the core or change
 * what is not its own. The module named "plan" is three numbers in decimal: the seed, the first
 * guest's number, and how many guests. A line on the console for each outcome, and
 *
 *     failed guest NUMBER: why
 *
 * for each that went wrong; that guest alone can be run again by its number.
 */
#include "guard.h"
#include "guest.h"

#include "../../boot/apic.h"
#include "../../boot/console.h"
#include "../../boot/finish.h"
#include "../../boot/image.h"
#include "../../boot/memory.h"
#include "../../boot/smp.h"
#include "../../vmx/event.h"
#include "../../vmx/vmxon.h"
#include "../../x86/control_registers.h"
#include "../../x86/instructions.h"

#define POLICY_EVERY  16u  /* guests under one policy: it costs more than they do */
#define EVERY         256u /* guests between two looks at what is dear to look at */
#define MEMORY_EVERY  65536u
#define FAILURES_MOST 20u

/* image.lds */
extern char image_start[], image_end[];

static struct {
    uint64_t seed, first, count;
} plan;
static uint64_t number; /* of the guest that runs */
static uint32_t failures;
static uint64_t outcomes[STOP_CAUSES], kinds[PROGRAM_KINDS], with_state;

/* These would be the core's fault, whatever the guest. */
static const bool is_failure[STOP_CAUSES] = {
    [STOP_NONE] = true,         [STOP_ENTRY_INVALID] = true,   [STOP_ENTRY_VALID] = true,
    [STOP_VMCS_REFUSED] = true, [STOP_BOUND_ELSEWHERE] = true, [STOP_CPU_REFUSED] = true,
    [STOP_KICKED] = true,       [STOP_LOG_FULL] = true,        [STOP_MACHINE_CHECK] = true,
};

/* While guests run the core would say much: random guests meet every refusal there is. */
static void speak(bool aloud)
{
    console_choose(aloud, false, false);
}

static void failed(const char *why)
{
    failures++;
    speak(true);
    platform_log("failed guest %llu: %s\n", (unsigned long long)number, why);
    speak(false);
}

void image_failed(const char *reason)
{
    failed(reason);
}

/* There is nothing but the console. */
void image_deliver(void)
{
}

/* NULL, or what is wrong with the text. */
static const char *read_plan(const struct boot_module *module)
{
    uint64_t *const numbers[] = {&plan.seed, &plan.first, &plan.count};
    const char *at = module ? platform_at(module->range.start) : NULL;
    const char *end = module ? platform_at(module->range.end) : NULL;

    for (unsigned i = 0; i < 3; i++) {
        const char *start;
        while (at < end && *at == ' ')
            at++;
        for (start = at; at < end && *at >= '0' && *at <= '9'; at++)
            *numbers[i] = *numbers[i] * 10 + (uint64_t)(*at - '0');
        if (at == start)
            return "the plan is not three numbers: seed, first guest, guests";
    }
    return NULL;
}

/*
 * Bochs 2.7 claims an error code for exceptions that exit in real mode, where an exit must not (SDM
 * Vol. 3C 28.2.2) and a VM entry has none. Reflected as it came, the entry is refused and the guest
 * stopped by name, as any refused entry is: no harm, and not for hardware's exit path to pay for.
 */
static bool is_bochs_error_code(const struct vcpu_stop *stop)
{
    uint64_t told = x86_vmread(VMCS_EXIT_INTERRUPTION_INFO) | x86_vmread(VMCS_IDT_VECTORING_INFO);

    return stop->cause == STOP_ENTRY_VALID && stop->value == 7 && told & EVENT_DELIVER_ERROR_CODE &&
           x86_vmread(VMCS_ENTRY_INTERRUPTION_INFO) & EVENT_DELIVER_ERROR_CODE &&
           !(x86_vmread(VMCS_GUEST_CR0) & CR0_PE);
}

static void one(struct torture *torture)
{
    struct random random = random_of(plan.seed, number);
    struct random policy = random_of(~plan.seed, number / POLICY_EVERY);
    struct guest_kind kind;

    if ((number % POLICY_EVERY == 0 || number == plan.first) && !torture_policy(torture, &policy)) {
        failed(stop_cause_name(torture->vcpu->stop.cause));
        return;
    }
    const struct vcpu_stop *stop = torture_run(torture, &random, &kind);
    const char *wrong = guard_registers();

    kinds[kind.program]++;
    with_state += kind.state;
    if (wrong)
        failed(wrong);
    if ((unsigned)stop->cause >= STOP_CAUSES ||
        (is_failure[stop->cause] && !is_bochs_error_code(stop))) {
        failed(stop_cause_name(stop->cause));
        speak(true);
        platform_log("  %s in mode %d, %s guest state: value 0x%llx %s\n",
                     program_kind_name(kind.program), (int)kind.mode,
                     kind.state ? "random" : "plain", (unsigned long long)stop->value,
                     stop->text ? stop->text : "");
        speak(false);
    } else
        outcomes[stop->cause]++;
    wrong = torture_escaped(torture);
    if (wrong)
        failed(wrong);
}

/* The host takes the CPU back, and looks around. */
static void look(struct torture *torture, bool at_memory)
{
    if (!vcpu_unbind(torture->vcpu))
        failed("the vCPU cannot be unbound");
    resident_to_host();
    const char *wrong = guard_resident();
    if (!wrong && at_memory)
        wrong = guard_memory();
    if (wrong)
        failed(wrong);
}

static void run_all(struct torture *torture)
{
    const uint64_t last = plan.first + plan.count - 1;

    /* A look leaves no VMCS current: a policy is to follow. */
    _Static_assert(EVERY % POLICY_EVERY == 0 && MEMORY_EVERY % EVERY == 0, "at the same guests");
    for (; number <= last && failures < FAILURES_MOST; number++) {
        one(torture);
        if ((number + 1) % EVERY == 0 || number == last)
            look(torture, (number + 1) % MEMORY_EVERY == 0 || number == last);
    }
}

static void report(void)
{
    uint64_t done = 0;

    speak(true);
    for (unsigned i = 0; i < STOP_CAUSES; i++) {
        done += outcomes[i];
        if (outcomes[i])
            platform_log("outcome %llu %s\n", (unsigned long long)outcomes[i],
                         stop_cause_name((enum stop_cause)i));
    }
    for (unsigned i = 0; i < PROGRAM_KINDS; i++)
        platform_log("program %llu %s\n", (unsigned long long)kinds[i],
                     program_kind_name((enum program_kind)i));
    platform_log("state %llu with random guest state\n", (unsigned long long)with_state);
    platform_log("exits %llu counted by the probes\n", (unsigned long long)torture_exits);
    platform_log("guests %llu failures %u\n", (unsigned long long)done, failures);
}

static void require(const char *refusal)
{
    if (refusal)
        boot_fail(refusal);
}

_Noreturn void image_main(const struct boot_information *information)
{
    struct memory_range taken[2 + BOOT_MODULES_MAX] = {
        {(uint64_t)image_start, (uint64_t)image_end},
        information->self,
    };
    struct vmx_cpu vmx = {0};
    struct torture torture;

    speak(true);
    for (size_t i = 0; i < information->module_count; i++)
        taken[2 + i] = information->modules[i].range;
    require(memory_start(information, taken, 2 + information->module_count));
    require(read_plan(boot_module(information, "plan")));
    apic_use_x2apic();
    require(vmx_enable(&vmx));
    require(torture_create(&torture, &vmx.capability));
    require(guard_begin());
    number = plan.first;
    speak(false);
    run_all(&torture);
    report();
    vcpu_destroy(torture.vcpu);
    ept_destroy(&torture.ept);
    vmx_disable(&vmx);
    finish("done", "");
}
