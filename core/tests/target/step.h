/* SPDX-License-Identifier: MIT */
/*
 * Stepping through the host's own code, an instruction at a time, and making one thing happen right
 * before one of them: an NMI, or an exception that the host has no answer to. A VM exit clears TF
 * and the debug registers, so the first instruction is found by an INT3 in its place, and the next
 * by TF.
 */
#ifndef EXITMETER_CORE_TESTS_TARGET_STEP_H
#define EXITMETER_CORE_TESTS_TARGET_STEP_H

#include <stdbool.h>
#include <stdint.h>

enum step_event {
    STEP_NOTHING, /* counts the steps, and asks step_check at each */
    STEP_NMI,     /* by this CPU's local APIC, to itself */
    STEP_GP,      /* #GP: INT by a gate that is none, in place of the instruction */
    STEP_UD,      /* #UD, likewise */
    STEP_MC, /* INT 18: the machine check's gate and stack; there is no other way to cause it */
};

#define STEP_NONE UINT32_MAX

struct step_plan {
    uint64_t at[2]; /* where stepping begins: addresses of instructions; 0: none */
    uint32_t visit; /* ... when any of them is reached this often, from 0 on; STEP_NONE: never */
    uint32_t step;  /* the event comes before this instruction of those, from 0 on */
    enum step_event event;
};

/* What came of it. */
struct step_found {
    uint32_t visits;   /* how often an instruction of plan.at was reached */
    uint32_t steps;    /* instructions before which the host was stopped in plan.visit */
    bool happened;     /* the event */
    uint64_t rip;      /* ... and before which instruction */
    const char *wrong; /* NULL, or what of the host's state was not as it is to be at some step */
    char reason[128];  /* what boot_fail() was told; empty: it was not called */
};

/*
 * Runs body(argument) under the plan, on the CPU that booted, with interrupts off and its local
 * APIC in x2APIC mode. Comes back when body does, or when boot_fail() is called: then what body
 * held stays held.
 */
struct step_found step_through(const struct step_plan *plan, void (*body)(void *), void *argument);

/* Runs body(argument) in the handler of an NMI that this CPU sends to itself: NMIs are blocked. */
void step_while_nmis_are_blocked(void (*body)(void *), void *argument);

/* For image_failed(): goes back to step_through(), if that runs; else returns. */
void step_failed(const char *reason);

/* What must be so at every step where nothing is to happen: returns what is not, or NULL. */
extern const char *(*step_check)(uint64_t rsp);

#endif
