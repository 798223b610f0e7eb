/* SPDX-License-Identifier: MIT */
/*
 * What this machine must have for which target, one table: doctor prints it, a target's
 * availability follows from it, and a missing thing always comes with what to do about it.
 */
#ifndef EXITMETER_BENCH_REQUIREMENT_H
#define EXITMETER_BENCH_REQUIREMENT_H

#include <stddef.h>

enum requirement_status {
    REQUIREMENT_OK,
    REQUIREMENT_MISSING, /* can be installed or built */
    REQUIREMENT_ABSENT,  /* this machine does not have it */
    REQUIREMENT_NOTE,    /* nothing fails, but figures of real time suffer */
};

struct requirement {
    const char *name;
    enum requirement_status (*check)(const struct requirement *, char **found);
    const char *argument;   /* of check: a program, a path, a module ... */
    const char *package;    /* Debian package that brings it, or NULL */
    const char *what_to_do; /* if there is no package */
    unsigned needed_for;    /* NEEDED_FOR_* */
};

#define NEEDED_FOR_BOCHS        1u
#define NEEDED_FOR_KVM          2u
#define NEEDED_FOR_QEMU         4u
#define NEEDED_FOR_NESTING      8u
#define NEEDED_FOR_ACCELERATION 16u /* QEMU's KVM: the device, whatever KVM it is */

extern const struct requirement requirements[];
extern const size_t requirement_count;

/* Checks one; *found: where or which version it is, or NULL; free() it. */
enum requirement_status requirement_check(const struct requirement *requirement, char **found);

/* "ok", "missing", "absent" or "note". */
const char *requirement_status_name(enum requirement_status status);

/* What to do if it is not there; free() it. */
char *requirement_advice(const struct requirement *requirement);

/* The first that is not there of those needed for any of these, or NULL. */
const struct requirement *requirement_unmet(unsigned needed_for);

#endif
