/* SPDX-License-Identifier: MIT */
/*
 * The results region: what the image leaves in memory and the harness takes out of it. One region
 * of fixed size, laid out by the harness through the functions below, so both sides agree:
 *
 *   struct results_header | for each job: struct job_result, struct events_result |
 *                           for each phase: packet, samples, totals, folded
 *
 * of a guest that the user brings: struct results_header | struct machine_result (profile.h)
 *
 * Each job's part starts at plan_job.results_offset, with what became of its events if it has any;
 * within it each phase has room for a packet (header plus phase_record_room() records) and for its
 * samples; where the phase runs at the level "counts" for the sums, and where it runs more than one
 * round for what these are folded into.
 */
#ifndef EXITMETER_GUESTS_RESULTS_H
#define EXITMETER_GUESTS_RESULTS_H

#include "blob.h"
#include "plan.h"
#include "validity.h"

#include "../probes/histogram.h"
#include "../probes/probe_cpu.h"

#define RESULTS_MAGIC   0x31534552584d5845ull /* "EXMXRES1", little-endian */
#define RESULTS_VERSION 5u

/*
 * Phases of a job, in the order they run. The counting phases always run at PROBE_FULL: they warm
 * caches, and prove what the operation does even when the measured phases run without probes.
 */
enum phase {
    PHASE_COUNT_CONTROL = 0,
    PHASE_COUNT_OP = 1,
    PHASE_CONTROL = 2,
    PHASE_OP = 3,
    PHASE_TWICE = 4, /* the operation two times a sample, if its row can: for the slope */
    PHASE_COUNT = 5,
};

enum result_status {
    RESULT_NOT_RUN = 0, /* as the region starts out */
    RESULT_DONE = 1,
    RESULT_SKIPPED = 2, /* cannot be measured here: reason says why */
    RESULT_FAILED = 3,  /* reason says why; the console has the state dump */
};

#define RESULT_REASON_SIZE 128u

struct phase_result {
    uint32_t samples;       /* taken in the last round */
    uint32_t records;       /* in the packet */
    uint64_t discarded;     /* exits of this phase that found the packet full */
    uint64_t packet_offset; /* from results_base, as all offsets; 0 if the phase had no records */
    uint64_t samples_offset;
    uint64_t totals_offset; /* struct probe_totals of all rounds; 0 if the level was not "counts" */
    uint64_t folded_offset; /* struct phase_folded; 0 if the phase had one round */
};

/*
 * All rounds of a phase, the last included. Each round ends with one exit that leaves the vCPU. The
 * three parts of the core's own time are those of records (at the levels "stamps" and "full").
 */
struct phase_folded {
    uint64_t rounds;
    uint64_t samples;
    uint64_t records;
    uint64_t left; /* records of exits that ended a round */
    uint64_t discarded;
    uint64_t out_of_order;       /* samples or records whose time stamps do not follow the others */
    uint64_t last_sample;        /* end of the last sample, TSC */
    uint64_t last_record;        /* stamp "handled" of the last record, TSC */
    struct probe_totals totals;  /* of the records: exits by reason, and their costs if counted */
    struct histogram round_trip; /* end - start of the samples, in ticks or cycles */
    struct histogram save_and_dispatch;
    struct histogram handler;
    struct histogram restore;
};

/* The VM-execution, VM-exit and VM-entry controls as they stood in the VMCS. */
struct controls_in_force {
    uint32_t pin_based;
    uint32_t primary;
    uint32_t secondary;
    uint32_t exit;
    uint32_t entry;
    uint32_t vpid;
    uint64_t ept_pointer;
};

struct job_result {
    uint32_t status; /* enum result_status */
    uint32_t job;
    char reason[RESULT_REASON_SIZE]; /* NUL-terminated; empty unless skipped or failed */
    struct controls_in_force controls;
    struct phase_result phases[PHASE_COUNT];
    struct job_validity validity;
    uint32_t probe_level; /* in force in the measured phases: as asked for, or lower */
    uint32_t reserved;
    char lowered[RESULT_REASON_SIZE]; /* why it is lower; empty if it is not */
};

#define EVENT_REASON_SIZE 168u

enum event_state {
    EVENT_NONE = 0, /* the group has none here, or the job did not get to it */
    EVENT_COUNTED = 1,
    EVENT_ABSENT = 2, /* not counted: its fields in the records mean nothing */
};

/* What became of an event. */
struct event_result {
    uint32_t state;
    uint32_t rdpmc; /* ECX of the RDPMCs that read it */
    uint64_t mask;  /* the bits that its counter has */
    uint32_t msr;   /* at which it showed that it cannot be counted; 0: at none */
    uint32_t reserved;
    char absent[EVENT_REASON_SIZE]; /* NUL-terminated */
};

/* In the order of the job's group. */
struct events_result {
    struct event_result events[PLAN_SIDES][PROBE_EVENTS];
};

/* Which of the facts that a CPU need not have were read, in machine_facts.known. */
#define MACHINE_MICROCODE         (1u << 0)
#define MACHINE_PLATFORM_INFO     (1u << 1)
#define MACHINE_MISC_ENABLE       (1u << 2)
#define MACHINE_ARCH_CAPABILITIES (1u << 3)
#define MACHINE_SPEC_CTRL         (1u << 4)
#define MACHINE_POWER             (1u << 5)
#define MACHINE_CLOCK             (1u << 6)
#define MACHINE_FREQUENCY         (1u << 7)
#define MACHINE_THREADS           (1u << 8)

/* What the image found out about the machine: values as read, for run.json. */
struct machine_facts {
    char vendor[16];    /* CPUID leaf 0 */
    char brand[52];     /* CPUID leaves 0x80000002-4 */
    uint32_t signature; /* CPUID.1:EAX */
    /* CPUID leaf 0x40000000, if CPUID.1:ECX[31] says that there is one; empty: there is none. */
    char hypervisor[16];
    uint64_t vmx_basic; /* IA32_VMX_BASIC */
    uint64_t pin_based; /* the capability MSRs used: the TRUE forms where offered */
    uint64_t primary;
    uint64_t secondary;
    uint64_t exit;
    uint64_t entry;
    uint64_t ept_vpid;          /* IA32_VMX_EPT_VPID_CAP */
    uint64_t misc;              /* IA32_VMX_MISC */
    uint64_t feature_control;   /* IA32_FEATURE_CONTROL */
    uint64_t memory_bytes;      /* usable RAM in the firmware's map */
    uint64_t known;             /* MACHINE_*: what of the following was read */
    uint64_t microcode;         /* IA32_BIOS_SIGN_ID: the update's signature in bits 63:32 */
    uint64_t platform_info;     /* MSR_PLATFORM_INFO */
    uint64_t misc_enable;       /* IA32_MISC_ENABLE */
    uint64_t arch_capabilities; /* IA32_ARCH_CAPABILITIES */
    uint64_t spec_ctrl;         /* IA32_SPEC_CTRL, as the core found it */
    uint32_t power;             /* CPUID.06H:EAX */
    uint32_t threads;           /* CPUID.0BH.0:EBX: logical processors of a core */
    uint32_t clock[3];          /* CPUID.15H: EAX, EBX, ECX */
    uint32_t frequency[3];      /* CPUID.16H: EAX, EBX, ECX */
};

struct results_header {
    uint64_t magic;
    uint32_t version;
    uint32_t status; /* enum result_status of the whole run */
    uint32_t job_count;
    uint32_t jobs_done; /* jobs that ended, in whatever way */
    char reason[RESULT_REASON_SIZE];
    char compiler[96]; /* compiler and flags that built the core */
    struct machine_facts machine;
    uint64_t tsc_start; /* as the core took over */
    uint64_t tsc_end;   /* as the results were complete */
    /* Of a run under a monitor that may not come back from a row; else all 0. */
    uint32_t begun;    /* 1 + index of the job that runs; 0: none */
    uint32_t beat;     /* changes whenever a phase begins */
    uint32_t patience; /* seconds after which a beat that stands still says that it did not */
    uint32_t reserved;
};

_Static_assert(sizeof(struct phase_result) == 48, "wire format");
_Static_assert(sizeof(struct job_result) == 136 + 32 + 5 * 48 + sizeof(struct job_validity) + 136,
               "wire format");
_Static_assert(sizeof(struct events_result) == 6 * 192, "wire format");
_Static_assert(sizeof(struct machine_facts) == 72 + 16 + 9 * 8 + 8 + 80, "wire format");

/* The region starts with the header, padded to this many bytes. */
#define RESULTS_HEADER_ROOM 4096u

/* The measured phases run at the job's level, and as many rounds as it asks for. */
static inline uint32_t phase_level(const struct plan_job *job, enum phase phase)
{
    return phase < PHASE_CONTROL ? PROBE_FULL : job->probe_level;
}

/* Which of a row's codes it runs. */
static inline enum guest_phase_code phase_code(enum phase phase)
{
    return phase == PHASE_TWICE                           ? GUEST_TWICE
           : phase == PHASE_COUNT_OP || phase == PHASE_OP ? GUEST_OP
                                                          : GUEST_CONTROL;
}

static inline uint32_t phase_rounds(const struct plan_job *job, enum phase phase)
{
    return phase == PHASE_CONTROL || phase == PHASE_OP ? job->rounds : 1;
}

/* Samples that a phase takes in a round; PHASE_TWICE none where the row cannot. */
static inline uint32_t phase_samples(const struct plan_job *job, enum phase phase)
{
    return phase == PHASE_CONTROL || phase == PHASE_OP ? job->samples : job->count_samples;
}

/*
 * Records that a phase has room for, and a few more; the rest is counted. Where the level in force
 * is lower than the one asked for, they are smaller and as many.
 */
static inline uint64_t phase_record_room(const struct plan_job *job, enum phase phase)
{
    uint64_t operations = phase_samples(job, phase) * (phase == PHASE_TWICE ? 2ull : 1ull);

    return job->exits_room * operations + 64;
}

/* Bytes of a phase's packet at the level it runs at, header included; a multiple of 64. */
static inline uint64_t phase_packet_used(const struct plan_job *job, enum phase phase,
                                         uint32_t level)
{
    return sizeof(struct packet_header) + phase_record_room(job, phase) * probe_record_size(level);
}

/* The same at the level asked for, which no other exceeds. */
static inline uint64_t phase_packet_size(const struct plan_job *job, enum phase phase)
{
    return phase_packet_used(job, phase, phase_level(job, phase));
}

/* Bytes up to the next multiple of 64. */
static inline uint64_t results_padded(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Bytes of a phase's samples, of its totals, and of what its rounds are folded into. */
static inline uint64_t phase_samples_size(const struct plan_job *job, enum phase phase)
{
    return results_padded(phase_samples(job, phase) * sizeof(struct sample));
}

static inline uint64_t phase_totals_size(const struct plan_job *job, enum phase phase)
{
    return phase_level(job, phase) == PROBE_COUNTS ? results_padded(sizeof(struct probe_totals))
                                                   : 0;
}

static inline uint64_t phase_folded_size(const struct plan_job *job, enum phase phase)
{
    return phase_rounds(job, phase) > 1 ? results_padded(sizeof(struct phase_folded)) : 0;
}

/* Where a job's struct events_result lies, from its results_offset; and its size, 0 if it has none.
 */
#define EVENTS_OFFSET results_padded(sizeof(struct job_result))

static inline uint64_t job_events_size(const struct plan_job *job)
{
    return job->group ? results_padded(sizeof(struct events_result)) : 0;
}

/* Offset of a phase's packet from the job's results_offset; the rest follows the packet. */
static inline uint64_t phase_offset(const struct plan_job *job, enum phase phase)
{
    uint64_t offset = EVENTS_OFFSET + job_events_size(job);
    for (int i = 0; i < (int)phase; i++) {
        enum phase before = (enum phase)i;
        offset += phase_packet_size(job, before) + phase_samples_size(job, before) +
                  phase_totals_size(job, before) + phase_folded_size(job, before);
    }
    return offset;
}

/* Where each part of a phase lies, from results_base; parts that it has not got take no room. */
struct phase_places {
    uint64_t packet;
    uint64_t samples;
    uint64_t totals;
    uint64_t folded;
};

static inline struct phase_places phase_places(const struct plan_job *job, enum phase phase)
{
    struct phase_places at = {.packet = job->results_offset + phase_offset(job, phase)};

    at.samples = at.packet + phase_packet_size(job, phase);
    at.totals = at.samples + phase_samples_size(job, phase);
    at.folded = at.totals + phase_totals_size(job, phase);
    return at;
}

/* Bytes of a job's part of the region; a multiple of 64. */
static inline uint64_t job_results_size(const struct plan_job *job)
{
    return phase_offset(job, PHASE_COUNT);
}

#endif
