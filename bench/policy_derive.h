/* SPDX-License-Identifier: MIT */
/*
 * The least policy for a guest: from its profile under a policy that has everything exit, what it
 * used passes if policy_audit() finds nothing above a severity in that, and all else exits. And
 * what that saves.
 *
 * An exit that passes saves the core's ticks of it and the transition, less the instruction itself,
 * which is a tick where ticks are instructions. Elsewhere it is not known, and savings are at most
 * what they say: a forwarded access takes its time in the handler too. In a loop that waits (struct
 * profile_wait) that time is the CPU's, not the guest's to go on with: it waits out the same time.
 * So savings are said of both, and the run time is only predicted to fall by the rest.
 */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_H
#define EXITMETER_BENCH_POLICY_DERIVE_H

#include "policy_audit.h"
#include "policy_derive_read.h"

enum derive_kind {
    DERIVE_MSR_READ,
    DERIVE_MSR_WRITE,
    DERIVE_PORTS, /* that one access touches */
    DERIVE_EXCEPTION,
    DERIVE_CR0_BIT,
    DERIVE_CONTROL, /* of policy_control_names() */
    DERIVE_NO_RULE, /* exits by one reason that no rule lets pass */
};

enum derive_verdict {
    DERIVE_PASSES,
    DERIVE_DANGEROUS, /* the audit has it above the severity */
    DERIVE_STAYS,     /* it exits for another reason: why */
};

/* Exits that one rule decides on. */
struct derive_item {
    enum derive_kind kind;
    uint32_t first, last; /* MSR; ports; vector; bit; index of a control; exit reason */
    char *what;           /* "msr 0xe7 IA32_MPERF r", "io 0x3fd com1", "control pause-exiting" */
    enum derive_verdict verdict;
    bool is_audited; /* severity and source mean something */
    enum severity severity;
    const char *why;    /* what the audit says, or why it stays; NULL: there is nothing to say */
    const char *source; /* of the audit */
    uint64_t count, ticks;
    struct profile_wait waiting; /* part of them */
    uint64_t saves;              /* ticks, if it passes */
    uint64_t saves_waiting;      /* part of that in loops that wait */
};

/* What exits took, or are predicted to; ticks. */
struct derive_totals {
    uint64_t exits;
    uint64_t exit_ticks; /* of the core, and transitions */
    uint64_t run_time;   /* guest and core */
};

struct derived {
    enum severity most;
    struct policy policy;      /* what the text compiles to */
    char *text;                /* of the policy */
    struct derive_item *items; /* those that pass by what they save, then the others by cost */
    size_t count, passing;
    uint64_t instruction; /* ticks of one that passes; 0: not known */
    struct derive_totals before, after;
    uint64_t saves, saves_waiting;
    /*
     * What stays in loops that wait: they come round as often as the wait takes, which is not
     * predicted. As their rounds get quicker, up to more_polls of what is saved goes to more of
     * them.
     */
    uint64_t polls, poll_ticks, more_polls;
};

/*
 * 0, and *derived to be freed; else -1 with why in *error, which is to be freed: the audit finds
 * something above most in the run's own policy.
 */
int policy_derive(const struct derive_run *run, enum severity most, struct derived *derived,
                  char **error);

void derived_free(struct derived *derived);

#endif
