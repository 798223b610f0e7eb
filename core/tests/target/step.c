/* SPDX-License-Identifier: MIT */
#include "step.h"

#include "../../boot/apic.h"
#include "../../boot/cpu.h"
#include "../../boot/string.h"
#include "../../platform.h"
#include "../../x86/control_registers.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#define VECTOR_DB   1u
#define VECTOR_NMI  2u
#define VECTOR_BP   3u
#define VECTOR_UD   6u
#define VECTOR_GP   13u
#define VECTOR_MC   18u
#define EXCEPTIONS  32u
#define VECTOR_NONE 0x60u /* whose gate is none while stepping */
#define INT3        0xccu
#define IST         4u
#define STACK       8192u
#define DR6_RESET   0xffff0ff0ull

struct step_place {
    uint64_t registers[8];
};
int step_keep(struct step_place *place) __attribute__((returns_twice));
_Noreturn void step_back(struct step_place *place);
void step_handle(struct exception_frame *frame);
extern const char step_debug[], step_breakpoint[], step_nmi[], step_nmi_context[], step_gp[],
    step_ud[], step_mc[];

const char *(*step_check)(uint64_t rsp);

/* step.S's */
uint64_t step_frame;
uint8_t step_replaced[2], *step_patched;
uint32_t step_apic_id;

static struct step_plan plan;
static struct step_found found;
static struct step_place place;
static bool running, stepping, armed;
static uint8_t bytes[2]; /* in whose place INT3 stands */
static char stack[STACK] __attribute__((aligned(16)));

static const uint8_t codes[][2] = {
    [STEP_GP] = {0xcd, VECTOR_NONE},
    [STEP_UD] = {0x0f, 0x0b},
    [STEP_MC] = {0xcd, VECTOR_MC},
};

static void arm(bool on)
{
    for (unsigned i = 0; i < 2 && on != armed; i++) {
        uint8_t *at = (uint8_t *)plan.at[i];
        if (!at)
            continue;
        if (on)
            bytes[i] = *at;
        *at = on ? INT3 : bytes[i];
    }
    armed = on;
    __asm__ volatile("" : : : "memory");
}

static void send_nmi(struct exception_frame *frame)
{
    step_frame = (uint64_t)frame;
    step_apic_id = apic_id();
    apic_command(step_apic_id, APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    for (;;)
        __builtin_ia32_pause();
}

/* The host is about to execute the instruction at frame->rip. */
static void happen(struct exception_frame *frame)
{
    found.happened = true;
    found.rip = frame->rip;
    frame->rflags &= ~RFLAGS_TF;
    stepping = false;
    arm(false);
    if (plan.event == STEP_NMI)
        send_nmi(frame);
    step_patched = (uint8_t *)frame->rip;
    for (unsigned i = 0; i < 2; i++) { /* not by a function: that may be what is changed */
        step_replaced[i] = step_patched[i];
        *(volatile uint8_t *)&step_patched[i] = codes[plan.event][i];
    }
}

static void before_instruction(struct exception_frame *frame)
{
    if (plan.event == STEP_NOTHING && step_check && !found.wrong)
        found.wrong = step_check(frame->rsp);
    if (found.steps++ == plan.step && plan.event != STEP_NOTHING)
        happen(frame);
}

void step_handle(struct exception_frame *frame)
{
    if (frame->vector == VECTOR_BP) {
        frame->rip--;
        arm(false);
        stepping = found.visits++ == plan.visit;
        frame->rflags |= RFLAGS_TF; /* for one step at least: INT3 is to stand there again */
        if (stepping)
            before_instruction(frame);
        return;
    }
    if (!running) {
        frame->rflags &= ~RFLAGS_TF;
        return;
    }
    if (stepping)
        before_instruction(frame);
    else
        frame->rflags &= ~RFLAGS_TF;
    if (!found.happened)
        arm(true);
}

static void set_gate(struct idt_gate *gate, const void *entry)
{
    uint64_t at = (uint64_t)entry;

    gate->offset0 = (uint16_t)at;
    gate->offset1 = (uint16_t)(at >> 16);
    gate->offset2 = (uint32_t)(at >> 32);
}

static void (*in_nmi)(void *);
static void *in_nmi_argument;
static struct idt_gate nmi_gate; /* the host's */

void step_in_nmi(void);
void step_in_nmi(void)
{
    ((struct idt_gate *)x86_read_idtr().base)[VECTOR_NMI] = nmi_gate;
    in_nmi(in_nmi_argument);
    __atomic_store_n(&in_nmi, NULL, __ATOMIC_RELAXED);
}

/* On a stack of its own: the host's is for an NMI that comes as soon as one can. */
void step_while_nmis_are_blocked(void (*body)(void *), void *argument)
{
    struct idt_gate *gate = (struct idt_gate *)x86_read_idtr().base + VECTOR_NMI;

    nmi_gate = *gate;
    in_nmi = body;
    in_nmi_argument = argument;
    cpu_this()->tables.task_state.ist[IST - 1] = (uint64_t)stack + STACK;
    set_gate(gate, step_nmi_context);
    gate->ist_and_type = (uint16_t)((gate->ist_and_type & ~7u) | IST);
    apic_command(apic_id(), APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    while (__atomic_load_n(&in_nmi, __ATOMIC_RELAXED))
        __builtin_ia32_pause();
    cpu_this()->tables.task_state.ist[IST - 1] = 0;
}

void step_failed(const char *reason)
{
    if (!running)
        return;
    exception_survived();
    string_copy(found.reason, sizeof(found.reason), reason);
    step_back(&place);
}

struct step_found step_through(const struct step_plan *wanted, void (*body)(void *), void *argument)
{
    struct idt_gate *idt = (struct idt_gate *)x86_read_idtr().base;
    struct idt_gate kept[EXCEPTIONS];
    const struct idt_gate none = idt[VECTOR_NONE];

    memcpy(kept, idt, sizeof(kept));
    plan = *wanted;
    found = (struct step_found){0};
    cpu_this()->tables.task_state.ist[IST - 1] = (uint64_t)stack + STACK;
    set_gate(&idt[VECTOR_DB], step_debug);
    set_gate(&idt[VECTOR_BP], step_breakpoint);
    set_gate(&idt[VECTOR_NMI], step_nmi);
    set_gate(&idt[VECTOR_GP], step_gp);
    set_gate(&idt[VECTOR_UD], step_ud);
    set_gate(&idt[VECTOR_MC], step_mc);
    idt[VECTOR_DB].ist_and_type |= IST;
    idt[VECTOR_BP].ist_and_type |= IST;
    idt[VECTOR_NONE] = (struct idt_gate){0};
    running = true;
    stepping = armed = false;
    if (!step_keep(&place)) {
        arm(plan.visit != STEP_NONE || plan.event == STEP_NOTHING);
        body(argument);
    }
    running = false;
    __asm__ volatile("nop; nop"); /* a step that is on ends here */
    arm(false);
    memcpy(idt, kept, sizeof(kept));
    idt[VECTOR_NONE] = none;
    cpu_this()->tables.task_state.ist[IST - 1] = 0;
    x86_write_dr6(DR6_RESET);
    return found;
}
