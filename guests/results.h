/* SPDX-License-Identifier: MIT */
/*
 * The results region: what the image leaves in memory and the harness takes out of it. One region
 * of fixed size, laid out by the harness through the functions below, so both sides agree:
 *
 *   struct results_header | for each job: struct job_result | for each phase: packet, samples
 *
 * Each job's part starts at plan_job.results_offset; within it each phase has room for a packet
 * (header plus phase_record_room() records) and for its samples.
 */
#ifndef EXITMETER_GUESTS_RESULTS_H
#define EXITMETER_GUESTS_RESULTS_H

#include "blob.h"
#include "plan.h"

#include "../probes/record.h"

#define RESULTS_MAGIC   0x31534552584d5845ull /* "EXMXRES1", little-endian */
#define RESULTS_VERSION 1u

/*
 * Phases of a job, in the order they run. The counting phases always run at PROBE_FULL: they warm
 * caches, and prove what the operation does even when the measured phases run without probes.
 */
enum phase {
    PHASE_COUNT_CONTROL = 0,
    PHASE_COUNT_OP = 1,
    PHASE_CONTROL = 2,
    PHASE_OP = 3,
    PHASE_COUNT = 4,
};

enum result_status {
    RESULT_NOT_RUN = 0, /* as the region starts out */
    RESULT_DONE = 1,
    RESULT_SKIPPED = 2, /* cannot be measured here: reason says why */
    RESULT_FAILED = 3,  /* reason says why; the console has the state dump */
};

#define RESULT_REASON_SIZE 128u

struct phase_result {
    uint32_t samples;        /* taken */
    uint32_t records;        /* in the packet */
    uint64_t discarded;      /* exits of this phase that found the packet full */
    uint64_t packet_offset;  /* from results_base; 0 if the phase had no probes */
    uint64_t samples_offset; /* from results_base */
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
};

/* What the image found out about the machine: values as read, for run.json. */
struct machine_facts {
    char vendor[16];    /* CPUID leaf 0 */
    char brand[52];     /* CPUID leaves 0x80000002-4 */
    uint32_t signature; /* CPUID.1:EAX */
    uint64_t vmx_basic; /* IA32_VMX_BASIC */
    uint64_t pin_based; /* the capability MSRs used: the TRUE forms where offered */
    uint64_t primary;
    uint64_t secondary;
    uint64_t exit;
    uint64_t entry;
    uint64_t ept_vpid;        /* IA32_VMX_EPT_VPID_CAP */
    uint64_t misc;            /* IA32_VMX_MISC */
    uint64_t feature_control; /* IA32_FEATURE_CONTROL */
    uint64_t memory_bytes;    /* usable RAM in the firmware's map */
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
};

_Static_assert(sizeof(struct phase_result) == 32, "wire format");
_Static_assert(sizeof(struct job_result) == 136 + 32 + 4 * 32, "wire format");
_Static_assert(sizeof(struct machine_facts) == 72 + 9 * 8 + 8, "wire format");

/* The region starts with the header, padded to this many bytes. */
#define RESULTS_HEADER_ROOM 4096u

/* Samples that a phase takes. */
static inline uint32_t phase_samples(const struct plan_job *job, enum phase phase)
{
    return phase < PHASE_CONTROL ? job->count_samples : job->samples;
}

/* Records that a phase has room for: two exits an operation and a few more; the rest is counted. */
static inline uint64_t phase_record_room(const struct plan_job *job, enum phase phase)
{
    return 2 * (uint64_t)phase_samples(job, phase) + 64;
}

/* Bytes of a phase's packet, header included; a multiple of 64. */
static inline uint64_t phase_packet_size(const struct plan_job *job, enum phase phase)
{
    return (1 + phase_record_room(job, phase)) * RECORD_SIZE;
}

/* Offset of a phase's packet from the job's results_offset; the samples follow the packet. */
static inline uint64_t phase_offset(const struct plan_job *job, enum phase phase)
{
    uint64_t offset = (sizeof(struct job_result) + 63) / 64 * 64;
    for (int before = 0; before < (int)phase; before++)
        offset += phase_packet_size(job, (enum phase)before) +
                  (phase_samples(job, (enum phase)before) * sizeof(struct sample) + 63) / 64 * 64;
    return offset;
}

/* Bytes of a job's part of the region; a multiple of 64. */
static inline uint64_t job_results_size(const struct plan_job *job)
{
    return phase_offset(job, PHASE_COUNT);
}

#endif
