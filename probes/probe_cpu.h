/* SPDX-License-Identifier: MIT */
/*
 * The probes' state of one CPU. In the image it is the first thing that GS points to in VMX root
 * operation, so that the exit path and the counting accessors reach it with one instruction and no
 * register. The exit stub and the handlers are its only writers while a ring is open.
 */
#ifndef EXITMETER_PROBES_PROBE_CPU_H
#define EXITMETER_PROBES_PROBE_CPU_H

#include "record.h"

/* Accesses since the VM exit, as the tail of struct record holds them: copied as one quadword. */
struct probe_counts {
    uint16_t vmreads;
    uint16_t vmwrites;
    uint16_t msr_accesses;
    uint8_t xsetbvs;
    uint8_t invalidations;
};

/* Room for every basic exit reason there is, and the place behind them for all others. */
#define PROBE_REASONS 96u

/* Among them, in the sums: VM entries that VMfailed, which are no exits. */
#define PROBE_REASON_VMFAIL (PROBE_REASONS - 2)

/* Sums since whoever reads them cleared them, at the level "counts". */
struct probe_totals {
    uint64_t vmreads; /* of the handlers: the exit stub's own is one an exit */
    uint64_t vmwrites;
    uint64_t msr_accesses;
    uint64_t xsetbvs;
    uint64_t invalidations;
    uint64_t exits[PROBE_REASONS]; /* by the index of the dispatch table */
};

/*
 * The ring is full: spare is the record of the exit under way, whole but for its last stamp. Makes
 * room, and returns where that record lies now; cpu->next is then the one behind it. Runs on the
 * exit path, on the vCPU's stack, with interrupts off.
 */
typedef struct record *probe_full(struct record *spare);

struct probe_cpu {
    struct record *next; /* the record of the exit under way; always writable */
    struct record *end;  /* one past the last record that is kept: next == end is the spare one */
    struct probe_counts counts;
    uint64_t discarded;           /* exits since the ring was opened whose record found no room */
    struct packet_header *packet; /* the open packet; NULL if none */
    uint64_t discarded_before;    /* by packets already closed ... */
    probe_full *full;             /* who makes room; NULL: what finds none is discarded */
    struct probe_totals totals;
    uint64_t wide_discarded_before; /* ... and by those of wide records */
    /*
     * ECX of the RDPMCs at the level "pmu". Each must name a counter that this CPU has, or the exit
     * path raises #GP; where there are fewer events, one may stand there twice.
     */
    uint32_t host_events[PROBE_EVENTS];
    uint32_t guest_events[PROBE_EVENTS];
};

_Static_assert(sizeof(struct probe_counts) == 8, "copied as one quadword");
_Static_assert(offsetof(struct record, vmreads) == 56, "the counts are the record's tail");

#endif
