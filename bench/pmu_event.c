/* SPDX-License-Identifier: MIT */
#include "pmu_event.h"

#include "pmu_architectural.h"
#include "pmu_ask.h"
#include "pmu_complaint.h"
#include "pmu_correction.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MSR_OFFCORE_RSP_0 0x1a6u
#define MSR_OFFCORE_RSP_1 0x1a7u
#define MSR_PEBS_FRONTEND 0x3f7u

/* What makes an event another than its event select and unit mask alone say. */
#define CHANGED \
    (PMU_EDGE | PMU_ANY_THREAD | PMU_INVERT | PMU_COUNTER_MASK | PMU_IN_TX | PMU_IN_TXCP)

/*
 * Events of which a part of the definition is in an MSR, which libpfm gives as a second value. The
 * load latency threshold, another such value, is not here: what goes with it counts by PEBS alone.
 */
static const struct {
    uint32_t code, msr;
} extra_msrs[] = {
    {0x01b7, MSR_OFFCORE_RSP_0}, {0x02b7, MSR_OFFCORE_RSP_1}, {0x01bb, MSR_OFFCORE_RSP_1},
    {0x012a, MSR_OFFCORE_RSP_0}, {0x012b, MSR_OFFCORE_RSP_1}, {0x01c6, MSR_PEBS_FRONTEND},
};

/* libpfm's signs for the fixed counters: event select 0, the unit mask is the counter's number. */
static const uint32_t fixed_codes[] = {0x0100, 0x0200, 0x0300, 0x0400};

/* Events that a fixed counter counts as well as a general one, given nothing changes them. */
static const struct {
    uint32_t code;
    int fixed;
    bool general; /* counters can count it too */
} fixed_twins[] = {
    {0x00c0, 0, true},  /* INST_RETIRED.ANY_P */
    {0x003c, 1, true},  /* CPU_CLK_UNHALTED.THREAD_P */
    {0x01a4, 3, true},  /* TOPDOWN.SLOTS_P; where there is a fixed counter 3 */
    {0x01c0, 0, false}, /* INST_RETIRED.PREC_DIST; likewise, a general counter's before */
};

/* Settles which counters can count it. Returns NULL, or what is wrong. */
static char *place(struct pmu_event *event, const struct pmu_model *model)
{
    uint32_t code = event->selector & (PMU_EVENT_SELECT | PMU_UNIT_MASK);
    bool changed = event->selector & CHANGED;
    event->fixed = -1;
    for (int i = 0; (code & PMU_EVENT_SELECT) == 0 && i < 4; i++)
        if (code == fixed_codes[i])
            event->fixed = i;
    if ((code & PMU_EVENT_SELECT) == 0) {
        event->selector &= ~(PMU_EVENT_SELECT | PMU_UNIT_MASK);
        if (event->fixed < 0 || (uint32_t)event->fixed >= model->fixed_counters)
            return text("'%s' has no counter of its own on %s", event->name, model->name);
        return changed ? text("'%s' counts on fixed counter %d alone, which has no modifiers but "
                              "k and u",
                              event->name, event->fixed)
                       : NULL;
    }
    event->counters = pmu_counters(model->restrictions, event->selector);
    for (size_t i = 0; !changed && i < sizeof(fixed_twins) / sizeof(fixed_twins[0]); i++)
        if (code == fixed_twins[i].code && (i < 2 || model->fixed_counters > 3)) {
            event->fixed = fixed_twins[i].fixed;
            event->counters = fixed_twins[i].general ? event->counters : 0;
            event->selector &= fixed_twins[i].general ? ~0ull : ~(PMU_EVENT_SELECT | PMU_UNIT_MASK);
        }
    return NULL;
}

/* The privilege modifiers of a generic name, "" or ":k:u=0" and so on. Returns NULL or an error. */
static char *read_privilege(const char *name, const char *modifiers, uint64_t *selector)
{
    static const struct {
        const char *text;
        uint64_t set, clear;
    } known[] = {
        {"k", PMU_OS, 0},  {"k=1", PMU_OS, 0},  {"k=0", 0, PMU_OS},
        {"u", PMU_USR, 0}, {"u=1", PMU_USR, 0}, {"u=0", 0, PMU_USR},
    };
    uint64_t set = 0, clear = 0;
    while (*modifiers) {
        size_t length = strcspn(++modifiers, ":."), i = 0, count = sizeof(known) / sizeof(known[0]);
        while (i < count && (strlen(known[i].text) != length ||
                             strncasecmp(known[i].text, modifiers, length) != 0))
            i++;
        if (i == count)
            return text("'%s': a generic event has the modifiers k and u alone, not '%.*s'", name,
                        (int)length, modifiers);
        set |= known[i].set;
        clear |= known[i].clear;
        modifiers += length;
    }
    *selector = set ? set : PMU_OS & ~clear;
    return NULL;
}

static char *encode_architectural(const struct pmu_architectural *generic, const char *item,
                                  const struct pmu_model *model, struct pmu_event *event)
{
    uint64_t privilege = 0;
    if (!pmu_architectural_on(generic, model))
        return pmu_complaint(item, model, PFM_ERR_NOTFOUND);
    char *error = read_privilege(item, item + strcspn(item, ":."), &privilege);
    if (error)
        return error;
    event->selector = generic->code | privilege;
    event->full_name =
        text("%s:k=%d:u=%d", generic->title, (privilege & PMU_OS) != 0, (privilege & PMU_USR) != 0);
    if (generic->code)
        return place(event, model);
    event->fixed = generic->fixed;
    return NULL;
}

static void correct(struct pmu_event *event, const struct pmu_model *model)
{
    const struct pmu_correction *correction = pmu_correction_find(model->name, event->full_name);
    if (!correction)
        return;
    uint64_t code = PMU_EVENT_SELECT | PMU_UNIT_MASK;
    event->selector = (event->selector & ~code) | (correction->code & code);
    if ((event->selector & PMU_COUNTER_MASK) == 0) /* else the user's own */
        event->selector |= correction->code & ~code;
    event->extra_msr = correction->extra_msr;
    event->extra_value = correction->extra_value;
}

static char *encode_by_library(const char *item, const struct pmu_model *model,
                               struct pmu_event *event)
{
    uint64_t codes[2];
    int code = pmu_ask(item, model, codes, &event->full_name);
    if (code != PFM_SUCCESS)
        return pmu_complaint(item, model, code);
    event->selector = codes[0] & PMU_SELECTOR_BITS;
    event->extra_value = codes[1];
    for (size_t i = 0; codes[1] && i < sizeof(extra_msrs) / sizeof(extra_msrs[0]); i++)
        if ((event->selector & (PMU_EVENT_SELECT | PMU_UNIT_MASK)) == extra_msrs[i].code)
            event->extra_msr = extra_msrs[i].msr;
    correct(event, model);
    if (event->extra_value && !event->extra_msr)
        return text("'%s' counts by PEBS alone, which is not used here", item);
    return place(event, model);
}

/* Encodes one; returns NULL or what is wrong. */
static char *encode(const char *name, const struct pmu_model *model, struct pmu_event *event)
{
    const char *item = name, *colons = strstr(name, "::");
    *event = (struct pmu_event){.name = text("%s", name)};
    if (colons) { /* libpfm's way to name the model, too */
        item = colons + 2;
        if (strlen(model->name) != (size_t)(colons - name) ||
            strncasecmp(model->name, name, strlen(model->name)) != 0)
            return text("'%s' is of another PMU model than the %s that is wanted", name,
                        model->name);
    }
    const struct pmu_architectural *generic = pmu_architectural_find(item, strcspn(item, ":."));
    char *error = generic ? encode_architectural(generic, item, model, event)
                          : encode_by_library(item, model, event);
    if (!error && !(event->selector & PMU_OS))
        error = text("'%s' would count at CPL 3 alone, and the host and the guests are at CPL 0; "
                     ":k:u counts at both",
                     name);
    return error;
}

static char *twice(const struct pmu_event *events, size_t last)
{
    for (size_t i = 0; i < last; i++)
        if (strcasecmp(events[i].full_name, events[last].full_name) == 0)
            return text("'%s' is there twice%s%s", events[i].name,
                        strcmp(events[i].name, events[last].name) ? ", also as " : "",
                        strcmp(events[i].name, events[last].name) ? events[last].name : "");
    return NULL;
}

int pmu_events_encode(const char *list, const struct pmu_model *model, struct pmu_event **events,
                      size_t *count, char **error)
{
    size_t most = 1;
    for (const char *c = list; *c; c++)
        most += *c == ',';
    *count = 0;
    *events = NULL;
    if (!pmu_library_open(error))
        return -1;
    *error = NULL;
    *events = zeroed(most, sizeof(**events));
    for (const char *next = list; !*error && *count < most; next += *next == ',') {
        size_t length = strcspn(next, ",");
        char *name = printable(text("%.*s", (int)length, next));
        *error = length == 0 ? text("an empty name in the list of events")
                             : encode(name, model, &(*events)[*count]);
        ++*count;
        if (!*error)
            *error = twice(*events, *count - 1);
        free(name);
        next += length;
    }
    if (!*error)
        return 0;
    pmu_events_free(*events, *count);
    *events = NULL;
    *count = 0;
    return -1;
}

void pmu_events_free(struct pmu_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(events[i].name);
        free(events[i].full_name);
    }
    free(events);
}
