/* SPDX-License-Identifier: MIT */
#include "sweep.h"

#include "../../../probes/ring.h"
#include "../../boot/console.h"
#include "../../boot/cpu.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#include <string.h>

#define NMIS        (GUEST_DATA + 8) /* the guest's count of them */
#define STACK_SLACK 16384u
#define VECTOR_NMI  2u

extern const char vmx_enter_address[] __asm__("vmx_enter");

struct watched sweep_watched;

static struct {
    uint64_t gs_base, cr0, cr3, cr4, gdt, idt;
    uint16_t tr;
    uint64_t stack; /* of this test, somewhere */
} host;

void sweep_note_host(void)
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
    uint64_t vcpu = (uint64_t)sweep_watched.guest.vcpu;

    if (x86_rdmsr(IA32_GS_BASE) != host.gs_base)
        return "GS does not point to the CPU's own";
    if (x86_read_cr0() != host.cr0 || x86_read_cr3() != host.cr3 || x86_read_cr4() != host.cr4)
        return "CR0, CR3 or CR4 is not the host's";
    if (x86_read_gdtr().base != host.gdt || x86_read_idtr().base != host.idt ||
        x86_read_tr() != host.tr)
        return "a descriptor table is not the host's";
    if (rsp - (host.stack - STACK_SLACK) < 2 * STACK_SLACK)
        return NULL;
    return vcpu && rsp >= vcpu - VCPU_OFFSET && rsp <= vcpu + SWEEP_FRAME
               ? NULL
               : "RSP is on no stack of ours";
}

void sweep_play(void *argument)
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

bool sweep_prepare(struct watched *w)
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
void sweep_take_down(struct watched *w)
{
    struct outcome *outcome = &w->outcome;
    const char *stack = w->guest.memory + GUEST_STACK - PAGE_SIZE;

    memcpy(outcome->registers, w->guest.vcpu, SWEEP_FRAME);
    outcome->rsp = vmread(VMCS_GUEST_RSP);
    outcome->rip = vmread(VMCS_GUEST_RIP);
    uint64_t below = outcome->rsp - (GUEST_STACK - PAGE_SIZE);
    if (below <= PAGE_SIZE)
        memcpy(outcome->stack + below, stack + below, PAGE_SIZE - below);
}

/* The guest's, or still waiting for it. */
unsigned sweep_nmis(struct watched *w)
{
    return (unsigned)guest_quadword(&w->guest, NMIS) + w->guest.vcpu->events.nmi +
           exception_nmi_taken();
}

static struct step_plan plan_of(enum step_event event, uint32_t visit, uint32_t step)
{
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
    sweep_take_down(w);
    if (w->outcome.cause != reference->cause)
        return "the guest stopped for another reason";
    if (memcmp(&w->outcome, reference, sizeof(*reference)) != 0)
        return "the guest's registers, its stack or the records are not as they were";
    if (platform_nmi_count() != counted + 1)
        return "the NMI was not counted";
    return sweep_nmis(w) == 1 ? NULL : "the NMI is neither the guest's nor waiting for it";
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

    *found = step_through(plan, sweep_play, w);
    if (found->wrong)
        return found->wrong;
    if (!found->happened)
        return NULL;
    return plan->event == STEP_NMI ? judge_nmi(w, found, reference, counted)
                                   : judge_fault(found, plan->event);
}

/* What the guest leaves undisturbed, the host being watched at every step; how often it comes by.
 */
const char *sweep_look(struct watched *w, struct outcome *reference, uint32_t *visits)
{
    struct step_found found = {0};

    *visits = 1;
    for (uint32_t visit = 0; visit < *visits; visit++) {
        if (!sweep_prepare(w))
            return "the guest cannot be started";
        struct step_plan plan = plan_of(STEP_NOTHING, visit, 0);
        const char *wrong = one(w, &plan, NULL, &found);
        sweep_take_down(w);
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
const char *sweep_run(struct watched *w, enum step_event event, uint32_t stride, uint32_t *points)
{
    static struct outcome reference;
    struct step_found found;
    uint32_t visits;
    const char *wrong = sweep_look(w, &reference, &visits);

    for (uint32_t visit = 0; visit < visits && !wrong; visit++)
        for (uint32_t step = visit % stride;; step += stride) {
            if (!sweep_prepare(w))
                return "the guest cannot be started again";
            struct step_plan plan = plan_of(event, visit, step);
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

bool sweep_create(struct watched *w, struct guest_code code, uint64_t nmi_handler)
{
    w->ring = platform_pages_allocate(1, PAGE_SIZE);
    if (!w->ring || !guest_create_intercepted(&w->guest, code))
        return false;
    if (nmi_handler)
        guest_give_tables(&w->guest, VECTOR_NMI, GUEST_CODE + nmi_handler);
    sweep_note_host();
    step_check = host_is_itself;
    return true;
}

bool sweep_destroy(struct watched *w)
{
    step_check = NULL;
    platform_pages_free(w->ring, 1);
    bool done = guest_destroy(&w->guest);
    *w = (struct watched){0};
    return done;
}
