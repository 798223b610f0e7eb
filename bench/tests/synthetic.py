# SPDX-License-Identifier: MIT
"""Guest blobs and results regions made up in Python, by the formats of guests/ and probes/.

They are written down here a second time on purpose: the harness is tested against the format, not
against itself.
"""

import struct

BLOB_BASE = 0x100000
HEADER_ROOM = 4096
RECORD_SIZE, WIDE_SIZE = 64, 128
GATE_ALWAYS, GATE_MSR_READ, GATE_MSR_WRITE, GATE_IO, GATE_EXCEPTION = range(5)
ROW_SIZE = 208
ROW_FLOOR, ROW_CHECK, ROW_ROOT = 1, 2, 256
OFF, COUNTS, STAMPS, FULL, HARDWARE, PMU = range(6)
HAS_COUNTS, HAS_EXITED, LEFT, HAS_COUNTERS = 1, 2, 4, 8
EVENT_NONE, EVENT_GENERAL, EVENT_FIXED = range(3)
REASONS = 96
JOB_RESULT, JOB_ROOM, EVENTS_ROOM = 824, 832, 6 * 192
COUNTED, ABSENT = 1, 2
HAS_CLOCKS, HAS_SMI_COUNT, HAS_NMI_COUNT = 1, 2, 4
JUDGED, SMI, FREQUENCY, TSC, NMI = 1, 2, 4, 8, 16  # VALIDITY_*
NOT_RUN, DONE, SKIPPED, FAILED = range(4)
REASON_VMCALL = 18

# name, instruction, gate, gate_index, gate_width, exit_reason, flags, ticks of one round trip
ROWS = [
    ("cpuid", "CPUID", GATE_ALWAYS, 0, 0, 10, 0),
    ("msr-read", "RDMSR 0x174", GATE_MSR_READ, 0x174, 0, 31, 0),
    ("msr-write", "WRMSR 0xc0000081", GATE_MSR_WRITE, 0xC0000081, 0, 32, 0),
    ("io/in", "IN AL, 0x80", GATE_IO, 0x80, 1, 30, 0),
    ("floor", "CPUID", GATE_ALWAYS, 0, 0, 10, ROW_FLOOR),
    ("check/msr-effect", "WRMSR", GATE_ALWAYS, 0, 0, 32, ROW_CHECK),
]

# Measured by the image itself: no policy, no exits, no records.
ROOT_ROW = ("root/vmread", "VMREAD", GATE_ALWAYS, 0, 0, 0, ROW_ROOT)


def make_blob(rows=ROWS):
    """A guest blob whose code is one RET."""
    table = 80
    code = table + ROW_SIZE * len(rows)
    strings = bytearray()
    start = code + 8

    def string(text):
        address = BLOB_BASE + start + len(strings)
        strings.extend(text.encode() + b"\0")
        return address

    packed = b""
    for name, instruction, gate, index, width, reason, flags in rows:
        packed += struct.pack("<9Q", string(name), string("what " + name), string(instruction),
                              BLOB_BASE + code, BLOB_BASE + code, 0 if flags else BLOB_BASE + code,
                              0, 0, 0)
        packed += struct.pack("<HHIBB6x", reason, not flags & (ROW_CHECK | ROW_ROOT), index, gate, width)
        packed += struct.pack("<112x2I", 0, flags)
    size = start + len(strings)
    header = struct.pack("<QIIIIQQQQQQQ", 0x31424F4C424D5845, 5, ROW_SIZE, len(rows), 0,
                         BLOB_BASE + table, BLOB_BASE + code, 0, 0, BLOB_BASE + size,
                         BLOB_BASE + size + 4096, 0)
    return header + packed + b"\xc3".ljust(8, b"\0") + bytes(strings)


def text_of(field):
    return field.split(b"\0")[0].decode()


class Plan:
    def __init__(self, data):
        (magic, version, self.flags, size, self.base, self.size, policies,
         jobs, _, groups, cpus) = struct.unpack_from("<QIIQQQIIQII", data)
        assert magic == 0x314E414C504D5845 and version == 8 and size == len(data) and cpus == 1
        self.policies = []
        self.groups = []
        self.jobs = []
        at = 72
        for _ in range(policies):
            self.policies.append(data[at:at + 352 + 6 * 4096])
            at += 352 + 6 * 4096
        for _ in range(groups):
            events = [dict(zip(("selector", "extra_value", "extra_msr", "counters", "kind", "reserved"),
                               struct.unpack_from("<QQIIII", data, at + 32 * i))) for i in range(6)]
            self.groups.append(events)  # the host's three, then the guest's
            at += 192
        for _ in range(jobs):
            fields = struct.unpack_from("<48s10IQ", data, at)
            self.jobs.append(dict(zip(("benchmark", "policy", "repetition", "probes", "samples",
                                       "count_samples", "time_limit", "exits_room", "rounds",
                                       "group", "reserved", "offset"),
                                      (text_of(fields[0]),) + fields[1:])))
            assert self.jobs[-1]["rounds"] == 1 and self.jobs[-1]["exits_room"] == 2
            at += 96
        assert at == len(data)

    def bit(self, policy, bitmap, bit):
        page = self.policies[policy][352 + 4096 * bitmap:352 + 4096 * (bitmap + 1)]
        return page[bit // 8] >> bit % 8 & 1

    def exits(self, policy, row):
        _, _, gate, index, width, _, _ = row
        if gate in (GATE_MSR_READ, GATE_MSR_WRITE):
            high = 8192 if index >= 0xC0000000 else 0
            return self.bit(policy, 0, (gate == GATE_MSR_WRITE) * 16384 + high + index % 0xC0000000)
        if gate == GATE_IO:
            return max(self.bit(policy, 1 + (port >> 15), port & 0x7FFF)
                       for port in range(index, index + width))
        return int(gate == GATE_ALWAYS)


class Clock:
    """The TSC of the made-up machine."""

    def __init__(self):
        self.now = 60_000_000

    def step(self, ticks):
        self.now += ticks
        return self.now


def make_phase(clock, plan, job, index, row, phase, twist, lost):
    """Bytes of the packet, of the samples and of the totals, samples, records, and the level. lost:
    records that each CPU has discarded so far."""
    op = {1: 1, 3: 1, 4: 2}.get(phase, 0)  # operations in a sample
    count = job["samples"] if phase in (2, 3) else job["count_samples"]
    level = FULL if phase < 2 else job["probes"]
    room_for_totals = level == COUNTS
    room_of_record = WIDE_SIZE if level >= HARDWARE else RECORD_SIZE
    if phase >= 2:
        level = twist.get("level", level)
    size = WIDE_SIZE if level >= HARDWARE else RECORD_SIZE
    if phase >= 2 and row[6] & ROW_FLOOR:
        level = OFF
    root = row[6] & ROW_ROOT
    assert not root or level == (FULL if phase < 2 else OFF)
    level = OFF if root else level
    exits = 0 if root else plan.exits(job["policy"], row) * op
    exits += twist.get("extra_exits", 0) if op else 0
    begin = clock.step(100)
    records, samples = [], []
    flags = (HAS_COUNTS if level >= FULL else 0) | (HAS_EXITED if level >= HARDWARE else 0)
    flags |= HAS_COUNTERS if level == PMU else 0

    def record(reason, more=0):
        exited = clock.now + 1
        times = [clock.step(3) for _ in range(4)]
        counters = []
        if level == PMU:  # in the host 100 a part, 1000, 10000; in the guest 7 an exit, 14, 21
            made = len(records) + 1
            counters = [made * 7 * (n + 1) + 0xFFFFFFF0 & 0xFFFFFFFF for n in range(3)]
            counters += [(400 * made + 100 * point) * 10 ** n & 0xFFFFFFFF
                         for point in range(4) for n in range(3)]
        records.append(struct.pack("<QHHIQQQQQHHHBB", times[0], reason, 0, flags | more, *times[1:],
                                   row[3], 0x100180, 3, 1, 0, 0, 0))
        if size == WIDE_SIZE:
            records[-1] += struct.pack("<16I", exited & 0xFFFFFFFF, *(counters or [0] * 15))

    taken = 0 if phase == 4 and row[6] else count
    for n in range(taken):
        start = clock.step(10)
        for _ in range(exits):
            if level >= STAMPS:
                record(row[5])
        samples.append((start, clock.step(20 + (30 * exits) + n % 3)))
    if level >= STAMPS:
        record(REASON_VMCALL, LEFT)
    cpu = twist.get("cpu", 0)
    discarded = twist.get("discarded", 0) if phase == 3 else 0  # its last records
    records = records[:len(records) - discarded]
    lost[cpu, size] = lost.get((cpu, size), 0) + discarded
    room = 2 * count * (2 if phase == 4 else 1) + 64
    bits = (RECORD_SIZE + len(records) * size) * 8
    header = struct.pack("<IIQQQQQIIII", 0xC1FC1FC1, int(size == WIDE_SIZE), begin, clock.step(1),
                         bits, bits, lost[cpu, size], cpu, index, phase, level)
    packet = (header + b"".join(records)).ljust(RECORD_SIZE + room * room_of_record, b"\0")
    data = b"".join(struct.pack("<QQ", *sample) for sample in samples)
    totals = b""
    if room_for_totals:
        by_reason = [0] * REASONS
        by_reason[row[5]] += taken * exits
        by_reason[REASON_VMCALL] += 1
        totals = struct.pack(f"<5Q{REASONS}Q", 2 * (taken * exits + 1), taken * exits + 1, 0, 0, 0,
                             *by_reason)
        totals = padded(totals if level == COUNTS else b"\0" * len(totals))
    return (packet, padded(data).ljust((16 * count + 63) // 64 * 64, b"\0"), totals, taken,
            len(records), level, discarded)


def padded(data):
    return data.ljust((len(data) + 63) // 64 * 64, b"\0")


def make_validity(clock, verdict=JUDGED, smis=None, core=None, nmis=None):
    """struct job_validity: smis and nmis struck between the last two readings, core: cycles of 1000 ticks in
    the control phase and in the op phase; None: the CPU cannot tell."""
    flags = (core is not None and HAS_CLOCKS) | (smis is not None and HAS_SMI_COUNT)
    flags |= nmis is not None and HAS_NMI_COUNT
    readings = b"".join(struct.pack("<QQQIIII", clock.step(50), 100 * n, 90 * n,
                                    7 + (smis or 0) * (n == 2), 5 + (nmis or 0) * (n == 2), flags, 0)
                        for n in range(3))
    return readings + struct.pack("<8I64s64s", *(core or (0, 0)), 1000, 1000, smis or 0, nmis or 0,
                                  verdict, 0, b"" if core else b"no clocks", b"no count" if smis is None else b"")


def make_events(plan, job, changes):
    """struct events_result: every event of the group counted, or absent as {"absent": reason} says."""
    data = b""
    for index, event in enumerate(plan.groups[job["group"] - 1]):
        reason = changes.get("absent", "")
        state = (ABSENT if reason else COUNTED) if event["kind"] != EVENT_NONE else 0
        counted = state == COUNTED
        data += struct.pack("<IIQII168s", state, index if counted else 0,
                            (1 << 48) - 1 if counted else 0, 0xC1 if state == ABSENT else 0, 0,
                            reason.encode() if state == ABSENT else b"")
    return data


def make_results(plan_data, rows=ROWS, twist=None):
    """The results region of a run that went well, or as twist says.

    twist: {"status": of the run, "reason": of the run, "jobs": {index: {"status", "reason",
    "extra_exits", "cpu", "discarded", "validity": of make_validity()}}, "absent": why no event is
    counted}
    """
    twist = twist or {}
    plan = Plan(plan_data)
    named = {row[0]: row for row in rows}
    clock = Clock()
    region = bytearray(plan.size)
    start = clock.now
    lost = {}
    for index, job in enumerate(plan.jobs):
        changes = twist.get("jobs", {}).get(index, {})
        row = named[job["benchmark"]]
        at = JOB_ROOM  # struct job_result, rounded up to 64
        in_force = job["probes"]
        if job["group"]:
            events = make_events(plan, job, twist)
            region[job["offset"] + at:job["offset"] + at + len(events)] = events
            at += EVENTS_ROOM
            if twist.get("absent"):
                in_force = HARDWARE
                changes = changes | {"level": in_force}
        phases = b""
        for phase in range(5):
            packet, samples, totals, count, records, level, discarded = make_phase(
                clock, plan, job, index, row, phase, changes, lost)
            base = job["offset"] + at
            whole = packet + samples + totals
            region[base:base + len(whole)] = whole
            phases += struct.pack("<IIQQQQQ", count, records, discarded, base if level >= STAMPS else 0,
                                  base + len(packet),
                                  base + len(packet) + len(samples) if level == COUNTS else 0, 0)
            at += len(whole)
        result = struct.pack("<II128s", changes.get("status", DONE), index,
                             changes.get("reason", "").encode())
        result += struct.pack("<IIIIIIQ", 0x16, 0xB5186DFA, 0xA2, 0x36FFF, 0x13FF, 1, 0x20001E)
        lowered = b"" if in_force == job["probes"] else b"no event of its group is counted"
        result += phases + make_validity(clock, **changes.get("validity", {}))
        result += struct.pack("<II128s", in_force, 0, lowered)
        region[job["offset"]:job["offset"] + JOB_RESULT] = result
    machine = struct.pack("<16s52sI16s16Q8I", b"GenuineIntel", b"Intel(R) Core(TM) synthetic",
                          0x306C3, b"", *range(1, 10), 535756800, *twist.get("state", (0,) * 14))
    header = struct.pack("<QIIII128s96s", 0x31534552584D5845, 5, twist.get("status", DONE),
                         len(plan.jobs), len(plan.jobs), twist.get("reason", "").encode(),
                         b"gcc 12.2.0 -O2")
    header += machine + struct.pack("<QQ", start, clock.step(100))
    region[:len(header)] = header
    return bytes(region)
