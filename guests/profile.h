/* SPDX-License-Identifier: MIT */
/*
 * What a guest that users bring leaves behind in the results region: how its run ended, and where
 * its exits went. The image folds the probes' records into tables of fixed size as it goes, so a
 * run may have any number of exits; what finds no room in a table is counted.
 */
#ifndef EXITMETER_GUESTS_PROFILE_H
#define EXITMETER_GUESTS_PROFILE_H

#include "plan.h"
#include "results.h"

#define PROFILE_DETAILS     4096u /* powers of two, both: the tables are hashed */
#define PROFILE_ADDRESSES   16384u
#define PROFILE_SLICES      256u
#define PROFILE_SLICE_START 65536u /* TSC ticks that a slice is wide at first; it doubles */

/* In place of a record's detail or RIP: its handler does not say. */
#define PROFILE_NOT_SAID UINT64_MAX

/* Sums over exits. Ticks are the core's own: from the first stamp of an exit to its last. */
struct profile_cost {
    uint64_t count;
    uint64_t ticks;
    uint64_t dispatch; /* parts of ticks: up to the handler, ... */
    uint64_t handler;  /* ... and the handler; the rest is what follows it */
    uint64_t vmreads;
    uint64_t vmwrites;
    uint64_t msr_accesses;
};

/*
 * Exits by which the guest waits, part of a detail's: IN, RDMSR, PAUSE, MONITOR and MWAIT that come
 * again from the same address, with the same detail, and nothing but such exits in between. What
 * they wait for comes when it comes: without them the guest waits as long.
 */
struct profile_wait {
    uint64_t count;
    uint64_t ticks;   /* as in struct profile_cost */
    uint64_t elapsed; /* from the end of the exit before to that of each: the guest's time too */
};

/* Exits of one reason that accessed one thing; of EPT violations, one guest-physical page. */
struct profile_detail {
    uint64_t detail; /* as records have it, or PROFILE_NOT_SAID */
    uint32_t reason; /* basic exit reason; PROBE_REASONS - 1: one that the core does not know */
    uint32_t used;   /* 0: the place is free */
    struct profile_cost cost;
    struct profile_wait wait;
};

/* Exits of one reason at one address. */
struct profile_address {
    uint64_t rip; /* of the guest, as records have it, or PROFILE_NOT_SAID */
    uint32_t reason;
    uint32_t used;
    uint64_t count;
    uint64_t ticks;
};

/*
 * What a VM exit and the VM entry behind it take beside the core's own ticks, in which the guest
 * gets nothing done: from the last stamp of an exit to the first of the next, of VMCALLs one right
 * behind the other, before the guest starts. In struct profile it is part of `guest`.
 */
struct profile_transition {
    uint32_t count; /* 0: not measured */
    uint32_t reserved;
    uint64_t least, median, most; /* TSC ticks */
};

/* Slice i lasts from tsc_start + i * slice_width on. */
struct profile_slice {
    uint64_t ticks[PROBE_REASONS];
    uint32_t count[PROBE_REASONS];
};

struct profile {
    uint64_t tsc_start; /* as the guest was first entered */
    uint64_t tsc_end;   /* as it was left for good */
    uint64_t guest;     /* ticks from each VM entry's stamp to the next exit's: transitions too */
    uint64_t host;      /* ticks of the exits below */
    uint64_t folding; /* ticks that making this profile took; neither the guest's nor the host's */
    uint64_t polls;   /* exits of the core's own, to see whether the run is to end; in no table */
    uint64_t lost;    /* exits whose record was lost */
    uint64_t out_of_order; /* records whose time stamps do not follow one another: in no table */
    struct profile_cost reasons[PROBE_REASONS];
    struct profile_cost details_lost; /* found no room in the table below */
    uint64_t addresses_lost;          /* exits, as well */
    uint64_t slice_width;             /* TSC ticks */
    struct profile_detail details[PROFILE_DETAILS];
    struct profile_address addresses[PROFILE_ADDRESSES];
    struct profile_slice slices[PROFILE_SLICES];
};

/* How the guest's run ended. */
enum machine_end {
    MACHINE_NOT_ENDED = 0,
    MACHINE_REFUSED,     /* the guest cannot be loaded: the text says why */
    MACHINE_UNAVAILABLE, /* this CPU cannot do what the policy or the start takes: likewise */
    MACHINE_ASKED,       /* machine_result.request was set */
    MACHINE_DONE,        /* HYPERCALL_PHASE_DONE */
    MACHINE_FAILED,      /* HYPERCALL_FAILED, its code in value */
    MACHINE_POWERED_OFF, /* to a sleep state of ACPI, or by an emulator's own port */
    MACHINE_HALTED,      /* HLT with interrupts off: nothing but an NMI could wake it */
    MACHINE_RESET,       /* it has reset the machine */
    MACHINE_STOPPED,     /* anything else that no guest can go on from; the text says what */
    MACHINE_ENDS
};

#define MACHINE_TEXT 256u
#define MACHINE_KEPT 16u

/* Ports that exit under every policy, as the core has them: both inclusive. */
struct machine_kept {
    uint16_t first, last;
};

/* The MSR whose writes do: IA32_APIC_BASE. */
#define MACHINE_KEPT_MSR 0x1bu

struct machine_result {
    uint32_t request; /* anybody's to set: the run is to end. All else here is the image's */
    uint32_t end;     /* enum machine_end */
    uint64_t value;
    char text[MACHINE_TEXT]; /* NUL-terminated */
    char kind[32];           /* what the image is: "Linux bzImage" and the like; NUL-terminated */
    uint64_t memory;         /* bytes of RAM that the guest was told of */
    struct controls_in_force controls;
    uint32_t kept_count; /* of kept */
    uint32_t reserved;
    struct machine_kept kept[MACHINE_KEPT];
    struct profile_transition transition;
    struct profile profile;
};

_Static_assert(sizeof(struct profile_cost) == 56, "wire format");
_Static_assert(sizeof(struct profile_detail) == 96, "wire format");
_Static_assert(sizeof(struct profile_address) == 32, "wire format");
_Static_assert(sizeof(struct profile_slice) == 1152, "wire format");
_Static_assert(offsetof(struct machine_result, profile) == 448, "wire format");

#endif
