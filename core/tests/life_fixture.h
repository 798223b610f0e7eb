/* SPDX-License-Identifier: MIT */
/*
 * The life of two vCPUs on one CPU, from VMXON to VMXOFF, step by step: tests make something in it
 * fail. Each entry is held to find the VMCS as it was in the same step of a life without failures.
 */
#ifndef EXITMETER_CORE_TESTS_LIFE_FIXTURE_H
#define EXITMETER_CORE_TESTS_LIFE_FIXTURE_H

#include "tests.h"

#include "../vmx/demand.h"
#include "../vmx/vcpu.h"
#include "../vmx/vmxon.h"

#define LIFE_STEPS 27u

extern struct life {
    struct vmx_cpu cpu;
    struct ept ept;
    struct demand demand;
    struct vcpu *first, *second;
    struct vcpu_policy policy, richer;
    char *bitmaps, *memory;
    const char *said;     /* by the step taken last, of its failure; NULL: it has no words */
    unsigned step;        /* that is being taken: the test counts */
    unsigned entered;     /* entries so far */
    uint64_t entry_error; /* of life_fail_to_enter(); SDM 31.4 */
    bool expect_whole;    /* hold each entry's VMCS to that of the life without failures */
} life;

extern const struct life_step {
    const char *name;
    bool (*take)(void); /* false: it failed; it can be taken again */
    bool keeps;         /* tables that stay in the map's use */
} life_steps[LIFE_STEPS];

/* A CPU and memory; and that all is given back, and the CPU saw no fault. */
void life_begin(void);
void life_end(void);

/* The next life is the one without failures that others are held to. */
void life_forget(void);

/* What steps take that tests know by name. */
bool life_enable(void);
bool life_make_map(void);
bool life_create_first(void);
bool life_create_second(void);
bool life_apply_second(void);
bool life_start_second(void);
bool life_stamp(void);
bool life_count(void);
bool life_run_first(void);
bool life_run_second(void);
bool life_fail_to_enter(void);
bool life_destroy_first(void);
bool life_destroy_second(void);

/* Enters it; the entry ends so. Whether the vCPU stopped for that cause. */
bool life_run(struct vcpu *vcpu, enum vmx_failure so, enum stop_cause cause);

#endif
