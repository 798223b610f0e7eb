/* SPDX-License-Identifier: MIT */
/*
 * The plan: what the harness hands to the image as a multiboot2 module, and all the image knows of
 * policies. Little-endian, fixed layout:
 *
 *   struct plan_header | struct plan_policy[policy_count] | struct plan_group[group_count] |
 *   struct plan_job[job_count] |
 *   struct plan_machine, if the flags say so: one policy then, and no group and no job
 *
 * The image parses no text and trusts nothing in here: plan_check() states what it checks.
 */
#ifndef EXITMETER_GUESTS_PLAN_H
#define EXITMETER_GUESTS_PLAN_H

#include "../probes/record.h"

#define PLAN_MAGIC        0x314e414c504d5845ull /* "EXMPLAN1", little-endian */
#define PLAN_VERSION      8u
#define PLAN_NAME_SIZE    48u /* bytes of a name, its NUL included */
#define PLAN_POLICIES_MAX 64u
#define PLAN_CALIBRATION  "calibration" /* name of the policy of jobs that measure the measuring */
#define PLAN_GROUPS_MAX   64u
#define PLAN_JOBS_MAX     4096u
#define PLAN_ROUNDS_MAX   1000000u
#define PLAN_CPUS_MAX     2u

/* plan_header.flags */
#define PLAN_MAGIC_BREAK \
    1u /* XCHG BX,BX when the results are complete: Bochs's debugger takes them */
#define PLAN_CONSOLE_PARALLEL 2u   /* console on parallel port 0x378 */
#define PLAN_CONSOLE_SERIAL   4u   /* console on COM1 */
#define PLAN_MACHINE          8u   /* a guest of the user's own, which has the machine */
#define PLAN_CONSOLE_SCREEN   16u  /* console on the screen, and at the end the results in short */
#define PLAN_RESULTS_SERIAL   32u  /* results over COM1, when they are complete: serial_frame.h */
#define PLAN_HALT             64u  /* at the end halt; else power off */
#define PLAN_DEBUG_EXIT       128u /* the exit code leaves by it: core/boot/debug_exit.h */
#define PLAN_RESUME \
    256u /* what lies in the results region already is of this plan: go on behind it */
#define PLAN_FLAGS_ALL 511u

struct plan_header {
    uint64_t magic;
    uint32_t version;
    uint32_t flags;
    uint64_t size;         /* bytes of the whole plan */
    uint64_t results_base; /* physical address of the results region, 4 KiB aligned; 0: anywhere */
    uint64_t results_size; /* bytes of it, a multiple of 4 KiB; see results_size() in results.h */
    uint32_t policy_count;
    uint32_t job_count;
    uint64_t host_timer; /* TSC ticks between two interrupts of the host's own; 0: it has none */
    uint32_t group_count;
    uint32_t cpus;          /* to be started; rows that want more than there are get skipped */
    uint32_t serial_passes; /* that results go in; 0: until a byte comes back */
    uint32_t reserved;
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
    /* Bits of CR0 and CR4 whose change exits, besides those that VMX operation asks for. */
    uint32_t cr0_mask;
    uint32_t cr4_mask;
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

/* plan_event.kind */
enum plan_event_kind {
    PLAN_EVENT_NONE = 0, /* this place is not in use, and all of it 0 */
    PLAN_EVENT_GENERAL = 1,
    PLAN_EVENT_FIXED = 2,
    PLAN_EVENT_KINDS
};

/* A performance event, raw: the core knows no names. What it cannot count is absent in the results.
 */
struct plan_event {
    uint64_t selector;    /* IA32_PERFEVTSELx without EN; of a fixed counter its number */
    uint64_t extra_value; /* what extra_msr must hold while it counts */
    uint32_t extra_msr;   /* 0: none is needed */
    uint32_t counters;    /* general counters that can count it, a bit each; 0: all */
    uint32_t kind;        /* enum plan_event_kind */
    uint32_t reserved;
};

/* Which side of VM exits an event counts on. */
enum plan_side { PLAN_HOST = 0, PLAN_GUEST = 1, PLAN_SIDES };

/* Events that count at once: one or more. */
struct plan_group {
    struct plan_event events[PLAN_SIDES][PROBE_EVENTS];
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
    uint32_t group;  /* at the level "pmu" which group, from 1 on; at others 0 */
    uint32_t reserved;
    uint64_t results_offset; /* of this job's struct job_result, from results_base */
};

/* plan_machine.start */
enum plan_start {
    PLAN_START_AS_IMAGE = 0, /* as the image itself says */
    PLAN_START_REAL,
    PLAN_START_PROTECTED,
    PLAN_START_LONG,
    PLAN_STARTS
};

#define PLAN_COMMAND_LINE 4096u /* bytes, the NUL included */
#define PLAN_POLL_LEAST   1024u

/*
 * A guest of the user's own: the modules "image" and, unless it is empty, "initrd". The core keeps
 * the memory from its own start to core_end: the results region lies in there, and its pages, with
 * room for a copy of both files.
 */
struct plan_machine {
    uint32_t start;         /* enum plan_start */
    uint32_t poll;          /* guest's TSC ticks between two looks at machine_result.request */
    uint64_t flat_address;  /* of a flat image; 0: the usual one for its start */
    uint64_t core_end;      /* physical, a multiple of 4 KiB */
    uint64_t result_offset; /* of the struct machine_result, from results_base */
    char command_line[PLAN_COMMAND_LINE];
};

_Static_assert(sizeof(struct plan_machine) == 32 + PLAN_COMMAND_LINE, "wire format");
_Static_assert(sizeof(struct plan_header) == 72, "wire format");
_Static_assert(sizeof(struct plan_policy) == 352 + 6 * 4096, "wire format");
_Static_assert(sizeof(struct plan_group) == 192, "wire format");
_Static_assert(sizeof(struct plan_job) == 96, "wire format");

#endif
