/* SPDX-License-Identifier: MIT */
/*
 * Where an experiment can run. A target takes the files of one boot and leaves the results region
 * and the console as files; what they mean is not its business.
 */
#ifndef EXITMETER_BENCH_TARGET_H
#define EXITMETER_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A guest that has the machine. What it writes to its console goes to stdout as it comes. At the
 * end of time, on a signal, or when a text appears, the core is asked to end the run, by a 1 in the
 * 4 bytes at `request`; it then has some seconds to do so.
 */
struct boot_guest {
    const char *image;
    const char *initrd; /* NULL: none */
    const char *until;  /* text that ends the run; NULL: none */
    char *console;      /* file to keep its console in */
    uint64_t memory;    /* bytes that the machine has to have */
    uint64_t request;   /* physical address */
};

/* One boot. */
struct boot {
    const char *core;               /* an ELF file */
    const char *guests;             /* the guest blob */
    const char *plan;               /* the plan, made for target->plan_flags */
    const char *cpu_model;          /* one of target->cpu_models */
    uint32_t cpus;                  /* of the machine */
    const char *console;            /* file to write the console to */
    const char *scratch;            /* an empty directory of its own, removed afterwards */
    uint64_t results_base;          /* physical address of the results region */
    uint64_t results_size;          /* bytes of it */
    double timeout;                 /* seconds of wall clock */
    const struct boot_guest *guest; /* the user's own, which has the machine; NULL: none */
};

/* Why the core was asked to end the run. */
enum boot_asked {
    BOOT_NOT_ASKED,
    BOOT_ASKED_UNTIL, /* the text has appeared */
    BOOT_ASKED_TIME,
    BOOT_ASKED_SIGNAL,
};

/* How it went. All strings are to be freed; boot_end_free(). */
struct boot_end {
    int signal_number; /* we were told to stop; nothing else is set unless asked is */
    enum boot_asked asked;
    bool until_seen;
    char *failure;  /* why there are no results; NULL if there are */
    char *detail;   /* lines of the machine's own log that show why; NULL if none */
    char *results;  /* path of the results region, below boot->scratch; NULL on failure */
    char *emulator; /* what ran it, with its version; NULL if not known */
};

struct target {
    const char *name;
    const char *description;
    const char *unit; /* of every TSC difference */
    uint32_t plan_flags;
    unsigned needs;                /* NEEDED_FOR_* of requirement.h */
    uint64_t results_most;         /* bytes of results that it can hold */
    uint32_t time_limit;           /* as in struct experiment */
    const char *const *cpu_models; /* NULL-terminated; the first is the default */
    const char *const *pmu_models; /* of each of them, as pmu_model.h names it; NULL: none */
    /* Boots; NULL: that cannot be done from here, and elsewhere says what to do instead. */
    void (*boot)(const struct boot *, struct boot_end *);
    const char *elsewhere;
};

extern const struct target target_bochs;
extern const struct target target_native;

extern const struct target *const targets[];
extern const size_t target_count;

/* The PMU model of one of the target's CPU models, or NULL if that has none. */
const char *target_pmu_model(const struct target *target, const char *cpu_model);

void boot_end_free(struct boot_end *end);

#endif
