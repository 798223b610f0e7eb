/* SPDX-License-Identifier: MIT */
#include "pmu_complaint.h"

#include "nearest.h"
#include "pmu_architectural.h"
#include "pmu_ask.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* libpfm's names are in capitals, and "near" is a matter of characters. */
static char *in_capitals(const char *word, size_t length)
{
    char *capitals = text("%.*s", (int)length, word);
    for (char *c = capitals; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return capitals;
}

static void append(char **list, const char *separator, const char *item)
{
    char *longer = text("%s%s%s", *list, **list ? separator : "", item);
    free(*list);
    *list = longer;
}

/* The models that have just this, "" if none; to be freed. */
static char *models_with(const char *item)
{
    char *list = text("%s", "");
    for (size_t i = 0; i < pmu_model_count; i++)
        if (pmu_event_exists(item, &pmu_models[i]))
            append(&list, ", ", pmu_models[i].name);
    return list;
}

static char *hint_for_event(const char *item, const struct pmu_model *model)
{
    size_t count = 0, length = strcspn(item, ":.");
    pfm_pmu_info_t pmu;
    int known = pmu_model_info(model, &pmu) ? pmu.nevents : 0;
    const char **names = zeroed((size_t)known + 2 * pmu_architectural_count, sizeof(*names));
    char *word = text("%.*s", (int)length, item);
    for (size_t i = 0; i < pmu_architectural_count; i++) {
        const struct pmu_architectural *event = &pmu_architectural_events[i];
        if (!pmu_architectural_on(event, model))
            continue;
        names[count++] = event->name;
        if (event->alias)
            names[count++] = event->alias;
    }
    char *hint = nearest_hint(word, names, count);
    if (!*hint) {
        free(hint);
        free(word);
        word = in_capitals(item, length);
        int next = known ? pmu.first_event : -1;
        for (count = 0; next != -1 && count < (size_t)known; next = pfm_get_event_next(next)) {
            pfm_event_info_t info = {.size = sizeof(info)};
            if (pfm_get_event_info(next, PFM_OS_NONE, &info) == PFM_SUCCESS)
                names[count++] = info.name;
        }
        hint = nearest_hint(word, names, count);
    }
    free(word);
    free(names);
    return hint;
}

static char *unknown_event(const char *item, const struct pmu_model *model)
{
    char *hint = hint_for_event(item, model);
    char *complaint = text("%s has no event '%s'%s", model->name, item, hint);
    free(hint);
    return complaint;
}

/* The attributes of an event as libpfm calls them: unit masks, or modifiers; names to be freed. */
static size_t attributes(const pfm_event_info_t *event, bool unit_masks, const char ***names)
{
    size_t count = 0;
    int i;
    *names = zeroed((size_t)event->nattrs, sizeof(**names));
    pfm_for_each_event_attr(i, event)
    {
        pfm_event_attr_info_t info = {.size = sizeof(info)};
        if (pfm_get_event_attr_info(event->idx, i, PFM_OS_NONE, &info) == PFM_SUCCESS &&
            (info.type == PFM_ATTR_UMASK) == unit_masks)
            (*names)[count++] = info.name;
    }
    return count;
}

static bool among(const char *part, size_t length, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && strncasecmp(part, names[i], length) == 0)
            return true;
    return false;
}

static char *joined(const char *const *names, size_t count)
{
    char *list = text("%s", "");
    for (size_t i = 0; i < count; i++)
        append(&list, ", ", names[i]);
    return list;
}

/* Finds the part that is neither a unit mask nor a modifier of the event. NULL if none is. */
static char *unknown_part(const char *item, const struct pmu_model *model,
                          const pfm_event_info_t *event)
{
    const char **masks, **modifiers, *part = item + strcspn(item, ":.");
    size_t mask_count = attributes(event, true, &masks);
    size_t modifier_count = attributes(event, false, &modifiers);
    char *complaint = NULL, *list = joined(modifiers, modifier_count);
    while (*part && !complaint) {
        size_t length = strcspn(++part, ":."), name_length = strcspn(part, ":.=");
        char *word = in_capitals(part, length), *hint = nearest_hint(word, masks, mask_count);
        if (among(part, name_length, modifiers, modifier_count) ||
            (name_length == length && among(part, length, masks, mask_count)))
            complaint = NULL;
        else if (name_length < length)
            complaint = text("%s of %s has no modifier '%.*s'; it has %s", event->name, model->name,
                             (int)length, part, list);
        else
            complaint = text("%s of %s has no unit mask or modifier '%.*s'%s", event->name,
                             model->name, (int)length, part, hint);
        free(hint);
        free(word);
        part += length;
    }
    free(list);
    free(masks);
    free(modifiers);
    return complaint;
}

static char *needs_unit_mask(const struct pmu_model *model, const pfm_event_info_t *event)
{
    const char **names;
    size_t count = attributes(event, true, &names);
    char *list = joined(names, count);
    char *complaint =
        text("%s of %s needs a unit mask, or another: %s", event->name, model->name, list);
    free(list);
    free(names);
    return complaint;
}

static char *reason(const char *item, const struct pmu_model *model, int code)
{
    char *name = text("%s::%.*s", model->name, (int)strcspn(item, ":."), item);
    pfm_event_info_t event = {.size = sizeof(event)};
    int found = code == PFM_ERR_NOTFOUND ? -1 : pfm_find_event(name);
    free(name);
    if (found < 0 || pfm_get_event_info(found, PFM_OS_NONE, &event) != PFM_SUCCESS)
        return code == PFM_ERR_NOTFOUND
                   ? unknown_event(item, model)
                   : text("'%s' for %s: %s", item, model->name, pfm_strerror(code));
    if (code == PFM_ERR_UMASK)
        return needs_unit_mask(model, &event);
    char *complaint = code == PFM_ERR_ATTR ? unknown_part(item, model, &event) : NULL;
    if (!complaint && code == PFM_ERR_ATTR_VAL)
        complaint =
            text("'%s' for %s: the value of a modifier is not one it can have", item, model->name);
    if (!complaint && code == PFM_ERR_ATTR_SET)
        complaint = text("'%s' for %s: a modifier or unit mask is there twice", item, model->name);
    if (!complaint && code == PFM_ERR_FEATCOMB)
        complaint = text("'%s' for %s: these unit masks and modifiers do not go together", item,
                         model->name);
    return complaint ? complaint : text("'%s' for %s: %s", item, model->name, pfm_strerror(code));
}

char *pmu_complaint(const char *item, const struct pmu_model *model, int code)
{
    char *why = reason(item, model, code), *others = models_with(item);
    char *complaint;
    if (*others)
        complaint = text("%s; it is on %s", why, others);
    else
        complaint =
            text("%s; `exitmeter pmu list --pmu-model %s` shows what there is", why, model->name);
    free(others);
    free(why);
    return complaint;
}
