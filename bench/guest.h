/* SPDX-License-Identifier: MIT */
/*
 * A guest that the user brings: what is to be run, and what came of it under one policy. Each
 * policy takes a boot of its own, as the guest changes the machine.
 */
#ifndef EXITMETER_BENCH_GUEST_H
#define EXITMETER_BENCH_GUEST_H

#include "../guests/profile.h"
#include "files.h"
#include "policy.h"
#include "target.h"

#include <stdbool.h>

/* What the user asks for. */
struct guest_wish {
    const char *image;
    const char *initrd;       /* NULL: none */
    const char *command_line; /* NULL: none */
    const char *until;        /* NULL: none */
    enum plan_start start;
    uint64_t address; /* of a flat image; 0: the usual one */
    double timeout;   /* seconds of wall clock, each boot */
    struct bytes image_bytes, initrd_bytes;
};

/* Where things lie in the machine; all physical. */
struct guest_layout {
    uint64_t results_size;
    uint64_t core_end;
    uint64_t memory;  /* that the machine has to have */
    uint64_t request; /* address of machine_result.request */
};

struct guest_layout guest_layout(const struct guest_wish *wish);

/* The plan of one boot, to be freed; flags: those of the target. */
void *guest_plan(const struct guest_wish *wish, const struct guest_layout *layout,
                 const struct policy *policy, uint32_t flags, size_t *size);

enum guest_status {
    GUEST_DONE,        /* it ended as it was to */
    GUEST_FAILED,      /* otherwise; the profile up to there may be there */
    GUEST_REFUSED,     /* it cannot be run: bad input */
    GUEST_UNAVAILABLE, /* it cannot be run under this policy here */
};

/* What came of one boot. */
struct guest_outcome {
    enum guest_status status;
    const char *ended; /* one word, for run.json */
    char *reason;      /* in a sentence; never NULL; free() it */
    bool has_header;   /* header is what the image said */
    bool has_profile;  /* result is whole */
    struct results_header header;
    struct machine_result *result; /* a copy; free() it */
    char *emulator;                /* or NULL; free() it */
};

/* Reads what a boot has left. Everything in there is checked, as it may have crashed. */
void guest_outcome_read(const struct guest_wish *wish, const struct boot_end *end,
                        struct guest_outcome *outcome);

void guest_outcome_free(struct guest_outcome *outcome);

#endif
