/* SPDX-License-Identifier: MIT */
/*
 * A plan of three jobs for the driver: two of row "first", one of row "second" under another
 * policy; at the probe levels off, counts and stamps; the last in several rounds. The guest notes
 * how it was entered, leaves samples and records, and is done.
 */
#ifndef EXITMETER_GUESTS_TESTS_JOBS_FIXTURE_H
#define EXITMETER_GUESTS_TESTS_JOBS_FIXTURE_H

#include "driver_fixture.h"

#define JOBS    3u
#define SAMPLES 20u
#define COUNTS  5u
#define ROUNDS  3u /* of the last job */
#define ENTRIES (JOBS * PHASE_COUNT + 2 * (ROUNDS - 1))

extern struct jobs_plan {
    struct plan_header header;
    struct plan_policy policies[2];
    struct plan_group group;
    struct plan_job jobs[JOBS];
} plan;

/* What the guest saw at each entry, and when it is to give up. */
extern struct jobs_entry {
    uint64_t row, code, samples, rip, rsp, cr3;
    uintptr_t host_rip;
    uint64_t cr3_targets, cr3_target;
    bool ports, ones; /* whether the vCPU has a table of ports, and what that says */
    bool answers;     /* whether MSRs are answered as the second policy says */
} entries[ENTRIES];
extern unsigned entry_count, failing_entry;

/* Entries of the second CPU's guest, and whether they fail. */
extern unsigned other_count;
extern bool other_fails;

/* The entry that began the last round of a phase. */
unsigned entry_of(unsigned job, int phase);

struct job_result *result_of(unsigned job);
void expect_job(unsigned job, enum result_status status, const char *reason);

/* The guest: the stub_guest that tests put another in front of. */
enum vmx_failure jobs_guest(struct vcpu *vcpu);

int jobs_setup(void **state);

#define jobs_test(function) cmocka_unit_test_setup_teardown(function, jobs_setup, driver_teardown)

#endif
