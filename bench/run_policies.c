/* SPDX-License-Identifier: MIT */
/*
 * From --policy to policies: files, names of shipped ones, and patterns of those.
 */
#include "nearest.h"
#include "run_options.h"
#include "text.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define POLICIES_MOST (PLAN_POLICIES_MAX - 1) /* and calibration's */

/* While names are looked up: the shipped ones, and which of those chosen a pattern has brought. */
struct shipped {
    char **names;
    size_t count;
    bool by_pattern[PLAN_POLICIES_MAX];
};

/* A file is named by its path, which has one of these in it. */
static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[") && !strpbrk(name, "/.");
}

static bool is_same(const struct policy *a, const struct policy *b)
{
    return strcmp(a->sha256, b->sha256) == 0 && a->probe_level == b->probe_level;
}

/* What a pattern brings once more is run once. */
static bool add(struct experiment *experiment, struct shipped *shipped, const char *name,
                bool by_pattern)
{
    struct policy policy;
    char *error;

    if (policy_load(name, &policy, &error) < 0) {
        say("run: %s", error);
        free(error);
        return false;
    }
    for (size_t i = 0; i < experiment->policy_count; i++) {
        const struct policy *other = &experiment->policies[i];
        if (strcmp(other->plan.name, policy.plan.name) != 0)
            continue;
        if ((by_pattern || shipped->by_pattern[i]) && is_same(other, &policy))
            return true;
        say("run: two policies are named '%s'", policy.plan.name);
        return false;
    }
    if (experiment->policy_count == POLICIES_MOST) {
        say("run: at most %u policies fit into one run", POLICIES_MOST);
        return false;
    }
    shipped->by_pattern[experiment->policy_count] = by_pattern;
    experiment->policies[experiment->policy_count++] = policy;
    return true;
}

static bool add_matching(struct experiment *experiment, const char *pattern,
                         struct shipped *shipped)
{
    bool any = false;

    for (size_t i = 0; i < shipped->count; i++) {
        if (fnmatch(pattern, shipped->names[i], 0) != 0)
            continue;
        any = true;
        if (!add(experiment, shipped, shipped->names[i], true))
            return false;
    }
    if (!any) {
        char *hint = nearest_hint(pattern, (const char *const *)shipped->names, shipped->count);
        say("run: no shipped policy matches '%s'%s; `exitmeter list` shows all", pattern, hint);
        free(hint);
    }
    return any;
}

bool run_select_policies(char *const *names, struct experiment *experiment)
{
    static char *const defaults[] = {(char *)(uintptr_t) "passthrough-all",
                                     (char *)(uintptr_t) "intercept-all", NULL};
    struct shipped shipped = {0};
    bool chosen = true;

    shipped.names = policy_names(&shipped.count);
    experiment->policies = zeroed(PLAN_POLICIES_MAX, sizeof(struct policy));
    for (char *const *name = names ? names : defaults; chosen && *name; name++)
        chosen = is_pattern(*name) ? add_matching(experiment, *name, &shipped)
                                   : add(experiment, &shipped, *name, false);
    for (size_t i = 0; i < shipped.count; i++)
        free(shipped.names[i]);
    free(shipped.names);
    return chosen;
}
