/* SPDX-License-Identifier: MIT */
/*
 * NMIs and exceptions in VMX root operation, before every single instruction from the VM exit to
 * the VM entry. After an NMI the guest must have run as ever, and the NMI must have been counted;
 * any other exception must end the run with a reason that names it and its place.
 */
#include "guest.h"
#include "step.h"
#include "target.h"

#include "../../../probes/ring.h"
#include "../../boot/apic.h"
#include "../../boot/console.h"
#include "../../boot/cpu.h"
#include "../../boot/string.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#include <string.h>

#define NMIS            (GUEST_DATA + 8) /* the guest's count of them */
#define FRAME           (VCPU_FRAME_END + 5 * 8)
#define STACK_SLACK     16384u
#define VECTOR          0x51u
#define HANDLER(vector) ((uint64_t)exception_entries + 16 * (vector))

extern const char program_exits_nmi[], exception_entries[],
    vmx_enter_address[] __asm__("vmx_enter");

/* The guest's run: what is left of it must be the same with and without the event. */
struct outcome {
    enum stop_cause cause;
    uint64_t registers[FRAME / 8], rsp, rip;
    char stack[PAGE_SIZE];
    uint32_t records;
};

static struct watched {
    struct guest guest;
    enum vcpu_path path;
    char *ring;
    struct outcome outcome;
} watched;

static struct {
    uint64_t gs_base, cr0, cr3, cr4, gdt, idt;
    uint16_t tr;
    uint64_t stack; /* of this test, somewhere */
} host;

static void note_host(void)
{
    host.gs_base = x86_rdmsr(IA32_GS_BASE);
    host.cr0 = x86_read_cr0();
    host.cr3 = x86_read_cr3();
    host.cr4 = x86_read_cr4();
    host.gdt = x86_read_gdtr().base;
    host.idt = x86_read_idtr().base;
    host.tr = x86_read_tr();
    host.stack = (uint64_t)__builtin_frame_address(0);
}

static const char *host_is_itself(uint64_t rsp)
{
    uint64_t vcpu = (uint64_t)watched.guest.vcpu;

    if (x86_rdmsr(IA32_GS_BASE) != host.gs_base)
        return "GS does not point to the CPU's own";
    if (x86_read_cr0() != host.cr0 || x86_read_cr3() != host.cr3 || x86_read_cr4() != host.cr4)
        return "CR0, CR3 or CR4 is not the host's";
    if (x86_read_gdtr().base != host.gdt || x86_read_idtr().base != host.idt ||
        x86_read_tr() != host.tr)
        return "a descriptor table is not the host's";
    if (rsp - (host.stack - STACK_SLACK) < 2 * STACK_SLACK)
        return NULL;
    return vcpu && rsp >= vcpu - VCPU_OFFSET && rsp <= vcpu + FRAME ? NULL
                                                                    : "RSP is on no stack of ours";
}

/* The body of a step_through(). */
static void play(void *argument)
{
    struct watched *w = argument;
    struct vcpu *vcpu = w->guest.vcpu;
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, w->path};
    bool recorded = w->path >= VCPU_PATH_STAMPS && w->path < VCPU_PATH_FLOOR;

    if (recorded)
        ring_open(cpu_probes(), w->ring, PAGE_SIZE, origin, x86_rdtsc());
    w->outcome.cause = vcpu_run(vcpu)->cause;
    w->outcome.records = recorded ? ring_close(cpu_probes(), x86_rdtsc()) : 0;
}

static bool prepare(struct watched *w)
{
    memset(w->guest.memory + GUEST_DATA, 0, PAGE_SIZE);
    memset(w->guest.memory + GUEST_STACK - PAGE_SIZE, 0, PAGE_SIZE);
    w->outcome = (struct outcome){0};
    if (!guest_restart(&w->guest))
        return false;
    local_apic_reset(&w->guest.vcpu->apic, 0);
    vcpu_set_path(w->guest.vcpu, w->path);
    return vcpu_set_hardware_stamp(w->guest.vcpu, w->path == VCPU_PATH_HARDWARE);
}

/* What an NMI's own frame has overwritten below RSP means nothing. */
static void take_down(struct watched *w)
{
    struct outcome *outcome = &w->outcome;
    const char *stack = w->guest.memory + GUEST_STACK - PAGE_SIZE;

    memcpy(outcome->registers, w->guest.vcpu, FRAME);
    outcome->rsp = vmread(VMCS_GUEST_RSP);
    outcome->rip = vmread(VMCS_GUEST_RIP);
    uint64_t below = outcome->rsp - (GUEST_STACK - PAGE_SIZE);
    if (below <= PAGE_SIZE)
        memcpy(outcome->stack + below, stack + below, PAGE_SIZE - below);
}

/* The guest's, or still waiting for it. */
static unsigned nmis_accounted_for(struct watched *w)
{
    return (unsigned)guest_quadword(&w->guest, NMIS) + w->guest.vcpu->events.nmi +
           exception_nmi_taken();
}

static struct step_plan plan_of(const struct watched *w, enum step_event event, uint32_t visit,
                                uint32_t step)
{
    (void)w;
    return (struct step_plan){
        .at = {vmread(VMCS_HOST_RIP), (uint64_t)vmx_enter_address},
        .visit = visit,
        .step = step,
        .event = event,
    };
}

static bool named(const char *reason, const char *exception, uint64_t rip)
{
    char wanted[64];
    char *at = wanted;
    const char *const parts[] = {"host exception ", exception, " at 0x"};

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        memcpy(at, parts[i], strlen(parts[i]));
        at += strlen(parts[i]);
    }
    int shift = 60;
    while (shift && !(rip >> shift & 0xf))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[rip >> shift & 0xf];
    return memcmp(reason, wanted, (size_t)(at - wanted)) == 0;
}

/* How an event shows; NULL, or what was wrong. */
static const char *judge_nmi(struct watched *w, const struct step_found *found,
                             const struct outcome *reference, uint32_t counted)
{
    if (found->reason[0])
        return found->reason;
    take_down(w);
    if (w->outcome.cause != reference->cause)
        return "the guest stopped for another reason";
    if (memcmp(&w->outcome, reference, sizeof(*reference)) != 0)
        return "the guest's registers, its stack or the records are not as they were";
    if (platform_nmi_count() != counted + 1)
        return "the NMI was not counted";
    return nmis_accounted_for(w) == 1 ? NULL : "the NMI is neither the guest's nor waiting for it";
}

static const char *judge_fault(const struct step_found *found, enum step_event event)
{
    static const char *const names[] = {
        [STEP_GP] = "13 (#GP)", [STEP_UD] = "6 (#UD)", [STEP_MC] = "18 (#MC)"};

    if (!found->reason[0])
        return "the run did not end";
    return named(found->reason, names[event], found->rip + (event == STEP_MC ? 2 : 0))
               ? NULL
               : found->reason;
}

static const char *one(struct watched *w, const struct step_plan *plan,
                       const struct outcome *reference, struct step_found *found)
{
    uint32_t counted = platform_nmi_count();

    *found = step_through(plan, play, w);
    if (found->wrong)
        return found->wrong;
    if (!found->happened)
        return NULL;
    return plan->event == STEP_NMI ? judge_nmi(w, found, reference, counted)
                                   : judge_fault(found, plan->event);
}

/* What the guest leaves undisturbed, the host being watched at every step; how often it comes by.
 */
static const char *look(struct watched *w, struct outcome *reference, uint32_t *visits)
{
    struct step_found found = {0};

    *visits = 1;
    for (uint32_t visit = 0; visit < *visits; visit++) {
        if (!prepare(w))
            return "the guest cannot be started";
        struct step_plan plan = plan_of(w, STEP_NOTHING, visit, 0);
        const char *wrong = one(w, &plan, NULL, &found);
        take_down(w);
        if (!wrong && visit && memcmp(&w->outcome, reference, sizeof(*reference)) != 0)
            wrong = "the guest's runs differ";
        if (wrong)
            return wrong;
        *reference = w->outcome;
        *visits = found.visits;
    }
    return reference->cause == STOP_PHASE_DONE ? NULL : "the guest does not come to its end";
}

/* Before every stride-th instruction of every visit. NULL, or what went wrong. */
static const char *sweep(struct watched *w, enum step_event event, uint32_t stride,
                         uint32_t *points)
{
    static struct outcome reference;
    struct step_found found;
    uint32_t visits;
    const char *wrong = look(w, &reference, &visits);

    for (uint32_t visit = 0; visit < visits && !wrong; visit++)
        for (uint32_t step = visit % stride;; step += stride) {
            if (!prepare(w))
                return "the guest cannot be started again";
            struct step_plan plan = plan_of(w, event, visit, step);
            wrong = one(w, &plan, &reference, &found);
            if (wrong) {
                console_choose(true, false, false);
                platform_log("event %d, path %d, visit %u, step %u, rip 0x%llx: %s\n", (int)event,
                             (int)w->path, visit, step, (unsigned long long)found.rip, wrong);
            }
            if (wrong || !found.happened)
                break;
            ++*points;
        }
    return wrong;
}

/* The guest of guests.S that takes a few exits, ready for a sweep. */
static bool create(struct watched *w)
{
    const uint64_t handler = GUEST_CODE + (uint64_t)(program_exits_nmi - program_exits);

    w->ring = platform_pages_allocate(1, PAGE_SIZE);
    if (!w->ring || !guest_create_intercepted(&w->guest, GUEST_CODE_OF(exits)))
        return false;
    guest_give_tables(&w->guest, 2, handler);
    note_host();
    step_check = host_is_itself;
    return true;
}

static bool destroy(struct watched *w)
{
    step_check = NULL;
    platform_pages_free(w->ring, 1);
    bool done = guest_destroy(&w->guest);
    *w = (struct watched){0};
    return done;
}

/* The second boot of these tests, with more CPUs, need not see it all again. */
static uint32_t stride_of(uint32_t stride)
{
    return target_cpus() > 1 ? 50 : stride;
}

void test_nmi_at_every_instruction(void)
{
    static const struct {
        enum vcpu_path path;
        uint32_t stride;
    } paths[] = {
        {VCPU_PATH_OFF, 1},
        {VCPU_PATH_COUNTS, 7},
        {VCPU_PATH_FULL, 1},
        {VCPU_PATH_HARDWARE, 7},
    };

    EXPECT(create(&watched));
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        uint32_t points = 0, stride = stride_of(paths[i].stride);
        watched.path = paths[i].path;
        EXPECT(!sweep(&watched, STEP_NMI, stride, &points));
        EXPECT(points * stride > 1000);
    }
    EXPECT(destroy(&watched));
}

void test_faults_at_every_instruction(void)
{
    static const struct {
        enum step_event event;
        uint32_t stride;
    } faults[] = {{STEP_GP, 1}, {STEP_UD, 7}, {STEP_MC, 7}};

    EXPECT(create(&watched));
    watched.path = VCPU_PATH_FULL;
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        uint32_t points = 0, stride = stride_of(faults[i].stride);
        console_choose(false, false, false); /* a report each */
        const char *wrong = sweep(&watched, faults[i].event, stride, &points);
        console_choose(true, false, false);
        EXPECT(!wrong);
        EXPECT(points * stride > 1000);
    }
    EXPECT(destroy(&watched));
}

/* Four instructions, which use RAX and RCX, and the guest comes by them three times. */
void test_nmi_on_the_floor(void)
{
    uint32_t points = 0;

    watched.ring = platform_pages_allocate(1, PAGE_SIZE);
    EXPECT(watched.ring && guest_create_intercepted(&watched.guest, GUEST_CODE_OF(floor)));
    note_host();
    step_check = host_is_itself;
    watched.path = VCPU_PATH_FLOOR;
    EXPECT(!sweep(&watched, STEP_NMI, 1, &points));
    EXPECT(points > 100);
    EXPECT(destroy(&watched));
}

static void write_what_is_refused(void *argument)
{
    *(bool *)argument = x86_wrmsr_checked(IA32_FS_BASE, 0, 1u << 31); /* not canonical */
}

static void machine_check(void *unused)
{
    (void)unused;
    __asm__ volatile("int $18");
}

/* In the #GP that a fixup answers to: it still does; in a machine check: its report is the one. */
void test_nmi_in_exception_handlers(void)
{
    struct step_found found = {.happened = true};
    uint32_t counted = platform_nmi_count(), points = 0;
    bool is_written;

    note_host();
    for (uint32_t step = 0; found.happened; step++) {
        const struct step_plan plan = {{HANDLER(13), 0}, 0, step, STEP_NMI};
        is_written = true;
        found = step_through(&plan, write_what_is_refused, &is_written);
        EXPECT(!is_written && !found.reason[0]);
        points += found.happened;
    }
    EXPECT(points > 30);
    console_choose(false, false, false);
    bool all_named = true;
    for (uint32_t step = 0; step < 3000; step += step < 100 ? 1 : 97) {
        const struct step_plan plan = {{HANDLER(18), 0}, 0, step, STEP_NMI};
        found = step_through(&plan, machine_check, NULL);
        all_named = all_named && found.happened &&
                    memcmp(found.reason, "host exception 18 (#MC) at 0x", 29) == 0;
        points += found.happened;
    }
    console_choose(true, false, false);
    EXPECT(all_named);
    EXPECT(platform_nmi_count() == counted + points);
    EXPECT(exception_nmi_taken());
}

struct taken {
    int vector;
    bool nmi;
};

/* The interrupt's IRET ends the blocking, and the NMI comes with the vector taken, unseen as yet.
 */
static void take_both(void *argument)
{
    struct taken *taken = argument;

    apic_command(apic_id(), APIC_COMMAND_ASSERT | VECTOR);
    apic_command(apic_id(), APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    taken->vector = platform_take_interrupt();
    taken->nmi = exception_nmi_taken();
}

void test_nmi_with_an_interrupt(void)
{
    struct taken taken = {-1, false};

    step_while_nmis_are_blocked(take_both, &taken);
    platform_end_of_interrupt();
    EXPECT(taken.vector == (int)VECTOR && taken.nmi);
}

static void enter_with_an_nmi(void *argument)
{
    apic_command(apic_id(), APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    play(argument);
}

/*
 * One that the host has blocked until it enters the guest: the guest's, by a VM exit of its own. On
 * Bochs 2.7 it stays blocked, and comes to the host behind the guest: then it waits for the next.
 */
void test_nmi_held_until_the_guest(void)
{
    static struct outcome reference;
    uint32_t counted = platform_nmi_count(), visits;

    EXPECT(create(&watched));
    watched.path = VCPU_PATH_FULL;
    EXPECT(!look(&watched, &reference, &visits));
    EXPECT(prepare(&watched));
    step_while_nmis_are_blocked(enter_with_an_nmi, &watched);
    take_down(&watched);
    uint32_t hosts = platform_nmi_count() - counted;
    EXPECT(hosts <= 1 && nmis_accounted_for(&watched) == 1);
    EXPECT(watched.outcome.records == reference.records + 1 - hosts);
    watched.outcome.records = reference.records;
    EXPECT(memcmp(&watched.outcome, &reference, sizeof(reference)) == 0);
    EXPECT(destroy(&watched));
}
