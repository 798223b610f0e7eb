/* SPDX-License-Identifier: MIT */
/*
 * The one field list of the second cache line that the levels "hardware" and "pmu" add to a record,
 * as record_fields.h is of the first. No include guard: define WIDE_FIELD(bits, name, unit,
 * description) and include this file once for each use.
 *
 * Counters are the low 32 bits of what RDPMC read: between two readings (later - earlier) modulo
 * 2^32, which no part of an exit gets near. Which event stands in which place is the job's to say.
 * The host's are read at the four stamps, the guest's once, as it stands still in the host. With
 * RECORD_LEFT those of "entering" mean nothing, nor does the stamp where a VM entry failed.
 */
WIDE_FIELD(32, exited, "ticks", "TSC [31:0] of the VM exit, stored by the CPU itself")
WIDE_FIELD(32, guest_0, "", "guest's first event so far")
WIDE_FIELD(32, guest_1, "", "guest's second event so far")
WIDE_FIELD(32, guest_2, "", "guest's third event so far")
WIDE_FIELD(32, entered_0, "", "host's first event so far, at entered")
WIDE_FIELD(32, entered_1, "", "host's second event so far, at entered")
WIDE_FIELD(32, entered_2, "", "host's third event so far, at entered")
WIDE_FIELD(32, dispatched_0, "", "host's first event so far, at dispatched")
WIDE_FIELD(32, dispatched_1, "", "host's second event so far, at dispatched")
WIDE_FIELD(32, dispatched_2, "", "host's third event so far, at dispatched")
WIDE_FIELD(32, handled_0, "", "host's first event so far, at handled")
WIDE_FIELD(32, handled_1, "", "host's second event so far, at handled")
WIDE_FIELD(32, handled_2, "", "host's third event so far, at handled")
WIDE_FIELD(32, entering_0, "", "host's first event so far, at entering")
WIDE_FIELD(32, entering_1, "", "host's second event so far, at entering")
WIDE_FIELD(32, entering_2, "", "host's third event so far, at entering")
