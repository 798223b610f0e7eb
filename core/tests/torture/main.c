/* SPDX-License-Identifier: MIT */
/*
 * The torture image: random guests, one after the other, none of which may crash the core or change
 * what is not its own. The module named "plan" is three numbers in decimal: the seed, the first
 * guest's number, and how many guests; and a fourth, 1, for what makes no guest what its number
 * says alone: policies with an APIC-access page, random guests on a second CPU meanwhile, and a
 * third CPU that sends NMIs to both. A line on the console for each outcome, and
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
#define LANES         2u
#define CPUS          3u
#define NMI_EVERY     3000u /* rounds of two instructions, at most, between two NMIs */

/* image.lds */
extern char image_start[], image_end[];

static struct {
    uint64_t seed, first, count, beyond;
} plan;

/* A CPU that runs guests. */
static struct lane {
    struct torture torture;
    uint64_t seed;
    uint64_t number; /* of the guest that runs */
    uint64_t outcomes[STOP_CAUSES], kinds[PROGRAM_KINDS], with_state;
} lanes[LANES];

static uint32_t failures;
static struct vmx_cpu vmx[LANES];
static const char *refusal_beside; /* of the second CPU's VMX operation */
static bool is_over;               /* the first CPU's guests have run */
static uint64_t nmis_sent;

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

static void failed(const struct lane *lane, const char *why)
{
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    speak(true);
    platform_log("failed guest %llu%s: %s\n", (unsigned long long)lane->number,
                 lane == lanes ? "" : " on the second CPU", why);
    speak(false);
}

void image_failed(const char *reason)
{
    failed(&lanes[platform_cpu_number() == 1], reason);
}

/* There is nothing but the console. */
void image_deliver(void)
{
}

/* NULL, or what is wrong with the text. */
static const char *read_plan(const struct boot_module *module)
{
    uint64_t *const numbers[] = {&plan.seed, &plan.first, &plan.count, &plan.beyond};
    const char *at = module ? platform_at(module->range.start) : NULL;
    const char *end = module ? platform_at(module->range.end) : NULL;

    for (unsigned i = 0; i < 4; i++) {
        const char *start;
        while (at < end && *at == ' ')
            at++;
        for (start = at; at < end && *at >= '0' && *at <= '9'; at++)
            *numbers[i] = *numbers[i] * 10 + (uint64_t)(*at - '0');
        if (at == start && i < 3)
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

static void one(struct lane *lane)
{
    struct torture *torture = &lane->torture;
    struct random random = random_of(lane->seed, lane->number);
    struct random policy = random_of(~lane->seed, lane->number / POLICY_EVERY);
    struct guest_kind kind;

    if ((lane->number % POLICY_EVERY == 0 || lane->number == plan.first) &&
        !torture_policy(torture, &policy)) {
        failed(lane, stop_cause_name(torture->vcpu->stop.cause));
        return;
    }
    const struct vcpu_stop *stop = torture_run(torture, &random, &kind);
    /* What was noted is the first CPU's. */
    const char *wrong = lane == lanes ? guard_registers() : NULL;

    lane->kinds[kind.program]++;
    lane->with_state += kind.state;
    if (wrong)
        failed(lane, wrong);
    if ((unsigned)stop->cause >= STOP_CAUSES ||
        (is_failure[stop->cause] && !is_bochs_error_code(stop))) {
        failed(lane, stop_cause_name(stop->cause));
        speak(true);
        platform_log("  %s in mode %d, %s guest state: value 0x%llx %s\n",
                     program_kind_name(kind.program), (int)kind.mode,
                     kind.state ? "random" : "plain", (unsigned long long)stop->value,
                     stop->text ? stop->text : "");
        speak(false);
    } else
        lane->outcomes[stop->cause]++;
    wrong = torture_escaped(torture);
    if (wrong)
        failed(lane, wrong);
}

/* The host takes the CPU back, and looks around. */
static void look(struct lane *lane, bool at_memory)
{
    if (!vcpu_unbind(lane->torture.vcpu))
        failed(lane, "the vCPU cannot be unbound");
    resident_to_host();
    const char *wrong = lane == lanes ? guard_resident() : NULL;
    if (!wrong && at_memory)
        wrong = guard_memory();
    if (wrong)
        failed(lane, wrong);
}

/* On the second CPU, until the first has done its own. */
static void run_beside(void *argument)
{
    struct lane *lane = argument;

    refusal_beside = vmx_enable(&vmx[1]);
    if (refusal_beside)
        return;
    for (; !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE) && failures < FAILURES_MOST;
         lane->number++) {
        one(lane);
        if ((lane->number + 1) % EVERY == 0)
            look(lane, false);
    }
    look(lane, false);
    vmx_disable(&vmx[1]);
}

/* On the third. */
static void send_nmis(void *argument)
{
    struct random random = random_of(plan.seed, plan.first);
    const uint32_t *apic_ids = argument;

    for (; !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE); nmis_sent++) {
        x86_spin(1 + random_below(&random, NMI_EVERY));
        apic_command(apic_ids[nmis_sent % LANES], APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    }
}

static void note_apic_id(void *into)
{
    *(uint32_t *)into = apic_id();
}

/* NULL, or why there is nobody beside. */
static const char *begin_beside(const struct boot_information *information)
{
    static uint32_t apic_ids[LANES];

    if (smp_start(information, CPUS) < CPUS)
        return "this machine has fewer CPUs than three";
    lanes[1].seed = plan.seed ^ UINT64_MAX >> 1;
    lanes[1].number = plan.first;
    lanes[0].torture.beyond = lanes[1].torture.beyond = true;
    for (uint32_t cpu = 0; cpu < LANES; cpu++) {
        smp_call(cpu, note_apic_id, &apic_ids[cpu]);
        smp_wait(cpu);
    }
    smp_call(1, run_beside, &lanes[1]);
    smp_call(2, send_nmis, apic_ids);
    return NULL;
}

static void end_beside(void)
{
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
    smp_wait(1);
    smp_wait(2);
}

static void run_all(struct lane *lane)
{
    const uint64_t last = plan.first + plan.count - 1;

    /* A look leaves no VMCS current: a policy is to follow. */
    _Static_assert(EVERY % POLICY_EVERY == 0 && MEMORY_EVERY % EVERY == 0, "at the same guests");
    for (; lane->number <= last && failures < FAILURES_MOST; lane->number++) {
        one(lane);
        if ((lane->number + 1) % EVERY == 0 && lane->number != last)
            look(lane, (lane->number + 1) % MEMORY_EVERY == 0);
    }
}

static void report(void)
{
    const struct lane *lane = &lanes[0];
    uint64_t done = 0, beside = 0;

    speak(true);
    for (unsigned i = 0; i < STOP_CAUSES; i++) {
        done += lane->outcomes[i];
        beside += lanes[1].outcomes[i];
        if (lane->outcomes[i])
            platform_log("outcome %llu %s\n", (unsigned long long)lane->outcomes[i],
                         stop_cause_name((enum stop_cause)i));
    }
    for (unsigned i = 0; i < PROGRAM_KINDS; i++)
        platform_log("program %llu %s\n", (unsigned long long)lane->kinds[i],
                     program_kind_name((enum program_kind)i));
    platform_log("state %llu with random guest state\n", (unsigned long long)lane->with_state);
    platform_log("exits %llu counted by the probes\n", (unsigned long long)torture_exits);
    if (plan.beyond)
        platform_log("beside %llu random guests on the second CPU\n"
                     "nmis %llu sent; %u have come to the host on the first CPU\n",
                     (unsigned long long)beside, (unsigned long long)nmis_sent,
                     (unsigned)platform_nmi_count());
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
    speak(true);
    for (size_t i = 0; i < information->module_count; i++)
        taken[2 + i] = information->modules[i].range;
    require(memory_start(information, taken, 2 + information->module_count));
    require(read_plan(boot_module(information, "plan")));
    apic_use_x2apic();
    require(vmx_enable(&vmx[0]));
    for (unsigned i = 0; i < (plan.beyond ? LANES : 1); i++)
        require(torture_create(&lanes[i].torture, &vmx[0].capability));
    lanes[0].seed = plan.seed;
    lanes[0].number = plan.first;
    require(guard_begin());
    speak(false);
    if (plan.beyond)
        require(begin_beside(information));
    run_all(&lanes[0]);
    if (plan.beyond)
        end_beside();
    lanes[0].number--;
    look(&lanes[0], true);
    speak(true);
    require(refusal_beside);
    report();
    for (unsigned i = 0; i < LANES; i++)
        vcpu_destroy(lanes[i].torture.vcpu);
    ept_destroy(&lanes[0].torture.ept);
    if (plan.beyond)
        ept_destroy(&lanes[1].torture.ept);
    vmx_disable(&vmx[0]);
    finish("done", "");
}
