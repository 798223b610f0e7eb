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

struct monitor;

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
    int pin;                        /* host CPU to run on; -1: any one */
    const char *accelerator;        /* of QEMU (qemu.h); NULL: the target has none */
    const char *events;             /* for targets without our core: to be counted; or NULL */
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
    char *failure;           /* why there are no results; NULL if there are */
    bool unavailable;        /* ... which is that the machine cannot do it at all */
    char *detail;            /* lines of the machine's own log that show why; NULL if none */
    char *results;           /* path of the results region, below boot->scratch; NULL on failure */
    char *emulator;          /* what ran it, with its version; NULL if not known */
    double seconds;          /* of wall clock that the machine ran; 0: as long as boot() took */
    struct monitor *monitor; /* what a monitor that is not our core says; NULL: it is ours */
};

struct target {
    const char *name;
    const char *description;
    const char *unit; /* of every TSC difference */
    uint32_t plan_flags;
    unsigned needs; /* NEEDED_FOR_* of requirement.h */
    /*
     * Name of the policy that is the monitor's own and the only one unless others are named; NULL:
     * the monitor is our core, which has probes and does as any policy says.
     */
    const char *own_policy;
    bool own_policy_alone;   /* nothing that the monitor does can be told to it */
    bool benchmarks_alone;   /* no guest of the user's own */
    const char *image;       /* what it boots of ours, as places.h has it; NULL: nothing */
    unsigned needs_emulated; /* with --accel tcg; 0: the target has no --accel */
    bool may_emulate;      /* that is what it does where there is no KVM, unless --accel says kvm */
    bool nested;           /* what is measured runs in a virtual machine itself */
    double timeout;        /* seconds of wall clock that a boot has; 0: the usual */
    bool parallel;         /* boots beside one another do not change the figures */
    uint64_t results_most; /* bytes of results that it can hold */
    uint32_t time_limit;   /* as in struct experiment */
    const char *const *cpu_models; /* NULL-terminated; the first is the default */
    const char *const *pmu_models; /* of each of them, as pmu_model.h names it; NULL: none */
    /* Boots; NULL: that cannot be done from here, and elsewhere says what to do instead. */
    void (*boot)(const struct boot *, struct boot_end *);
    const char *elsewhere;
};

extern const struct target target_bochs;
extern const struct target target_native;
extern const struct target target_kvm;
extern const struct target target_qemu;
extern const struct target target_vm;

extern const struct target *const targets[];
extern const size_t target_count;
#define TARGETS_MAX 8u

/* The accelerator that a boot will have; `given` by --accel, or NULL. NULL: the target has none. */
const char *target_accelerator(const struct target *target, const char *given);

/* NEEDED_FOR_* of a boot with it. */
unsigned target_needs(const struct target *target, const char *accelerator);

/* The PMU model of one of the target's CPU models, or NULL if that has none. */
const char *target_pmu_model(const struct target *target, const char *cpu_model);

void boot_end_free(struct boot_end *end);

#endif
