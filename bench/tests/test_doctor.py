# SPDX-License-Identifier: MIT
"""exitmeter doctor on machines that are made up below EXITMETER_ROOT."""

import json
import os
import struct

import pytest

CPU = "sys/devices/system/cpu/"
# A VT-x host that is set up as the figures want it.
GOOD = {
    "proc/cpuinfo": "model name : C\nflags\t\t: fpu vmx ept\n",
    "dev/cpu/0/msr": bytes(0x3a) + struct.pack("<Q", 5),
    "dev/kvm": "",
    "sys/module/kvm_intel/parameters/nested": "Y\n",
    "sys/bus/event_source/devices/cpu/type": "4\n",
    "proc/sys/kernel/perf_event_paranoid": "1\n",
    CPU + "smt/active": "0\n",
    CPU + "cpu0/cpufreq/scaling_governor": "performance\n",
    CPU + "intel_pstate/no_turbo": "1\n",
    CPU + "vulnerabilities/l1tf": "Not affected\n",
}
MACHINE = ("VT-x", "firmware lock", "/dev/kvm", "nested VT-x", "PMU", "perf permission",
           "bare metal", "SMT off", "governor", "turbo off", "boost off", "mitigations")


def doctor(home, changes):
    """The document, of the good machine with files changed or (None) taken away."""
    for name, content in {**GOOD, **changes}.items():
        path = home.path / "machine" / name
        if content is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    environment = {**home.environment(), "EXITMETER_ROOT": str(home.path / "machine")}
    result = home.run("doctor", "--json", env=environment)
    assert result.returncode == 0, result.stderr
    text = home.run("doctor", env=environment).stdout
    document = json.loads(result.stdout)
    for item in document["items"]:
        assert item["name"] in text and item["found"] in text and item["what_to_do"] in text
        assert bool(item["what_to_do"]) == (item["status"] != "ok")
    return document


def items(home, changes):
    return {item["name"]: item for item in doctor(home, changes)["items"]}


def test_a_machine_without_fault(home):
    found = items(home, {})
    assert {found[name]["status"] for name in MACHINE} == {"ok"}
    assert found["firmware lock"]["found"].endswith("0x5: locked, VMX on")
    assert found["nested VT-x"]["found"] == "kvm_intel nested=Y"


@pytest.mark.parametrize("name, changes, status, found, what_to_do", [
    ("VT-x", {"proc/cpuinfo": "flags : fpu svm\n"}, "absent", "", "firmware or hypervisor"),
    ("VT-x", {"proc/cpuinfo": "flags : vmxnet\n"}, "absent", "", "hides it"),
    ("firmware lock", {"dev/cpu/0/msr": bytes(0x3a) + struct.pack("<Q", 1)}, "missing",
     "locked, VMX off", "firmware's setup"),
    ("firmware lock", {"dev/cpu/0/msr": bytes(0x42)}, "ok", "not locked, VMX off", ""),
    ("firmware lock", {"dev/cpu/0/msr": None}, "ok", "/proc/cpuinfo", ""),
    ("firmware lock", {"dev/cpu/0/msr": None, "proc/cpuinfo": None}, "absent", "", "setup"),
    ("/dev/kvm", {"dev/kvm": None}, "absent", "", "load kvm_intel"),
    ("nested VT-x", {"sys/module/kvm_intel/parameters/nested": "N\n"}, "missing", "nested=N",
     "nested=1"),
    ("nested VT-x", {"sys/module/kvm_intel/parameters/nested": "0\n"}, "missing", "nested=0",
     "nested=1"),
    ("nested VT-x", {"sys/module/kvm_intel/parameters/nested": None}, "absent", "", "VT-x host"),
    ("nested VT-x", {"sys/module/kvm_intel/parameters/nested": None,
                     "sys/module/kvm_amd/parameters/nested": "1\n"}, "absent", "kvm_amd", "VT-x"),
    ("PMU", {"sys/bus/event_source/devices/cpu/type": None}, "absent", "", "pmu=on"),
    ("PMU", {"sys/bus/event_source/devices/cpu/type": None,
             "sys/bus/event_source/devices/cpu_core/type": "4\n"}, "ok", "cpu_core", ""),
    ("perf permission", {"proc/sys/kernel/perf_event_paranoid": "3\n"},
     "ok" if os.geteuid() == 0 else "missing", "is 3",
     "" if os.geteuid() == 0 else "perf_event_paranoid=1"),
    ("perf permission", {"proc/sys/kernel/perf_event_paranoid": None}, "absent", "", "no perf"),
    ("bare metal", {"proc/cpuinfo": "flags : vmx hypervisor\n"}, "note", "hypervisor", "virtual"),
    ("SMT off", {CPU + "smt/active": "1\n"}, "note", "is 1", "echo off"),
    ("SMT off", {CPU + "smt/active": None}, "ok", "has no", ""),
    ("governor", {CPU + "cpu0/cpufreq/scaling_governor": "powersave\n"}, "note", "is powersave",
     "cpupower"),
    ("turbo off", {CPU + "intel_pstate/no_turbo": "0\n"}, "note", "is 0", "no_turbo"),
    ("boost off", {CPU + "cpufreq/boost": "1\n"}, "note", "is 1", "boost"),
    ("mitigations", {CPU + "vulnerabilities/mds": "Mitigation: Clear CPU buffers\n",
                     CPU + "vulnerabilities/tsa": "Mitigation: x\n"}, "note", "on: mds, tsa",
     "run.json records them"),
    ("mitigations", {CPU + "vulnerabilities/mds": "Vulnerable\n"}, "ok", "none is on", ""),
])
def test_each_fault_has_what_to_do(home, name, changes, status, found, what_to_do):
    item = items(home, changes)[name]
    assert item["status"] == status
    assert found in item["found"] and what_to_do in item["what_to_do"]
    assert bool(found) == bool(item["found"])


def test_targets_say_what_they_lack(home):
    document = doctor(home, {})
    bochs = next(target for target in document["targets"] if target["name"] == "bochs")
    assert (bochs["available"], bochs["missing"]) == (False, "Bochs")
    assert bochs["what_to_do"] == "apt-get install bochs"
    needs = {item["name"] for item in document["items"] if "bochs" in item["needed_for"]}
    assert {"Bochs", "xorriso", "GRUB boot image"} <= needs and "VT-x" not in needs
    text = home.run("doctor").stdout
    assert "not here: no Bochs; apt-get install bochs" in text
