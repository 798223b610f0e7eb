/* SPDX-License-Identifier: MIT */
/*
 * What the probes write on each VM exit: one 64-byte record, one cache line, by plain stores.
 * Packet headers and records together are a CTF 1.8 stream; nothing is converted afterwards.
 */
#ifndef EXITMETER_PROBES_RECORD_H
#define EXITMETER_PROBES_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* Probe levels, each an exit path of its own (core/vmx/entry.S). */
enum probe_level {
    PROBE_OFF = 0,
    PROBE_COUNTS = 1,   /* sums on the CPU, nothing by exit: struct probe_totals */
    PROBE_STAMPS = 2,   /* a record an exit: its reason and four time stamps */
    PROBE_FULL = 3,     /* and what it cost, what it accessed, and where */
    PROBE_HARDWARE = 4, /* and the CPU's own time stamp of the VM exit */
    PROBE_PMU = 5,      /* and performance counters at the four stamps */
    PROBE_LEVELS
};

/* Events that are counted at once on each side of an exit: in the host, and in the guest. */
#define PROBE_EVENTS 3u

/* record.flags: what was measured. A field that its flag does not cover means nothing. */
#define RECORD_HAS_COUNTS   1u /* detail, rip, and the counters that follow them */
#define RECORD_HAS_EXITED   2u /* the CPU's own stamp, in the wide part */
#define RECORD_LEFT         4u /* went back to the caller of the vCPU, so no VM entry followed */
#define RECORD_HAS_COUNTERS 8u /* performance counters, in the wide part */

#define RECORD_VMFAIL 16u /* no VM exit: a VM entry that VMfailed; detail is why (see below) */

/*
 * record.reason of RECORD_VMFAIL, which is no basic exit reason. Such a record has RECORD_LEFT too,
 * its three stamps are one, as the core noticed it, and detail is the VM-instruction error, 0 for
 * VMfailInvalid. A VM entry that fails by a VM exit (reason_flags bit 15) has a record like others.
 */
#define RECORD_REASON_VMFAIL 0xffffu

#define RECORD_SIZE 64u

struct record {
#define RECORD_FIELD(bits, name, unit, description) uint##bits##_t name;
#include "record_fields.h"
#undef RECORD_FIELD
};

/* What the levels from PROBE_HARDWARE on write: a record, and a second line behind it. */
struct wide_record {
    struct record record;
#define WIDE_FIELD(bits, name, unit, description) uint##bits##_t name;
#include "wide_fields.h"
#undef WIDE_FIELD
};

struct packet_header {
#define PACKET_FIELD(bits, name, part, description) uint##bits##_t name;
#include "packet_fields.h"
#undef PACKET_FIELD
};

#define PACKET_MAGIC 0xc1fc1fc1u

/* packet_header.cpu_id is below this: each CPU's packets are a stream file of their own. */
#define PACKET_CPUS_MAX 64u

_Static_assert(sizeof(struct record) == RECORD_SIZE, "a record is one cache line");
_Static_assert(sizeof(struct wide_record) == 2 * RECORD_SIZE, "a wide one is two");
_Static_assert(sizeof(struct packet_header) == RECORD_SIZE, "records stay aligned behind a header");
_Static_assert(offsetof(struct record, entered) == 0, "CTF event header: time stamp first");
_Static_assert(offsetof(struct record, reason) == 8, "CTF event header: id second");

/* CTF's stream class of a packet, by the level it was recorded at: those of wide records are 1. */
static inline uint32_t probe_stream(uint32_t level)
{
    return level >= PROBE_HARDWARE && level < PROBE_LEVELS;
}

#define PROBE_STREAMS 2u

/* Bytes from one record of a packet to the next. */
static inline uint64_t probe_record_size(uint32_t level)
{
    return probe_stream(level) ? sizeof(struct wide_record) : sizeof(struct record);
}

#endif
