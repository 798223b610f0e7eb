/* SPDX-License-Identifier: MIT */
#include "policy_derive_text.h"

#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_name.h"
#include "policy_register.h"
#include "policy_show.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>

char *derive_why(const struct derive_item *item)
{
    if (item->is_audited)
        return text("%s: %s [%s]", severity_names[item->severity], item->why, item->source);
    return text("%s", item->why ? item->why : "the audit has nothing against it");
}

/* Behind a rule that lets it pass. */
static void write_savings(FILE *to, const struct derived *derived, const struct derive_item *item)
{
    char *why = derive_why(item);
    fprintf(to, "  # %" PRIu64 " exits, saves %s%" PRIu64, item->count,
            derived->instruction ? "" : "at most ", item->saves);
    if (item->saves_waiting)
        fprintf(to, ", of which %" PRIu64 " in loops that wait", item->saves_waiting);
    fprintf(to, "; %s\n", why);
    free(why);
}

static void write_stays(FILE *to, const struct derive_item *item)
{
    char *why = derive_why(item);
    fprintf(to, "# stays: %s, %" PRIu64 " exits, %" PRIu64 " ticks of the core; %s\n", item->what,
            item->count, item->ticks, why);
    free(why);
}

static void write_numbers(FILE *to, enum number_space space, const struct derive_item *item)
{
    const char *name = name_of_range(space, item->first, item->last);
    if (name)
        fprintf(to, "%s", name);
    else if (item->first == item->last)
        fprintf(to, "0x%x", item->first);
    else
        fprintf(to, "0x%x-0x%x", item->first, item->last);
}

static void write_rule(FILE *to, const struct derive_item *item)
{
    const char *name = exception_name(item->first);

    switch (item->kind) {
    case DERIVE_MSR_READ:
    case DERIVE_MSR_WRITE:
        fprintf(to, "passthrough msr ");
        write_numbers(to, NUMBERS_MSR, item);
        fprintf(to, item->kind == DERIVE_MSR_READ ? " r" : " w");
        break;
    case DERIVE_PORTS:
        fprintf(to, "passthrough io ");
        write_numbers(to, NUMBERS_IO, item);
        break;
    case DERIVE_EXCEPTION:
        if (name)
            fprintf(to, "passthrough exception %s", name);
        else
            fprintf(to, "passthrough exception %u", item->first);
        break;
    case DERIVE_CR0_BIT:
        fprintf(to, "passthrough cr0 %u", item->first);
        break;
    case DERIVE_CONTROL:
    case DERIVE_NO_RULE: /* have no rule of that form */
        break;
    }
}

/* A default, what of it passes, and what does not. */
static void write_section(FILE *to, const struct derived *derived, const char *space,
                          enum derive_kind first, enum derive_kind last)
{
    fprintf(to, "\ndefault %s intercept\n", space);
    for (size_t i = 0; i < derived->count; i++) {
        const struct derive_item *item = &derived->items[i];
        if (item->kind < first || item->kind > last)
            continue;
        if (i >= derived->passing) {
            write_stays(to, item);
        } else {
            write_rule(to, item);
            write_savings(to, derived, item);
        }
    }
}

/* All bits, but those that pass in the run's policy or have been derived to. */
static void write_register(FILE *to, const struct derive_run *run, enum policy_register of)
{
    uint32_t passes = ~policy_register_mask(&run->policy.plan, of);
    for (unsigned first = 0, last; bits_in_a_row(passes, &first, &last); first = last + 1) {
        fprintf(to, "passthrough %s %u", register_names[of], first);
        fprintf(to, first == last ? "\n" : "-%u\n", last);
    }
}

static const struct derive_item *item_of_control(const struct derived *derived, uint32_t index)
{
    for (size_t i = 0; i < derived->count; i++)
        if (derived->items[i].kind == DERIVE_CONTROL && derived->items[i].first == index)
            return &derived->items[i];
    return NULL;
}

static void write_controls(FILE *to, const struct derive_run *run, const struct derived *derived)
{
    static const char *const states[POLICY_CONTROL_STATES] = {"off", "on", "where-offered"};
    size_t count;
    const char *const *names = policy_control_names(&count);

    fputc('\n', to);
    for (uint32_t i = 0; i < count; i++) {
        const struct derive_item *item = item_of_control(derived, i);
        enum policy_control_state state = policy_control_get(&run->policy.plan, i);
        if (item && item->verdict == DERIVE_PASSES) {
            fprintf(to, "control %s off", names[i]);
            write_savings(to, derived, item);
            continue;
        }
        if (item)
            write_stays(to, item);
        if (state < POLICY_CONTROL_STATES)
            fprintf(to, "control %s %s\n", names[i], states[state]);
    }
}

static void write_no_rule(FILE *to, const struct derived *derived)
{
    bool any = false;
    for (size_t i = 0; i < derived->count; i++) {
        if (derived->items[i].kind != DERIVE_NO_RULE)
            continue;
        if (!any)
            fputs("\n# No rule lets these pass.\n", to);
        any = true;
        write_stays(to, &derived->items[i]);
    }
}

static void write_head(FILE *to, const struct derive_run *run, const struct derived *derived)
{
    fprintf(to,
            "# Derived by `exitmeter policy derive` from a profile of %s under %s: what that guest "
            "used\n# passes if the audit finds nothing above %s in it; all else exits.\n"
            "# Predicted of the same run, in %s: %s%" PRIu64 " saved of the %" PRIu64
            " that exits took.\n",
            run->image, run->policy.plan.name, severity_names[derived->most], run->unit,
            derived->instruction ? "" : "at most ", derived->saves, derived->before.exit_ticks);
    if (derived->saves_waiting)
        fprintf(to,
                "# %" PRIu64 " of that in loops that wait, which end no earlier: the run time "
                "falls by\n# %" PRIu64 " of %" PRIu64 ".\n",
                derived->saves_waiting, derived->saves - derived->saves_waiting,
                derived->before.run_time);
    if (derived->polls)
        fprintf(to,
                "# Not predicted: %" PRIu64 " exits that stay, %" PRIu64
                " ticks of them, are in loops that wait, which come round as\n# often as the wait "
                "takes; as rounds get quicker, up to %" PRIu64 " of the saving goes to more of "
                "them.\n",
                derived->polls, derived->poll_ticks, derived->more_polls);
}

char *policy_derive_text(const struct derive_run *run, const struct derived *derived)
{
    struct policy rest = run->policy;
    char *whole;
    size_t size;
    FILE *to = open_memstream(&whole, &size);

    if (!to)
        abort(); /* out of memory */
    write_head(to, run, derived);
    write_section(to, derived, "msr", DERIVE_MSR_READ, DERIVE_MSR_WRITE);
    write_section(to, derived, "io", DERIVE_PORTS, DERIVE_PORTS);
    write_section(to, derived, "exception", DERIVE_EXCEPTION, DERIVE_EXCEPTION);
    write_section(to, derived, "cr0", DERIVE_CR0_BIT, DERIVE_CR0_BIT);
    write_register(to, run, REGISTER_CR0);
    fprintf(to, "default cr4 intercept\n");
    write_register(to, run, REGISTER_CR4);
    write_controls(to, run, derived);
    write_no_rule(to, derived);
    /* The rest of the run's policy. */
    rest.plan.pin_based = rest.plan.primary = rest.plan.secondary = (struct plan_controls){0};
    policy_write_settings(to, &rest);
    fclose(to);
    return whole;
}
