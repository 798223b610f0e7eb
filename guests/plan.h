/* SPDX-License-Identifier: MIT */
/*
 * The plan: what the harness hands to the image as a multiboot2 module, and all the image knows of
 * policies. Little-endian, fixed layout:
 *
 *   struct plan_header | struct plan_policy[policy_count] | struct plan_job[job_count]
 *
 * The image parses no text and trusts nothing in here: plan_check() states what it checks.
 */
#ifndef EXITMETER_GUESTS_PLAN_H
#define EXITMETER_GUESTS_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define PLAN_MAGIC        0x314e414c504d5845ull /* "EXMPLAN1", little-endian */
#define PLAN_VERSION      5u
#define PLAN_NAME_SIZE    48u /* bytes of a name, its NUL included */
#define PLAN_POLICIES_MAX 64u
#define PLAN_JOBS_MAX     4096u
#define PLAN_ROUNDS_MAX   1000000u

/* plan_header.flags */
#define PLAN_MAGIC_BREAK \
    1u /* XCHG BX,BX when the results are complete: Bochs's debugger takes them */
#define PLAN_CONSOLE_PARALLEL 2u /* console on parallel port 0x378 */
#define PLAN_CONSOLE_SERIAL   4u /* console on COM1 */
#define PLAN_FLAGS_ALL        7u

struct plan_header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint64_t size;         /* bytes of the whole plan */
    uint64_t results_base; /* physical address of the results region, 4 KiB aligned */
    uint64_t results_size; /* bytes of it, a multiple of 4 KiB; see results_size() in results.h */
    uint32_t policy_count;
    uint32_t job_count;
    uint64_t host_timer; /* TSC ticks between two interrupts of the host's own; 0: it has none */
    uint64_t reserved;
};

/* Control bits a policy wants set or clear, as in the VM-execution control fields. */
struct plan_controls {
    uint32_t set;
    uint32_t clear;
    uint32_t where_offered; /* set where the CPU offers it */
};

/* Bits of one output register of a CPUID leaf that the guest is not to see. */
struct plan_cpuid_hidden {
    uint32_t leaf;
    uint32_t subleaf; /* PLAN_ANY_SUBLEAF: of every one */
    uint32_t output;  /* 0 to 3: EAX, EBX, ECX, EDX */
    uint32_t bits;    /* 0: this place is not in use */
};

#define PLAN_ANY_SUBLEAF  UINT32_MAX
#define PLAN_CPUID_HIDDEN 16u

struct plan_policy {
    char name[PLAN_NAME_SIZE];
    struct plan_controls pin_based;
    struct plan_controls primary;
    struct plan_controls secondary;
    uint32_t exception_bitmap; /* a bit a vector; NMIs and #MC exit whatever it says */
    uint32_t reserved[2];
    struct plan_cpuid_hidden cpuid[PLAN_CPUID_HIDDEN];
    uint8_t msr_bitmap[4096];  /* read low, read high, write low, write high: 1 KiB each */
    uint8_t io_bitmap_a[4096]; /* ports 0x0000-0x7fff */
    uint8_t io_bitmap_b[4096]; /* ports 0x8000-0xffff */
    /*
     * What an access that exits comes to, where that is not what the core makes of it by itself. An
     * MSR that is emulated reads as 0 and is written nowhere, if the core does not keep it for the
     * guest; one that is refused is #GP. A port that is emulated reads ones and is written nowhere,
     * if nobody has claimed it.
     */
    uint8_t msr_answers[4096];   /* emulated low, high, refused low, high: 1 KiB each */
    uint8_t port_emulated[8192]; /* ports 0x0000-0xffff */
};

/* One benchmark under one policy, once. */
struct plan_job {
    char benchmark[PLAN_NAME_SIZE]; /* name of a row of the guest blob */
    uint32_t policy;                /* index into the policies */
    uint32_t repetition;            /* 0, 1, ... : told apart in the results only */
    uint32_t probe_level;           /* PROBE_* bits of probes/record.h */
    uint32_t samples;               /* of the control phase and of the op phase, each */
    uint32_t count_samples;         /* of the two counting phases, each */
    uint32_t time_limit;            /* guest time of each round, in 2^20 TSC ticks; 0: none */
    uint32_t exits_room;            /* records that there is room for, an operation */
    uint32_t rounds; /* of the measured phases, one or more: see struct phase_folded */
    uint32_t reserved[2];
    uint64_t results_offset; /* of this job's struct job_result, from results_base */
};

_Static_assert(sizeof(struct plan_header) == 64, "wire format");
_Static_assert(sizeof(struct plan_policy) == 352 + 6 * 4096, "wire format");
_Static_assert(sizeof(struct plan_job) == 96, "wire format");

#endif
