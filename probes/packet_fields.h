/* SPDX-License-Identifier: MIT */
/*
 * The one field list of the packet header: 64 bytes that precede the records of one phase of one
 * job, so that header plus records are a valid CTF 1.8 packet and a fixed-stride array alike. No
 * include guard: define PACKET_FIELD(bits, name, part, description) and include this file.
 *
 * part is where CTF declares the field: header (packet header) or context (packet context).
 */
PACKET_FIELD(32, magic, header, "CTF packet magic, 0xc1fc1fc1")
PACKET_FIELD(32, stream_id, header, "stream class: 0, or 1 of wide records")
PACKET_FIELD(64, timestamp_begin, context, "TSC as the packet was opened")
PACKET_FIELD(64, timestamp_end, context, "TSC as the packet was closed")
PACKET_FIELD(64, content_size, context, "bits in use, this header included")
PACKET_FIELD(64, packet_size, context, "bits the packet takes in the stream")
PACKET_FIELD(64, events_discarded, context,
             "records lost on this CPU so far, all packets (CTF 1.8)")
PACKET_FIELD(32, cpu_id, context, "CPU that wrote the packet")
PACKET_FIELD(32, job, context, "index of the job in run.json")
PACKET_FIELD(32, phase, context, "enum phase of guests/results.h")
PACKET_FIELD(32, probe_level, context, "PROBE_* bits in force")
