/* SPDX-License-Identifier: MIT */
#include "policy_derive_base.h"

#include "policy_control.h"
#include "policy_file.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL "intercept-all"

/* What the policy lets pass that intercept-all does not; NULL if there is nothing. */
static char *what_passes(const struct plan_policy *plan, const struct plan_policy *all)
{
    size_t controls;
    const char *const *names = policy_control_names(&controls);

    for (size_t i = 0; i < sizeof(plan->msr_bitmap); i++)
        if (all->msr_bitmap[i] & ~plan->msr_bitmap[i])
            return text("MSRs pass");
    for (size_t i = 0; i < sizeof(plan->io_bitmap_a); i++)
        if (all->io_bitmap_a[i] & ~plan->io_bitmap_a[i] ||
            all->io_bitmap_b[i] & ~plan->io_bitmap_b[i])
            return text("ports pass");
    if (all->exception_bitmap & ~plan->exception_bitmap)
        return text("exceptions pass");
    if (all->cr0_mask & ~plan->cr0_mask || all->cr4_mask & ~plan->cr4_mask)
        return text("changes of CR0 or CR4 pass");
    for (size_t i = 0; i < controls; i++) {
        enum policy_control_state wanted = policy_control_get(all, i);
        enum policy_control_state state = policy_control_get(plan, i);
        if ((wanted == POLICY_CONTROL_ON || wanted == POLICY_CONTROL_WHERE_OFFERED) &&
            state != POLICY_CONTROL_ON && state != POLICY_CONTROL_WHERE_OFFERED)
            return text("%s is off", names[i]);
    }
    return NULL;
}

/* The policy that a profile was made under, from its plan. NULL, or what is wrong. */
static char *read_plan(const char *path, const char *sha256, struct policy *policy)
{
    struct policy plain = {.probe_level = PROBE_FULL};
    struct plan_header header;
    struct bytes plan;
    char *wrong = NULL;

    if (bytes_map(path, &plan) < 0)
        return text("%s: %s", path, strerror(errno));
    if (plan.size < sizeof(header) + sizeof(plain.plan)) {
        wrong = text("%s: not a plan with a policy: cut off", path);
    } else {
        memcpy(&header, plan.data, sizeof(header));
        memcpy(&plain.plan, plan.data + sizeof(header), sizeof(plain.plan));
        if (header.magic != PLAN_MAGIC || header.version != PLAN_VERSION ||
            header.policy_count != 1)
            wrong = text("%s: not a plan of this version of exitmeter with one policy; run the "
                         "guest again",
                         path);
    }
    bytes_unmap(&plan);
    if (wrong)
        return wrong;
    struct policy_file file = policy_file_make(&plain);
    char *message = NULL;
    if (policy_file_read(&file, sizeof(file), policy, &message) < 0)
        wrong = text("%s: %s", path, message);
    else if (strcmp(policy->sha256, sha256) != 0)
        wrong =
            text("%s: not the policy that run.json names: its SHA-256 is %s", path, policy->sha256);
    free(message);
    return wrong;
}

char *derive_base(const char *path, const char *name, const char *sha256, struct policy *policy)
{
    struct policy all;
    char *error;

    /* It comes from run.json, and is to name no file elsewhere. */
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return text("%s/run.json: '%s' is no name of a policy", path, name);
    char *plan = text("%s/policies/%s/plan.bin", path, name);
    error = read_plan(plan, sha256, policy);
    free(plan);
    if (error || policy_load(ALL, &all, &error) < 0)
        return error;
    char *passes = what_passes(&policy->plan, &all.plan);
    if (passes)
        error = text("%s: under %s %s without an exit, which a profile does not show; it takes a "
                     "run with --policy " ALL,
                     path, name, passes);
    free(passes);
    return error;
}
