/* SPDX-License-Identifier: MIT */
#include "policy_audit.h"

#include "../core/vmx/control.h"
#include "../core/x86/control_registers.h"
#include "../core/x86/msr.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_register.h"
#include "policy_runs.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define X2APIC_EOI      0x80bu
#define X2APIC_SELF_IPI 0x83fu

const char *const severity_names[SEVERITIES] = {"info", "low", "medium", "high", "critical"};

struct audited {
    enum number_space space;
    uint32_t first, last;
    unsigned access;
    enum severity severity;
    const char *what, *source;
};

#define READ  ACCESS_READ
#define WRITE ACCESS_WRITE
#define BOTH  ACCESS_BOTH

static const struct audited audited[] = {
#define AUDIT_MSR(first, last, access, severity, what, source) \
    {NUMBERS_MSR, first, last, access, SEVERITY_##severity, what, source},
#define AUDIT_IO(first, last, severity, what, source) \
    {NUMBERS_IO, first, last, BOTH, SEVERITY_##severity, what, source},
#define AUDIT_EXCEPTION(vector, severity, what, source)
#define AUDIT_CONTROL(name, severity, what, source)
#include "policy_audit_io_list.h"
#include "policy_audit_list.h"
#undef AUDIT_MSR
#undef AUDIT_IO
#undef AUDIT_EXCEPTION
#undef AUDIT_CONTROL
};

static const struct {
    unsigned vector;
    enum severity severity;
    const char *what, *source;
} exceptions[] = {
#define AUDIT_EXCEPTION(vector, severity, what, source) {vector, SEVERITY_##severity, what, source},
#define AUDIT_MSR(first, last, access, severity, what, source)
#define AUDIT_IO(first, last, severity, what, source)
#define AUDIT_CONTROL(name, severity, what, source)
#include "policy_audit_io_list.h"
#undef AUDIT_EXCEPTION
#undef AUDIT_CONTROL
};

static const struct {
    const char *name;
    enum severity severity;
    const char *what, *source;
} controls[] = {
#define AUDIT_EXCEPTION(vector, severity, what, source)
#define AUDIT_CONTROL(name, severity, what, source) {name, SEVERITY_##severity, what, source},
#include "policy_audit_io_list.h"
#undef AUDIT_MSR
#undef AUDIT_IO
#undef AUDIT_CONTROL
};

/*
 * Bits that exit under every policy left out. What passes of the rest is what VMX operation leaves
 * a guest: CR0 and CR4 are its own, and VM exits load the host's (SDM volume 3C, 28.5.1).
 */
static const struct {
    enum policy_register of;
    uint32_t bits;
    enum severity severity;
    const char *what, *source;
} registers[] = {
    {REGISTER_CR0, UINT32_MAX, SEVERITY_INFO, "changes its own mode, paging and FPU unseen",
     "SDM 3C 25.6.6; SDM 3A 2.5"},
    {REGISTER_CR4, ~(uint32_t)CR4_MCE, SEVERITY_INFO,
     "changes its own paging and extensions unseen", "SDM 3C 25.6.6; SDM 3A 2.5"},
    {REGISTER_CR4, CR4_MCE, SEVERITY_HIGH,
     "clears it, and a machine check that comes while it runs, which the host might have survived, "
     "shuts the CPU down before any VM exit",
     "SDM 3A 2.5; SDM 3C 27.9; Linux, KVM's vmx_set_cr4()"},
};

#define AUDITED    (sizeof(audited) / sizeof(audited[0]))
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))
#define CONTROLS   (sizeof(controls) / sizeof(controls[0]))
#define REGISTERS  (sizeof(registers) / sizeof(registers[0]))

struct findings {
    struct audit_finding *list;
    size_t count, room;
};

static void add(struct findings *findings, struct audit_finding finding)
{
    if (findings->count == findings->room) {
        size_t room = findings->room ? 2 * findings->room : 64;
        struct audit_finding *more = zeroed(room, sizeof(*more));
        for (size_t i = 0; i < findings->count; i++)
            more[i] = findings->list[i];
        free(findings->list);
        findings->list = more;
        findings->room = room;
    }
    findings->list[findings->count++] = finding;
}

/* Whether the CPU answers from the virtual-APIC page; SDM volume 3C, 30.5. */
static bool is_virtual(const struct plan_policy *plan, uint32_t msr, bool write)
{
    uint32_t on = plan->secondary.set;
    if (!(on & SECONDARY_VIRTUALIZE_X2APIC) || msr < X2APIC_MSR_FIRST || msr > X2APIC_MSR_LAST)
        return false;
    if (msr == X2APIC_TPR || (!write && on & SECONDARY_APIC_REGISTER_VIRTUALIZATION))
        return true;
    return write && on & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY &&
           (msr == X2APIC_EOI || msr == X2APIC_SELF_IPI);
}

static bool passes(const void *context, enum number_space space, uint32_t number, bool write,
                   uint32_t *last)
{
    const struct plan_policy *plan = context;
    (void)last; /* number by number: is_virtual() and is_listed() tell neighbours apart */
    if (space == NUMBERS_IO)
        return !policy_io_exits(plan, number, 1);
    return !policy_msr_exits(plan, number, write) && !is_virtual(plan, number, write);
}

static bool is_listed(enum number_space space, uint32_t number, bool write)
{
    for (size_t i = 0; i < AUDITED; i++)
        if (audited[i].space == space && number >= audited[i].first && number <= audited[i].last &&
            audited[i].access & (write ? WRITE : READ))
            return true;
    return false;
}

static bool passes_unlisted(const void *context, enum number_space space, uint32_t number,
                            bool write, uint32_t *last)
{
    return passes(context, space, number, write, last) && !is_listed(space, number, write);
}

static void add_range(struct findings *findings, const struct audited *about,
                      const struct access_run *run, unsigned access)
{
    char *range = range_text(about->space, run->first, run->last);
    add(findings, (struct audit_finding){
                      .severity = about->severity,
                      .item = text("%s %s", about->space == NUMBERS_MSR ? "msr" : "io", range),
                      .access = access_text(access),
                      .what = about->what,
                      .source = about->source,
                  });
    free(range);
}

static void add_ranges(struct findings *findings, const struct plan_policy *plan,
                       const struct audited *about, run_holds *holds)
{
    struct access_run *runs;
    size_t count = runs_find(about->space, about->first, about->last, holds, plan, &runs);
    for (size_t i = 0; i < count; i++)
        if (runs[i].access & about->access)
            add_range(findings, about, &runs[i], runs[i].access & about->access);
    free(runs);
}

static void add_exceptions(struct findings *findings, const struct plan_policy *plan)
{
    for (size_t i = 0; i < EXCEPTIONS; i++)
        if (!policy_exception_exits(plan, exceptions[i].vector))
            add(findings,
                (struct audit_finding){exceptions[i].severity,
                                       text("exception %s", exception_name(exceptions[i].vector)),
                                       "", exceptions[i].what, exceptions[i].source});
}

static char *bits_text(enum policy_register of, unsigned first, unsigned last)
{
    const char *name = first == last ? register_bit_name(of, first) : NULL;
    if (first < last)
        return text("%s %u-%u", register_names[of], first, last);
    return text("%s %u%s%s", register_names[of], first, name ? " " : "", name ? name : "");
}

static void add_registers(struct findings *findings, const struct plan_policy *plan)
{
    for (size_t i = 0; i < REGISTERS; i++) {
        enum policy_register of = registers[i].of;
        uint32_t passes =
            registers[i].bits & ~policy_register_mask(plan, of) & ~register_always_exits(of);
        for (unsigned first = 0, last; bits_in_a_row(passes, &first, &last); first = last + 1)
            add(findings, (struct audit_finding){registers[i].severity, bits_text(of, first, last),
                                                 "w", registers[i].what, registers[i].source});
    }
}

static void add_controls(struct findings *findings, const struct plan_policy *plan)
{
    size_t count;
    const char *const *names = policy_control_names(&count);
    for (size_t i = 0; i < CONTROLS; i++)
        for (size_t n = 0; n < count; n++) {
            enum policy_control_state state = policy_control_get(plan, n);
            if (strcmp(names[n], controls[i].name) == 0 && state != POLICY_CONTROL_ON &&
                state != POLICY_CONTROL_WHERE_OFFERED)
                add(findings,
                    (struct audit_finding){controls[i].severity, text("control %s off", names[n]),
                                           "", controls[i].what, controls[i].source});
        }
}

const struct audit_never audit_never[] = {
#define MSR_NEVER(first, last, names, source) {first, last, names, source},
#include "../core/vmx/msr_never_list.h"
#undef MSR_NEVER
};
const size_t audit_never_count = sizeof(audit_never) / sizeof(audit_never[0]);

size_t policy_audit(const struct plan_policy *plan, struct audit_finding **findings)
{
    static const struct audited unlisted[] = {
        {NUMBERS_MSR, 0, UINT32_MAX, BOTH, SEVERITY_MEDIUM,
         "nobody has said that it is harmless: model-specific, or not defined at all",
         "not in exitmeter's list"},
        {NUMBERS_IO, 0, UINT16_MAX, BOTH, SEVERITY_HIGH,
         "reaches whatever device the host has there, PCI devices with their DMA among them",
         "not in exitmeter's list"},
    };
    struct findings all = {0}, sorted = {0};

    for (size_t i = 0; i < AUDITED; i++)
        add_ranges(&all, plan, &audited[i], passes);
    add_exceptions(&all, plan);
    add_controls(&all, plan);
    add_registers(&all, plan);
    for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++)
        add_ranges(&all, plan, &unlisted[i], passes_unlisted);
    for (int severity = SEVERITIES - 1; severity >= 0; severity--)
        for (size_t i = 0; i < all.count; i++)
            if ((int)all.list[i].severity == severity)
                add(&sorted, all.list[i]);
    free(all.list);
    *findings = sorted.list;
    return sorted.count;
}

void audit_free(struct audit_finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(findings[i].item);
    free(findings);
}
