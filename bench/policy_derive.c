/* SPDX-License-Identifier: MIT */
#include "policy_derive.h"

#include "policy_derive_item.h"
#include "policy_derive_text.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void gather(const struct derive_run *run, struct derived *derived)
{
    derived->items = zeroed(run->count + 1, sizeof(*derived->items));
    for (size_t i = 0; i < run->count; i++) {
        const struct derive_exits *exits = &run->list[i];
        struct derive_item item = derive_item_of(exits);
        size_t at = 0;
        while (at < derived->count && !derive_item_is(&derived->items[at], &item))
            at++;
        if (at == derived->count)
            derived->items[derived->count++] = item;
        struct derive_item *into = &derived->items[at];
        into->count += exits->count;
        into->ticks += exits->ticks;
        into->waiting.count += exits->waiting.count;
        into->waiting.ticks += exits->waiting.ticks;
        into->waiting.elapsed += exits->waiting.elapsed;
    }
}

/* Findings of one policy that another does not have as well; those of nothing that passes. */
struct findings {
    struct audit_finding *list;
    size_t count;
};

static bool has(const struct findings *all, const struct audit_finding *finding)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].item, finding->item) == 0 &&
            strcmp(all->list[i].access, finding->access) == 0)
            return true;
    return false;
}

/* By what the audit finds once this item passes, and nothing else: the worst of it. */
static void audit(struct derive_item *item, const struct plan_policy *plan,
                  const struct findings *before, enum severity most)
{
    struct plan_policy with = *plan;
    struct findings found;
    size_t i = 0;

    derive_item_pass(&with, item);
    found.count = policy_audit(&with, &found.list);
    while (i < found.count && has(before, &found.list[i]))
        i++;
    item->verdict = DERIVE_PASSES;
    if (i < found.count) { /* the worst comes first */
        item->is_audited = true;
        item->severity = found.list[i].severity;
        item->why = found.list[i].what;
        item->source = found.list[i].source;
        item->verdict = item->severity > most ? DERIVE_DANGEROUS : DERIVE_PASSES;
    }
    audit_free(found.list, found.count);
}

static void judge(const struct derive_run *run, const struct findings *before,
                  struct derived *derived)
{
    for (size_t i = 0; i < derived->count; i++) {
        struct derive_item *item = &derived->items[i];
        const char *stays = derive_item_stays(item, run);
        item->what = derive_item_text(item);
        if (!stays) {
            audit(item, &run->policy.plan, before, derived->most);
            continue;
        }
        item->verdict = DERIVE_STAYS;
        item->why = stays;
    }
}

/* Times of a damaged run may be less than what is in them. */
static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

/* What so many exits save that the core had for so many ticks. */
static uint64_t savings(const struct derive_run *run, uint64_t instruction, uint64_t count,
                        uint64_t ticks)
{
    return less(ticks + count * run->transition, count * instruction);
}

/* The same time, filled by rounds that each lack what is saved; no more than that is. */
static uint64_t more_polls(double staying, double saved, double elapsed)
{
    double left = elapsed - saved, most = left > 0 ? staying * saved / left : staying;
    return (uint64_t)(most < saved ? most : saved);
}

static void predict(const struct derive_run *run, struct derived *derived)
{
    uint64_t elapsed = 0;

    for (size_t i = 0; i < derived->count; i++) {
        struct derive_item *item = &derived->items[i];
        uint64_t waiting =
            savings(run, derived->instruction, item->waiting.count, item->waiting.ticks);
        elapsed += item->waiting.elapsed;
        if (item->verdict != DERIVE_PASSES) {
            derived->polls += item->waiting.count;
            derived->poll_ticks += waiting;
            continue;
        }
        item->saves = savings(run, derived->instruction, item->count, item->ticks);
        item->saves_waiting = waiting < item->saves ? waiting : item->saves;
        derived->saves += item->saves;
        derived->saves_waiting += item->saves_waiting;
        derived->after.exits -= item->count;
    }
    derived->more_polls =
        more_polls((double)derived->poll_ticks, (double)derived->saves_waiting, (double)elapsed);
    derived->after.exit_ticks = less(derived->after.exit_ticks, derived->saves);
    derived->after.run_time =
        less(derived->after.run_time, derived->saves - derived->saves_waiting);
}

static int in_order(const void *a, const void *b)
{
    const struct derive_item *left = a, *right = b;
    bool passes = left->verdict == DERIVE_PASSES;

    if (passes != (right->verdict == DERIVE_PASSES))
        return passes ? -1 : 1;
    uint64_t l = passes ? left->saves : left->ticks, r = passes ? right->saves : right->ticks;
    if (l != r)
        return l > r ? -1 : 1;
    return strcmp(left->what, right->what);
}

static void total(const struct derive_run *run, struct derived *derived)
{
    derived->instruction = run->is_exact ? 1 : 0;
    derived->before = (struct derive_totals){
        .exits = run->exits,
        .exit_ticks = savings(run, derived->instruction, run->exits, run->host),
        .run_time = run->guest + run->host,
    };
    derived->after = derived->before;
}

/* Compiles the text, which must say just what has been derived. NULL, or what is wrong. */
static char *compile(const struct plan_policy *plan, struct derived *derived)
{
    struct policy_error wrong = {0};
    char *message = NULL;

    if (policy_compile(plan->name, derived->text, strlen(derived->text), &derived->policy, &wrong) <
        0)
        message = text("line %u of the derived policy: %s", wrong.line, wrong.message);
    else if (memcmp(&derived->policy.plan, plan, sizeof(*plan)) != 0)
        message = text("the text of the derived policy does not say what was derived");
    free(wrong.message);
    return message;
}

int policy_derive(const struct derive_run *run, enum severity most, struct derived *derived,
                  char **error)
{
    struct plan_policy plan = run->policy.plan;
    struct findings before;

    *derived = (struct derived){.most = most};
    *error = NULL;
    before.count = policy_audit(&plan, &before.list);
    if (before.count && before.list[0].severity > most)
        *error = text("under the run's own policy %s: %s passes, which is %s", plan.name,
                      before.list[0].item, severity_names[before.list[0].severity]);
    if (!*error) {
        gather(run, derived);
        judge(run, &before, derived);
        total(run, derived);
        predict(run, derived);
        qsort(derived->items, derived->count, sizeof(*derived->items), in_order);
        while (derived->passing < derived->count &&
               derived->items[derived->passing].verdict == DERIVE_PASSES)
            derive_item_pass(&plan, &derived->items[derived->passing++]);
        memset(plan.name, 0, sizeof(plan.name));
        strcpy(plan.name, "derived");
        derived->text = policy_derive_text(run, derived);
        *error = compile(&plan, derived);
    }
    audit_free(before.list, before.count);
    if (*error)
        derived_free(derived);
    return *error ? -1 : 0;
}

void derived_free(struct derived *derived)
{
    for (size_t i = 0; i < derived->count; i++)
        free(derived->items[i].what);
    free(derived->items);
    free(derived->text);
    *derived = (struct derived){0};
}
