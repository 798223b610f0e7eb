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

/* The shipped ones, while names are looked up. */
struct shipped {
    char **names;
    size_t count;
};

/* A file is named by its path, which has one of these in it. */
static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?[") && !strpbrk(name, "/.");
}

/* Whether the same policy is there already; *clash: another of that name. */
static bool is_chosen(const struct experiment *experiment, const struct policy *policy, bool *clash)
{
    *clash = false;
    for (size_t i = 0; i < experiment->policy_count; i++) {
        const struct policy *other = &experiment->policies[i];
        if (strcmp(other->plan.name, policy->plan.name) != 0)
            continue;
        *clash =
            strcmp(other->sha256, policy->sha256) != 0 || other->probe_level != policy->probe_level;
        return !*clash;
    }
    return false;
}

/* What is asked for twice is run once. */
static bool add(struct experiment *experiment, const char *name)
{
    struct policy policy;
    char *error;
    bool clash;

    if (policy_load(name, &policy, &error) < 0) {
        say("run: %s", error);
        free(error);
        return false;
    }
    if (is_chosen(experiment, &policy, &clash))
        return true;
    if (clash) {
        say("run: two policies are named '%s'", policy.plan.name);
        return false;
    }
    if (experiment->policy_count == POLICIES_MOST) {
        say("run: at most %u policies fit into one run", POLICIES_MOST);
        return false;
    }
    experiment->policies[experiment->policy_count++] = policy;
    return true;
}

static bool add_matching(struct experiment *experiment, const char *pattern,
                         const struct shipped *shipped)
{
    bool any = false;

    for (size_t i = 0; i < shipped->count; i++) {
        if (fnmatch(pattern, shipped->names[i], 0) != 0)
            continue;
        any = true;
        if (!add(experiment, shipped->names[i]))
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
    struct shipped shipped;
    bool chosen = true;

    shipped.names = policy_names(&shipped.count);
    experiment->policies = zeroed(PLAN_POLICIES_MAX, sizeof(struct policy));
    for (char *const *name = names ? names : defaults; chosen && *name; name++)
        chosen =
            is_pattern(*name) ? add_matching(experiment, *name, &shipped) : add(experiment, *name);
    for (size_t i = 0; i < shipped.count; i++)
        free(shipped.names[i]);
    free(shipped.names);
    return chosen;
}
