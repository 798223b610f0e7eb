/* SPDX-License-Identifier: MIT */
/*
 * A guest of a few exits, run with an event before one instruction of the host's after another, and
 * whether it noticed (step.h).
 */
#ifndef EXITMETER_CORE_TESTS_TARGET_SWEEP_H
#define EXITMETER_CORE_TESTS_TARGET_SWEEP_H

#include "guest.h"
#include "step.h"

#define SWEEP_FRAME (VCPU_FRAME_END + 5 * 8) /* the guest's registers in struct vcpu */

/* The guest's run: what is left of it must be the same with and without the event. */
struct outcome {
    uint64_t cause; /* enum stop_cause; compared by its bytes: no padding */
    uint64_t registers[SWEEP_FRAME / 8], rsp, rip;
    char stack[PAGE_SIZE];
    uint64_t records;
};

struct watched {
    struct guest guest;
    enum vcpu_path path;
    char *ring;
    struct outcome outcome;
};

extern struct watched sweep_watched;

/*
 * The guest with that code, its NMI handler so many bytes into it (0: it takes none); false if it
 * cannot be had. The host is as it is to be from now on.
 */
bool sweep_create(struct watched *w, struct guest_code code, uint64_t nmi_handler);
bool sweep_destroy(struct watched *w);

/* The host is as it is to be at every step. */
void sweep_note_host(void);

/* To the guest's start, on w->path. */
bool sweep_prepare(struct watched *w);

/* A body for step_through(): runs the guest; argument: struct watched *. */
void sweep_play(void *argument);

/* Completes w->outcome with what the guest has left. */
void sweep_take_down(struct watched *w);

/* NMIs that the guest has taken, or that wait for it. Asks once: they no longer wait then. */
unsigned sweep_nmis(struct watched *w);

/*
 * What the guest leaves undisturbed, the host being watched at every step, and how often the host
 * is entered or about to enter the guest. NULL, or what is wrong.
 */
const char *sweep_look(struct watched *w, struct outcome *reference, uint32_t *visits);

/*
 * The event before every stride-th instruction; points goes up by one for each. NULL, or what went
 * wrong, which the console has too.
 */
const char *sweep_run(struct watched *w, enum step_event event, uint32_t stride, uint32_t *points);

#endif
