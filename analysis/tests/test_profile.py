# SPDX-License-Identifier: MIT
"""Profiles of guests: read with suspicion, ranked, named, and shown in terminal and report."""

import json
import re

import pytest

from analysis.profile_names import NO_NAMES, canonical, detail_text, load_names

COST = {"dispatch": 0, "handler": 0, "vmreads": 4, "vmwrites": 1, "msr_accesses": 0}
NAMES = {
    "schema": "exitmeter.names/1",
    "msrs": [{"first": "0x203", "last": "0x203", "name": "IA32_MTRR_PHYSMASK1"},
             {"first": "0x401", "last": "0x401", "name": "IA32_MC0_STATUS"},
             {"first": "0x401", "last": "0x401", "name": "SECOND"},
             {"first": "0x400", "last": "0x473", "name": "machine-check"},
             {"first": "0xc0000080", "last": "0xc0000080", "name": "IA32_EFER"}],
    "ports": [{"first": "0x3f8", "last": "0x3ff", "name": "com1"},
              {"first": "0xcf8", "last": "0xcff", "name": "pci-config"},
              {"first": "0xcf9", "last": "0xcf9", "name": "reset"},
              {"first": "0x1f0", "last": "0x1f7", "name": "ide"}],
    "exceptions": [{"vector": 2, "name": "nmi"}, {"vector": 14, "name": "pf"}],
}
HOSTILE = "<script>alert(1)</script>\x1b[2J"


def entry(reason, count, ticks, **more):
    return {"reason": reason, "count": count, "ticks": ticks} | COST | more


def profile():
    return {
        "start": 1000, "end": 4000, "guest": 2000, "host": 500, "folding": 490, "polls": 1,
        "lost": 0, "out_of_order": 0,
        "reasons": [entry(31, 3, 300, name="RDMSR"), entry(10, 2, 200, name="CPUID")],
        "details": [entry(31, 2, 220, detail="0xc0000080"), entry(31, 1, 80, detail="0x7fff"),
                    entry(10, 1, 100, detail="0x1"), entry(10, 1, 100, detail="0x500000001")],
        "details_lost": COST | {"count": 0, "ticks": 0},
        "addresses": [{"reason": 31, "rip": "0xffffffff81000000", "count": 3, "ticks": 300},
                      {"reason": 10, "rip": None, "count": 2, "ticks": 200}],
        "addresses_lost": 0,
        "over_time": {"width": 1500, "slices": 2,
                      "reasons": {"31": {"count": [3, 0], "ticks": [300, 0]},
                                  "10": {"count": [0, 2], "ticks": [0, 200]}}},
    }


def document(**more):
    return {
        "schema": "exitmeter.profile/1", "status": "complete", "reason": "", "target": "bochs",
        "unit": "ticks", "machine": {"cpu_model": "haswell"}, "guest": {"image": "vmlinuz"},
        "profiles": [{"policy": "all", "status": "done", "ended": "until", "reason": "seen",
                      "kind": "Linux bzImage", "memory_bytes": 1 << 29, "profile": profile()}],
    } | more


@pytest.fixture
def write(tmp_path):
    def make(content, names=NAMES):
        directory = tmp_path / "run"
        directory.mkdir(exist_ok=True)
        (directory / "run.json").write_text(json.dumps(content))
        (directory / "names.json").write_text(json.dumps(names))
        return directory
    return make


def test_top_lists(write, call):
    result = call("profile", write(document()))
    assert result.code == 0
    assert "5 exits in 2500 ticks: the guest had 80.00% of them, the core 20.00%" in result.out
    lines = [re.sub(r" +", " ", line) for line in result.out.splitlines()]
    assert "RDMSR 3 300 100 12.00%" in lines and "CPUID 2 200 100 8.00%" in lines
    assert "RDMSR: MSR 0xc0000080 IA32_EFER 2 220 110 8.80%" in lines
    assert "RDMSR: MSR 0x7fff 1 80 80 3.20%" in lines
    # Two records that differ only in an ECX that the leaf does not look at are one.
    assert "CPUID: leaf 0x1 version and features 2 200 100 8.00%" in lines
    assert "RDMSR: 0xffffffff81000000 3 300 100 12.00%" in lines
    assert "CPUID: not recorded 2 200 100 8.00%" in lines
    assert lines.index("RDMSR 3 300 100 12.00%") < lines.index("CPUID 2 200 100 8.00%")


def test_over_time(write, call):
    out = call("profile", write(document())).out
    assert re.search(r"^  RDMSR +\|[^ |] \|$", out, re.M) and re.search(r"^  CPUID +\| [^ |]\|$", out, re.M)


def test_top_is_cut_and_summed_up(write, call):
    lines = [re.sub(r" +", " ", line)
             for line in call("profile", write(document()), "--top", "1").out.splitlines()]
    assert "1 others 2 200 100 8.00%" in lines and "2 others 3 280 93 11.20%" in lines


def test_json(write, call):
    result = call("profile", write(document()), "--json")
    found = json.loads(result.out)["profiles"][0]["profile"]
    assert found["exits"] == 5 and found["run_time"] == 2500
    assert found["details"][0] == {"reason": "RDMSR", "what": "MSR 0xc0000080 IA32_EFER",
                                   "count": 2, "ticks": 220} | COST


def test_what_was_lost_is_said(write, call):
    content = document()
    content["profiles"][0]["profile"] |= {"lost": 7, "out_of_order": 8, "addresses_lost": 9,
                                          "details_lost": COST | {"count": 10, "ticks": 0}}
    out = call("profile", write(content)).out
    for number in (7, 8, 9, 10):
        assert re.search(rf"^{number} exits ", out, re.M)


def test_loops_that_wait(write, call):
    content = document()
    assert "loops that wait" not in call("profile", write(content)).out
    details = content["profiles"][0]["profile"]["details"]
    details[0]["waiting"] = {"count": 2, "ticks": 220, "elapsed": 300}
    details[2]["waiting"] = {"count": 1, "ticks": 30, "elapsed": 40}
    out = call("profile", write(content)).out
    assert "\n3 exits, 10.00% of that time, were rounds of loops that wait\n" in out
    found = json.loads(call("profile", write(content), "--json").out)["profiles"][0]["profile"]
    assert found["waiting"] == {"exits": 3, "ticks": 250}
    details[0]["waiting"] = {"count": 2}
    result = call("profile", write(content))
    assert result.code == 2 and 'details[0].waiting: key "ticks" is missing' in result.err


def test_no_profile(write, call):
    content = document()
    content["profiles"][0] |= {"profile": None, "kind": None, "memory_bytes": None,
                               "status": "failed", "reason": "it crashed"}
    result = call("profile", write(content))
    assert result.code == 0 and "not loaded; it crashed" in result.out and "no profile" in result.out


def test_report(write, call, tmp_path):
    page = tmp_path / "page.html"
    result = call("report", write(document(guest={"image": HOSTILE})), "-o", page)
    assert result.code == 0, result.err
    text = page.read_text()
    assert text.count("<script") == 1 and "<script>alert" not in text and "&lt;script" in text
    for wanted in ("IA32_EFER", "Linux bzImage", "0xffffffff81000000", "timeline-all", "12.00 %"):
        assert wanted in text, wanted


def test_control_characters_do_not_reach_the_terminal(write, call):
    out = call("profile", write(document(guest={"image": HOSTILE}))).out
    assert "\x1b" not in out


@pytest.mark.parametrize("key, value, said", [
    ("end", 999, "earlier than the start"),
    ("guest", -1, "a whole number"),
    ("details", [entry(9, 1, 1, detail="0x1")], "9 is not among the reasons"),
    ("details", [entry(31, 1, 1, detail="x")], "no hexadecimal number"),
    ("addresses", [{"reason": 31, "rip": 5, "count": 1, "ticks": 1}], "a string is needed"),
    ("over_time", {"width": 1, "slices": 3, "reasons": {"31": {"count": [1], "ticks": [1]}}},
     "1 slices, but the profile has 3"),
    ("over_time", {"width": 0, "slices": 1, "reasons": {"31": {"count": [1], "ticks": [1]}}},
     "a slice lasts a tick or more"),
    ("over_time", {"width": 1, "slices": 1, "reasons": {"x": {"count": [1], "ticks": [1]}}},
     "no exit reason"),
])
def test_damaged(write, call, key, value, said):
    content = document()
    content["profiles"][0]["profile"][key] = value
    result = call("profile", write(content))
    assert result.code == 2 and "run.json" in result.err and said in result.err


def test_other_runs(run, write, call):
    assert "exitmeter compare" in call("profile", run).err
    mine = write(document())
    result = call("compare", mine, mine)
    assert result.code == 2 and "exitmeter profile" in result.err
    assert call("profile", run / "none").code == 2
    assert call("profile", write(document(schema="exitmeter.profile/9"))).code == 2


@pytest.mark.parametrize("reason, detail, text", [
    (10, 0x1_0000000d, "leaf 0xd.0x1 extended state"),
    (10, 0x40000000, "leaf 0x40000000 hypervisor"),
    (18, 1, "number 0x1"),
    (28, 0x310, "MOV from CR0"),
    (28, 0x4, "MOV to CR4"),
    (28, 0x20, "CLTS"),
    (29, 0x17, "MOV from DR7"),
    (30, 0x3fd0008, "IN port 0x3fd, 8 bits com1"),
    (30, 0xcf80003, "OUT port 0xcf8, 32 bits pci-config"),
    (30, 0xcf90000, "OUT port 0xcf9, 8 bits reset"),
    (30, 0x1f00039, "REP INS port 0x1f0, 16 bits ide"),
    (30, 0x12340001, "OUT port 0x1234, 16 bits"),
    (31, 0x203, "MSR 0x203 IA32_MTRR_PHYSMASK1"),
    (32, 0x401, "MSR 0x401 IA32_MC0_STATUS"),
    (31, 0x40f, "MSR 0x40f machine-check"),
    (31, 0x9999, "MSR 0x9999"),
    (0, 0x8000030e, "#PF"),
    (0, 0x80000202, "NMI"),
    (0, 0x800000ff, "vector 255"),
    (1, 0xec, "vector 0xec"),
    (48, 0xfee00000, "page 0xfee00000"),
    (55, 0x7, "0x7"),
    (12, None, ""),
])
def test_details_in_words(reason, detail, text, tmp_path):
    (tmp_path / "names.json").write_text(json.dumps(NAMES))
    assert detail_text(reason, detail, load_names(tmp_path / "names.json")) == text


def test_numbers_alone_without_names(write, call):
    directory = write(document())
    (directory / "names.json").unlink()
    result = call("profile", directory)
    assert result.code == 0 and re.search(r"RDMSR: MSR 0xc0000080 +2 ", result.out)
    assert detail_text(0, 0x8000030e, NO_NAMES) == "vector 14"


@pytest.mark.parametrize("change, said", [
    ({"schema": "exitmeter.names/9"}, '"exitmeter.names/1" is needed'),
    ({"msrs": [{"first": "0x10", "last": "0xf", "name": "x"}]}, "msrs[0].last: below the first"),
    ({"ports": [{"first": 16, "last": "0xf", "name": "x"}]}, "ports[0].first: a string"),
    ({"exceptions": {}}, "exceptions: a list"),
])
def test_damaged_names(write, call, change, said):
    result = call("profile", write(document(), NAMES | change))
    assert result.code == 2 and "names.json" in result.err and said in result.err


def test_leaves_that_look_at_ecx_keep_it():
    assert canonical(10, 0x5_00000001) == 1
    assert canonical(10, 0x5_0000000d) == 0x5_0000000d
    assert canonical(31, 0x5_00000001) == 0x5_00000001
