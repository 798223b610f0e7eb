/* SPDX-License-Identifier: MIT */
#include "ring.h"

void ring_open(struct probe_cpu *cpu, void *memory, uint64_t bytes, struct packet_origin origin,
               uint64_t now)
{
    struct packet_header *packet = memory;
    uint64_t records = bytes / RECORD_SIZE - 1;

    *packet = (struct packet_header){
        .magic = PACKET_MAGIC,
        .timestamp_begin = now,
        .cpu_id = origin.cpu_id,
        .job = origin.job,
        .phase = origin.phase,
        .probe_level = origin.probe_level,
    };
    cpu->packet = packet;
    cpu->next = (struct record *)(packet + 1);
    cpu->end = cpu->next + records - 1;
    cpu->counts = (struct probe_counts){0};
    cpu->discarded = 0;
}

uint32_t ring_close(struct probe_cpu *cpu, uint64_t now)
{
    struct packet_header *packet = cpu->packet;
    uint32_t records = (uint32_t)(cpu->next - (struct record *)(packet + 1));

    packet->timestamp_end = now;
    packet->content_size = (1 + (uint64_t)records) * RECORD_SIZE * 8;
    packet->packet_size = packet->content_size;
    /* CTF counts discarded events over the whole stream, not by packet. */
    cpu->discarded_before += cpu->discarded;
    packet->events_discarded = cpu->discarded_before;
    cpu->packet = NULL;
    return records;
}
