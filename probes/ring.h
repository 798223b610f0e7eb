/* SPDX-License-Identifier: MIT */
/*
 * The ring of one CPU: opening it points the probes at memory, closing it completes the packet
 * header. What lies in memory then is a whole CTF 1.8 packet.
 */
#ifndef EXITMETER_PROBES_RING_H
#define EXITMETER_PROBES_RING_H

#include "probe_cpu.h"

struct packet_origin {
    uint32_t cpu_id;
    uint32_t job;
    uint32_t phase;
    uint32_t probe_level;
};

/*
 * Opens a packet in memory (64-byte aligned, bytes long: a header and at least two records
 * of origin.probe_level, of which the last is the spare one that takes what finds no room). now is
 * a TSC value. The memory stays the caller's and must not move while the packet is open.
 */
void ring_open(struct probe_cpu *cpu, void *memory, uint64_t bytes, struct packet_origin origin,
               uint64_t now);

/* Completes the open packet's header. Returns the number of its records. */
uint32_t ring_close(struct probe_cpu *cpu, uint64_t now);

#endif
