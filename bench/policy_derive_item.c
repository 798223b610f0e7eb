/* SPDX-License-Identifier: MIT */
#include "policy_derive_item.h"

#include "../core/vmx/exit_reason.h"
#include "../core/x86/msr.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_name.h"
#include "policy_register.h"
#include "text.h"
#include "trace_layout.h"

#include <stdlib.h>
#include <string.h>

#define ALWAYS   "it exits under every policy"
#define NOT_SAID "the profile does not say what was accessed"
#define WHICH    "the exit does not say which bits the guest changed"

/* Reasons that one control decides on, whatever the detail. */
static const struct {
    unsigned reason;
    const char *control;
} by_control[] = {
    {EXIT_REASON_EXTERNAL_INTERRUPT, "external-interrupt-exiting"},
    /* Opened for interrupts that exit while the guest has them off. */
    {EXIT_REASON_INTERRUPT_WINDOW, "external-interrupt-exiting"},
    {EXIT_REASON_HLT, "hlt-exiting"},
    {EXIT_REASON_INVLPG, "invlpg-exiting"},
    {EXIT_REASON_INVPCID, "invlpg-exiting"}, /* SDM Vol. 3C 26.1.3 */
    {EXIT_REASON_RDPMC, "rdpmc-exiting"},
    {EXIT_REASON_RDTSC, "rdtsc-exiting"},
    {EXIT_REASON_RDTSCP, "rdtsc-exiting"},
    {EXIT_REASON_MOV_DR, "mov-dr-exiting"},
    {EXIT_REASON_MWAIT, "mwait-exiting"},
    {EXIT_REASON_MONITOR, "monitor-exiting"},
    {EXIT_REASON_PAUSE, "pause-exiting"},
    {EXIT_REASON_GDTR_OR_IDTR, "descriptor-table-exiting"},
    {EXIT_REASON_LDTR_OR_TR, "descriptor-table-exiting"},
    {EXIT_REASON_WBINVD, "wbinvd-exiting"},
    {EXIT_REASON_RDRAND, "rdrand-exiting"},
    {EXIT_REASON_RDSEED, "rdseed-exiting"},
};

static struct derive_item no_rule(unsigned reason, const char *why)
{
    return (struct derive_item){
        .kind = DERIVE_NO_RULE, .first = reason, .last = reason, .why = why};
}

static struct derive_item control(unsigned reason, const char *name)
{
    size_t count;
    const char *const *names = policy_control_names(&count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (struct derive_item){.kind = DERIVE_CONTROL, .first = i, .last = i};
    return no_rule(reason, ALWAYS);
}

/* Exit qualification, SDM Vol. 3C table 28-5. */
static struct derive_item ports(uint64_t qualification)
{
    uint32_t size = (uint32_t)qualification & 7, first = (uint32_t)qualification >> 16;
    if (size != 0 && size != 1 && size != 3)
        return no_rule(EXIT_REASON_IO, NOT_SAID);
    if (first + size > UINT16_MAX)
        return no_rule(EXIT_REASON_IO, "it runs past port 0xffff, and exits under every policy");
    return (struct derive_item){.kind = DERIVE_PORTS, .first = first, .last = first + size};
}

/* Interruption information, SDM Vol. 3C table 25-19. */
static struct derive_item exception(uint64_t information)
{
    uint32_t vector = information & 0xff;
    if (vector > EXCEPTION_LAST)
        return no_rule(EXIT_REASON_EXCEPTION_OR_NMI, NOT_SAID);
    if (EXCEPTIONS_THAT_ALWAYS_EXIT >> vector & 1)
        return no_rule(EXIT_REASON_EXCEPTION_OR_NMI, ALWAYS);
    return (struct derive_item){.kind = DERIVE_EXCEPTION, .first = vector, .last = vector};
}

/* Exit qualification, SDM Vol. 3C table 28-3: the register, and what is done to it. */
static struct derive_item control_register(uint64_t qualification)
{
    enum { TO = 0, FROM = 1, CLTS = 2 };
    static const struct {
        unsigned number, access;
        const char *control;
    } moves[] = {
        {3, TO, "cr3-load-exiting"},
        {3, FROM, "cr3-store-exiting"},
        {8, TO, "cr8-load-exiting"},
        {8, FROM, "cr8-store-exiting"},
    };
    unsigned number = qualification & 0xf, access = qualification >> 4 & 3;

    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
        if (moves[i].number == number && moves[i].access == access)
            return control(EXIT_REASON_CR_ACCESS, moves[i].control);
    if (access == CLTS)
        return (struct derive_item){.kind = DERIVE_CR0_BIT, .first = 3, .last = 3}; /* TS */
    return no_rule(EXIT_REASON_CR_ACCESS, WHICH);
}

static struct derive_item msr(enum derive_kind kind, unsigned reason, uint64_t detail)
{
    if (detail > UINT32_MAX || !msr_has_bits((uint32_t)detail))
        return no_rule(reason, "MSRs that have no bit in the bitmap exit under every policy");
    return (struct derive_item){.kind = kind, .first = (uint32_t)detail, .last = (uint32_t)detail};
}

struct derive_item derive_item_of(const struct derive_exits *exits)
{
    for (size_t i = 0; i < sizeof(by_control) / sizeof(by_control[0]); i++)
        if (by_control[i].reason == exits->reason)
            return control(exits->reason, by_control[i].control);
    switch (exits->reason) {
    case EXIT_REASON_IO:
    case EXIT_REASON_RDMSR:
    case EXIT_REASON_WRMSR:
    case EXIT_REASON_CR_ACCESS:
    case EXIT_REASON_EXCEPTION_OR_NMI:
        break;
    default:
        return no_rule(exits->reason, ALWAYS);
    }
    if (!exits->is_said)
        return no_rule(exits->reason, NOT_SAID);
    switch (exits->reason) {
    case EXIT_REASON_IO:
        return ports(exits->detail);
    case EXIT_REASON_RDMSR:
        return msr(DERIVE_MSR_READ, exits->reason, exits->detail);
    case EXIT_REASON_WRMSR:
        return msr(DERIVE_MSR_WRITE, exits->reason, exits->detail);
    case EXIT_REASON_CR_ACCESS:
        return control_register(exits->detail);
    default:
        return exception(exits->detail);
    }
}

bool derive_item_is(const struct derive_item *a, const struct derive_item *b)
{
    if (a->kind != b->kind || a->first != b->first || a->last != b->last)
        return false;
    return a->kind != DERIVE_NO_RULE || strcmp(a->why, b->why) == 0;
}

char *derive_item_text(const struct derive_item *item)
{
    size_t count;
    const char *const *controls = policy_control_names(&count);
    char *range, *whole;

    switch (item->kind) {
    case DERIVE_MSR_READ:
    case DERIVE_MSR_WRITE:
        range = range_text(NUMBERS_MSR, item->first, item->last);
        whole = text("msr %s %s", range, item->kind == DERIVE_MSR_READ ? "r" : "w");
        break;
    case DERIVE_PORTS:
        range = range_text(NUMBERS_IO, item->first, item->last);
        whole = text("io %s", range);
        break;
    case DERIVE_EXCEPTION:
        range = NULL;
        whole = exception_name(item->first) ? text("exception %s", exception_name(item->first))
                                            : text("exception %u", item->first);
        break;
    case DERIVE_CR0_BIT:
        range = NULL;
        whole = text("cr0 %u %s", item->first, register_bit_name(REGISTER_CR0, item->first));
        break;
    case DERIVE_CONTROL:
        range = NULL;
        whole = text("control %s", controls[item->first]);
        break;
    default:
        range = NULL;
        whole = text("%s", trace_reason_name(item->first));
        break;
    }
    free(range);
    return whole;
}

void derive_item_pass(struct plan_policy *plan, const struct derive_item *item)
{
    switch (item->kind) {
    case DERIVE_MSR_READ:
    case DERIVE_MSR_WRITE:
        policy_set_msrs(plan, item->first, item->last, item->kind == DERIVE_MSR_READ,
                        item->kind == DERIVE_MSR_WRITE, false);
        break;
    case DERIVE_PORTS:
        policy_set_ports(plan, (uint16_t)item->first, (uint16_t)item->last, false);
        break;
    case DERIVE_EXCEPTION:
        policy_set_exceptions(plan, item->first, item->last, false);
        break;
    case DERIVE_CR0_BIT:
        plan->cr0_mask &= ~(1u << item->first);
        break;
    case DERIVE_CONTROL:
        policy_control_set(plan, item->first, POLICY_CONTROL_OFF);
        break;
    case DERIVE_NO_RULE:
        break;
    }
}

/* What the guest would find there if it passed is not what it finds now. */
static const char *answered(const struct derive_item *item, const struct plan_policy *plan)
{
    bool is_msr = item->kind == DERIVE_MSR_READ || item->kind == DERIVE_MSR_WRITE;

    if (is_msr && (item->first == IA32_FEATURE_CONTROL ||
                   (item->first >= IA32_VMX_BASIC && item->first <= IA32_VMX_LAST)))
        return "it tells of VMX, which the core hides from the guest";
    if (is_msr && policy_msr_answer(plan, item->first) != ANSWER_FORWARD)
        return "the run's policy emulates or refuses it";
    for (uint32_t port = item->first; item->kind == DERIVE_PORTS && port <= item->last; port++)
        if (policy_port_answer(plan, (uint16_t)port) != ANSWER_FORWARD)
            return "the run's policy emulates it";
    return NULL;
}

const char *derive_item_stays(const struct derive_item *item, const struct derive_run *run)
{
    bool is_msr = item->kind == DERIVE_MSR_READ || item->kind == DERIVE_MSR_WRITE;

    if (item->kind == DERIVE_NO_RULE)
        return item->why;
    for (size_t i = 0; is_msr && i < audit_never_count; i++)
        if (item->first >= audit_never[i].first && item->first <= audit_never[i].last)
            return "it passes under no policy: by it the CPU writes to memory";
    if (item->kind == DERIVE_MSR_WRITE && item->first == MACHINE_KEPT_MSR)
        return "the core takes it under every policy: the local APIC stays at its address";
    for (size_t i = 0; item->kind == DERIVE_PORTS && i < run->kept_count; i++)
        if (run->kept[i].first <= item->last && item->first <= run->kept[i].last)
            return "the core takes it under every policy: the machine can be switched off by it";
    return answered(item, &run->policy.plan);
}
