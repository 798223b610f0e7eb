# SPDX-License-Identifier: MIT
"""exitmeter policy: compile, show, diff and audit, as a user has them; and a run with nothing to run."""
import json
import pathlib
import struct

import pytest

SHIPPED = sorted(path.stem for path in
                 (pathlib.Path(__file__).parents[1] / "policies").glob("*.policy"))
TEXT = "default io passthrough\nintercept io com1\npassthrough msr ia32_tsc r\nprobes off\n"
# MSRs that pass under no policy: core/vmx/msr_never_list.h.
NEVER = ((0x3f1, 0x3f1), (0x3f4, 0x3f5), (0x560, 0x587), (0x600, 0x600), (0x17d0, 0x17d1),
         (0x1900, 0x19ff))
BITMAPS = 16 + 352  # where they are in a compiled policy


def policy(home, *arguments, code=0):
    result = home.run("policy", *arguments)
    assert result.returncode == code, result.stderr
    return result


def mine(home, text, name="mine"):
    (home.work / f"{name}.policy").write_text(text)
    return f"{name}.policy"


def test_shipped_policies_are_these():
    assert set(SHIPPED) == {
        "apic-register-virtualization", "apic-tpr-shadow", "apic-virtual-interrupts",
        "apic-virtual-x2apic", "apic-virtual-xapic", "intercept-all", "linux-least-privilege",
        "passthrough-all", "reference-default"}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_there_and_back(home, name):
    shown = policy(home, "show", name).stdout
    again = mine(home, shown, name)
    policy(home, "diff", name, again)
    policy(home, "compile", name, "-o", "one.bin")
    policy(home, "compile", again, "-o", "two.bin")
    assert (home.work / "one.bin").read_bytes() == (home.work / "two.bin").read_bytes()
    assert policy(home, "show", "one.bin").stdout == shown
    assert policy(home, "compile", "one.bin", "--json").stdout == \
        policy(home, "compile", name, "--json").stdout


def test_compiled_bytes(home):
    """A bit a port and a bit an MSR, where the SDM has them; the same in every form."""
    path = mine(home, TEXT)
    policy(home, "compile", path, "-o", "mine.bin")
    data = (home.work / "mine.bin").read_bytes()
    assert struct.unpack_from("<8sII", data)[0] == b"EXMPOLI1" and data[16:20] == b"mine"
    assert struct.unpack_from("<I", data, 12) == (0,)  # probes off
    msrs, ports_a, ports_b = (data[BITMAPS + 4096 * i:BITMAPS + 4096 * (i + 1)] for i in range(3))
    assert msrs == b"\xff\xff\xfe" + b"\xff" * 4093
    assert ports_a == bytes(0x3f8 // 8) + b"\xff" + bytes(4096 - 0x3f8 // 8 - 1)
    assert ports_b == bytes(4096)
    assert data[BITMAPS + 3 * 4096:] == bytes(3 * 4096)  # nothing is emulated or refused
    document = json.loads(policy(home, "compile", path, "--json").stdout)
    assert document["schema"] == "exitmeter.policy/1" and document["probe_level"] == "off"
    assert [bytes.fromhex(document[key]) for key in ("msr_bitmap", "io_bitmap_a", "io_bitmap_b")] \
        == [msrs, ports_a, ports_b]
    assert from_hex(policy(home, "compile", path, "--hex").stdout) == data[BITMAPS:]
    assert policy(home, "compile", path).stdout == policy(home, "compile", path, "--hex").stdout


def from_hex(text):
    """The bitmaps of --hex: what repeats stands for the rows up to the next, or the area's end."""
    areas = []
    for line in text.splitlines():
        words = line.split()
        if "bitmap, " in line or "O bitmap" in line:
            areas.append([1024 if "MSR" in line else 4096, bytearray(), False])
        elif "emulated" in line:
            areas.append([4096 if "MSR" in line else 8192, bytearray(), False])
        elif line == "*":
            areas[-1][2] = True
        elif len(words) == 2 and len(words[1]) == 64:
            size, data, repeats = areas[-1]
            while repeats and len(data) < int(words[0], 16):
                data += data[-32:]
            assert len(data) == int(words[0], 16)
            data += bytes.fromhex(words[1])
            areas[-1][2] = False
    assert [len(data) for _, data, _ in areas] == [size for size, _, _ in areas]
    return b"".join(bytes(data) for _, data, _ in areas)


def test_compiled_policies_can_be_run(home):
    home.good_bochs()
    policy(home, "compile", mine(home, TEXT), "-o", "compiled.bin")
    result = home.run("run", "--benchmark_list_tests", "--guest", "cpuid", "--policy",
                      "./compiled.bin")
    assert result.stdout.split() == ["bochs/cpuid/mine"]


def test_diff(home):
    one, other = mine(home, TEXT, "one"), mine(home, TEXT.replace("com1", "com2"), "other")
    result = policy(home, "diff", one, other, code=1)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["io", "rw", "0x2f8-0x2ff", "com2", "passes", "in", "one", "alone"],
        ["io", "rw", "0x3f8-0x3ff", "com1", "passes", "in", "other", "alone"]]
    document = json.loads(policy(home, "diff", one, other, "--json", code=1).stdout)
    assert [(item["name"], item["in"]) for item in document["passes"]] == [
        ("com2", "a"), ("com1", "b")] and document["same"] is False
    same = policy(home, "diff", one, mine(home, "# the same\n" + TEXT, "third"))
    assert same.stdout == "one and third are the same\n"


@pytest.mark.parametrize("most, code", [("critical", 0), ("high", 1), ("low", 1)])
def test_audit_holds_a_policy_to_a_severity(home, most, code):
    path = mine(home, "passthrough io reset\n")
    result = policy(home, "audit", path, "--max-severity", most, code=code)
    assert "critical  io 0xcf9 reset rw: resets the machine" in result.stdout
    assert (f"above {most}" in result.stderr) == bool(code)
    document = json.loads(policy(home, "audit", path, "--json", "--max-severity", most,
                                 code=code).stdout)
    assert document["schema"] == "exitmeter.policy-audit/1" and document["held"] is not bool(code)
    assert document["findings"][0]["item"] == "io 0xcf9 reset"
    assert all(finding["source"] for finding in document["findings"])


def test_least_privilege_is_what_it_says(home):
    policy(home, "audit", "linux-least-privilege", "--max-severity", "low")
    policy(home, "audit", "passthrough-all", "--max-severity", "high", code=1)
    policy(home, "audit", "reference-default", "--max-severity", "high", code=1)


def test_reference_default_is_what_it_says(home):
    document = json.loads(policy(home, "compile", "reference-default", "--json").stdout)
    msrs = bytearray(4096)
    for half in (0, 2048):
        msrs[half + 0xe1 // 8] |= 1 << 0xe1 % 8
        msrs[half + 0x800 // 8:half + 0x840 // 8] = b"\xff" * 8
        for first, last in NEVER:
            for msr in range(first, last + 1):
                msrs[half + msr // 8] |= 1 << msr % 8
    assert bytes.fromhex(document["msr_bitmap"]) == msrs
    ports = bytearray(4096)
    ports[0x604 // 8] |= 1 << 0x604 % 8
    assert bytes.fromhex(document["io_bitmap_a"]) == ports
    assert bytes.fromhex(document["io_bitmap_b"]) == bytes(4096)


@pytest.mark.parametrize("arguments, words", [
    ([], ["which subcommand", "--help"]),
    (["shwo"], ["unknown subcommand 'shwo'", "show"]),
    (["--shwo"], ["unknown option '--shwo'"]),
    (["show"], ["which policy"]),
    (["show", "intercept-al"], ["unknown policy 'intercept-al'", "intercept-all"]),
    (["show", "none.policy"], ["none.policy: No such file"]),
    (["show", "bad.policy"], ["bad.policy:2:15:", "did you mean IA32_EFER"]),
    (["show", "damaged.bin"], ["damaged.bin: not a compiled policy: the file ends in its header"]),
    (["show", "intercept-all", "more"], ["takes no argument 'more'"]),
    (["compile", "intercept-all", "--hex", "--json"], ["not both"]),
    (["compile", "intercept-all", "-o", "/nowhere/x"], ["/nowhere/x: No such file"]),
    (["diff", "intercept-all"], ["which two"]),
    (["diff", "intercept-all", "passthrough-al"], ["unknown policy 'passthrough-al'"]),
    (["audit", "intercept-all", "--max-severity", "hihg"], ["not 'hihg'", "did you mean high"]),
    (["audit", "intercept-all", "--max-sevrity=low"], ["unknown option", "--max-severity"]),
])
def test_bad_usage(home, arguments, words):
    mine(home, "# of an MSR\nintercept msr IA32_EFFER w\n", "bad")
    (home.work / "damaged.bin").write_bytes(b"EXMPOLI1\4\0")
    before = home.left_behind()
    result = policy(home, *arguments, code=2)
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    assert home.left_behind() == before


def test_help(home):
    out = policy(home, "--help").stdout
    for name in ("compile", "show", "diff", "audit"):
        assert f"  {name} " in out
        assert f"Usage: exitmeter policy {name}" in policy(home, name, "--help").stdout


def test_nothing_that_can_be_measured_is_no_success(home):
    why = "control not available on this CPU: RDSEED exiting"
    home.good_bochs(jobs={0: {"status": 2, "reason": why}})
    result = home.run("run", "-o", "R", "--guest", "cpuid", "--policy", "intercept-all")
    assert result.returncode == 3
    assert f"bochs/cpuid/intercept-all: skipped: not applicable here: {why}" in result.stderr
    assert "(0 done, 1 skipped, 0 failed)" in result.stderr
    assert "run: not applicable: none of the jobs can be measured on this CPU" in result.stderr
    assert json.loads((home.work / "R" / "run.json").read_text())["jobs"][0]["reason"] == why


# What each lets a guest do, how bad that is at least, and who says so: an SDM section, a CVE, a data
# sheet. Each passed alone, through the command line.
DANGERS = [
    ("msr IA32_EFER w", "high", "msr 0xc0000080 IA32_EFER", "the next VM entry fails", "SDM 3C 27.3.1.1"),
    ("msr IA32_APIC_BASE w", "critical", "msr 0x1b IA32_APIC_BASE", "local APIC", "SDM 3A 11.4.4"),
    ("msr IA32_TIME_STAMP_COUNTER w", "high", "msr 0x10 IA32_TIME_STAMP_COUNTER",
     "clock of the CPU", "SDM 3B 18.17"),
    ("msr IA32_TSC_ADJUST w", "high", "msr 0x3b IA32_TSC_ADJUST", "clock of the CPU", "SDM 3B 18.17.3"),
    ("msr IA32_TSC_DEADLINE w", "high", "msr 0x6e0 IA32_TSC_DEADLINE", "the host's timer",
     "SDM 3A 11.5.4.1"),
    ("msr IA32_FEATURE_CONTROL w", "high", "msr 0x3a IA32_FEATURE_CONTROL", "locks VMX out",
     "SDM 3C 24.7"),
    ("msr IA32_BIOS_UPDT_TRIG w", "critical", "msr 0x79 IA32_BIOS_UPDT_TRIG", "microcode",
     "SDM 3A 10.11.6"),
    ("msr IA32_SPEC_CTRL w", "high", "msr 0x48 IA32_SPEC_CTRL", "for the host that runs next",
     "CVE-2017-5715"),
    ("io 0xcf8", "critical", "io 0xcf8 pci-config", "every PCI device", "PCI 3.0 3.2.2.3"),
    ("io 0xcfc-0xcff", "critical", "io 0xcfc-0xcff pci-config", "every PCI device", "PCI 3.0 3.2.2.3"),
    ("io 0xcf9", "critical", "io 0xcf9 reset", "resets the machine", "data sheets, RST_CNT"),
    ("io 0x20-0x21", "high", "io 0x20-0x21 pic", "host's interrupts", "8259A data sheet"),
    ("io 0xa0-0xa1", "high", "io 0xa0-0xa1 pic", "host's interrupts", "8259A data sheet"),
    ("io 0x40-0x43", "high", "io 0x40-0x43 pit", "host's PIT", "8254 data sheet"),
    ("io 0x70-0x71", "high", "io 0x70-0x71 cmos", "masks NMIs", "MC146818 data sheet"),
    ("io 0x604", "critical", "io 0x604 qemu-power-off", "powers the machine off", "ACPI 4.8.3"),
    ("io 0xb004", "critical", "io 0xb004 acpi-pm", "powers the machine off", "ACPI 4.8.3"),
    ("io 0x1804", "critical", "io 0x1804 acpi-pm", "powers the machine off", "ACPI 4.8.3"),
    ("io 0x404", "critical", "io 0x404 acpi-pm", "powers the machine off", "ACPI 4.8.3"),
    ("cr4 6", "high", "cr4 6 MCE", "machine check", "SDM 3C 27.9"),
]
# Nothing else that is high or worse.
CLOSED = "default cr4 intercept\ndefault exception intercept\ncontrol external-interrupt-exiting on\n"
SEVERITIES = ("info", "low", "medium", "high", "critical")


@pytest.mark.parametrize("rule, severity, item, why, source", DANGERS,
                         ids=[danger[0] for danger in DANGERS])
def test_audit_finds_a_known_danger(home, rule, severity, item, why, source):
    path = mine(home, f"{CLOSED}passthrough {rule}\n")
    below = SEVERITIES[SEVERITIES.index(severity) - 1]
    document = json.loads(policy(home, "audit", path, "--max-severity", below, "--json", code=1).stdout)
    assert not document["held"]
    found = [finding for finding in document["findings"] if finding["item"] == item]
    assert len(found) == 1, [finding["item"] for finding in document["findings"]]
    assert SEVERITIES.index(found[0]["severity"]) >= SEVERITIES.index(severity)
    assert why in found[0]["what"] and source in found[0]["source"]
    text = policy(home, "audit", path, "--max-severity", below, code=1)
    assert f"{item} " in text.stdout and why in text.stdout and source in text.stdout
    assert f"findings above {below}" in text.stderr
    # Intercepted, nothing is found of it, and so nothing as bad.
    closed = mine(home, f"{CLOSED}intercept {rule}\n", "closed")
    document = json.loads(policy(home, "audit", closed, "--max-severity", below, "--json").stdout)
    assert document["held"] and item not in [finding["item"] for finding in document["findings"]]


@pytest.mark.parametrize("name, first, last", [
    ("IA32_PEBS_ENABLE", 0x3f1, 0x3f1), ("IA32_PEBS_BASE", 0x3f4, 0x3f5), ("rtit", 0x560, 0x587),
    ("IA32_RTIT_OUTPUT_BASE", 0x560, 0x587), ("IA32_RTIT_CTL", 0x560, 0x587),
    ("IA32_DS_AREA", 0x600, 0x600), ("IA32_HW_FEEDBACK_PTR", 0x17d0, 0x17d1)])
def test_what_the_cpu_writes_to_memory_by_never_passes(home, name, first, last):
    """Not by its name, nor by the default; and show, audit and the bitmaps say so."""
    path = mine(home, f"passthrough msr {name} w\n")
    error = policy(home, "audit", path, code=2).stderr
    assert f"mine.policy:1:17: by {name} the CPU writes to memory" in error
    document = json.loads(policy(home, "audit", "passthrough-all", "--json").stdout)
    never = [entry for entry in document["never_passes"] if entry["first"] == first]
    assert len(never) == 1 and never[0]["last"] == last and "SDM" in never[0]["source"]
    assert all(not finding["item"].startswith(f"msr {first:#x}") for finding in document["findings"])
    shown = [line.split() for line in policy(home, "show", "passthrough-all").stdout.splitlines()]
    assert any(line[:2] == ["intercept", "msr"] and line[3] == "rw" and
               line[2] in (name, f"{first:#x}-{last:#x}", f"{first:#x}") for line in shown)
    compiled = json.loads(policy(home, "compile", "passthrough-all", "--json").stdout)
    msrs = bytes.fromhex(compiled["msr_bitmap"])
    for msr in range(first, last + 1):
        assert msrs[msr // 8] >> msr % 8 & 1 and msrs[2048 + msr // 8] >> msr % 8 & 1


def test_list_has_a_line_for_each_policy(home):
    document = json.loads(home.run("list", "--json").stdout)
    assert [entry["name"] for entry in document["policies"]] == SHIPPED
    assert all(len(entry["description"]) > 30 and entry["description"].endswith(".")
               for entry in document["policies"])


def test_policies_by_pattern(home):
    home.good_bochs()
    def chosen(*patterns, code=0):
        words = [word for pattern in patterns for word in ("--policy", pattern)]
        result = home.run("run", "--benchmark_list_tests", "--guest", "cpuid", *words)
        assert result.returncode == code, result.stderr
        return [line.split("/")[-1] for line in result.stdout.splitlines()], result.stderr
    assert chosen("*")[0] == SHIPPED
    assert chosen("apic-v*")[0] == ["apic-virtual-interrupts", "apic-virtual-x2apic",
                                    "apic-virtual-xapic"]
    assert chosen("*-all", "intercept-all", "pass*")[0] == ["intercept-all", "passthrough-all"]
    assert "no shipped policy matches 'pasthrough*' (did you mean passthrough-all?)" in \
        chosen("pasthrough*", code=2)[1]
    assert "unknown policy 'intercept-al' (did you mean intercept-all?)" in \
        chosen("intercept-al", code=2)[1]
    path = mine(home, "default msr passthrough\n", "intercept-all")
    assert "two policies are named 'intercept-all'" in chosen("*", f"./{path}", code=2)[1]
