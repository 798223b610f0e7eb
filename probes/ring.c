/* SPDX-License-Identifier: MIT */
#include "ring.h"

void ring_open(struct probe_cpu *cpu, void *memory, uint64_t bytes, struct packet_origin origin,
               uint64_t now)
{
    struct packet_header *packet = memory;
    uint64_t size = probe_record_size(origin.probe_level);
    uint64_t records = (bytes - sizeof(*packet)) / size;

    *packet = (struct packet_header){
        .magic = PACKET_MAGIC,
        .stream_id = probe_stream(origin.probe_level),
        .timestamp_begin = now,
        .cpu_id = origin.cpu_id,
        .job = origin.job,
        .phase = origin.phase,
        .probe_level = origin.probe_level,
    };
    cpu->packet = packet;
    cpu->next = (struct record *)(packet + 1);
    cpu->end = (struct record *)((char *)cpu->next + (records - 1) * size);
    cpu->counts = (struct probe_counts){0};
    cpu->discarded = 0;
    cpu->full = NULL;
}

uint32_t ring_close(struct probe_cpu *cpu, uint64_t now)
{
    struct packet_header *packet = cpu->packet;
    uint64_t *discarded_before =
        packet->stream_id ? &cpu->wide_discarded_before : &cpu->discarded_before;
    uint64_t bytes = (uint64_t)((char *)cpu->next - (char *)packet);

    packet->timestamp_end = now;
    packet->content_size = bytes * 8;
    packet->packet_size = packet->content_size;
    /* CTF counts discarded events over the whole stream, not by packet. */
    *discarded_before += cpu->discarded;
    packet->events_discarded = *discarded_before;
    cpu->packet = NULL;
    return (uint32_t)((bytes - sizeof(*packet)) / probe_record_size(packet->probe_level));
}
