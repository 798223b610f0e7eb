/* SPDX-License-Identifier: MIT */
/*
 * A profile of a guest under a policy that has everything exit, as policy derive reads it from a
 * run directory: run.json of schema exitmeter.profile/1, and the plan that the policy was run by.
 */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_READ_H
#define EXITMETER_BENCH_POLICY_DERIVE_READ_H

#include "exit_code.h"
#include "policy.h"

#include "../guests/profile.h"

/* Exits of one reason that accessed one thing; ticks are the run's unit. */
struct derive_exits {
    unsigned reason;
    bool is_said;    /* detail means something */
    uint64_t detail; /* as records have it */
    uint64_t count, ticks;
    struct profile_wait waiting; /* part of them */
};

struct derive_run {
    char *image, *unit;
    char *ended;                       /* why the guest's run is not whole; NULL if it is */
    struct policy policy;              /* it ran under */
    uint64_t guest, host;              /* ticks of the whole run */
    uint64_t exits;                    /* those that are in no list included */
    uint64_t unlisted, unlisted_ticks; /* found no room in the list of details */
    uint64_t uncounted; /* exits that were lost, or whose stamps do not follow one another */
    bool has_transition;
    uint64_t transition; /* median of a VM exit and a VM entry beside the core's ticks */
    bool is_exact;       /* a tick is an instruction */
    struct machine_kept kept[MACHINE_KEPT];
    size_t kept_count;
    struct derive_exits *list;
    size_t count;
};

/*
 * Reads the profile under the policy of that name; NULL: the first under which everything exits.
 * CODE_DONE, and *run to be freed; else what is wrong in *error, which is to be freed. Everything
 * in there is checked.
 */
int derive_read(const char *path, const char *policy, struct derive_run *run, char **error);

void derive_run_free(struct derive_run *run);

#endif
