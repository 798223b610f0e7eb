# SPDX-License-Identifier: MIT
"""What run.json says of the machine and of the host: all of it, or null and why."""

import json

import pytest

HOST = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Made-up CPU\nstepping\t: 7\n"
                    "microcode\t: 0x2b\ncpu MHz\t\t: 2100.5\nflags\t\t: fpu vmx hypervisor\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
    "sys/devices/system/cpu/smt/active": "1\n",
    "sys/devices/system/cpu/vulnerabilities/l1tf": "Mitigation: PTE Inversion\n",
    "sys/devices/system/cpu/vulnerabilities/mds": "Vulnerable\n",
}


def measured(home, twist=None, files=None):
    home.good_bochs(**(twist or {}))
    for name, content in (files or {}).items():
        path = home.path / "system" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environment = {**home.environment(), "EXITMETER_ROOT": str(home.path / "system")}
    result = home.run("run", "-o", "R", env=environment)
    assert result.returncode == 0, result.stderr
    return json.loads((home.work / "R" / "run.json").read_text())


def test_the_host(home):
    host = measured(home, files=HOST)["host"]
    assert host.pop("hostname") and host.pop("kernel")
    assert host == {
        "cpu": "Made-up CPU", "stepping": "7", "microcode": "0x2b", "mhz": "2100.5",
        "governor": "powersave", "turbo": "on", "smt": "on", "virtual": True,
        "mitigations": {"l1tf": "Mitigation: PTE Inversion", "mds": "Vulnerable"}}


def test_what_a_host_does_not_say_is_null_with_a_reason(home):
    host = measured(home)["host"]
    unknown = {"stepping", "microcode", "mhz", "governor", "turbo", "smt", "mitigations"}
    assert {key for key, value in host.items() if value is None} == unknown
    assert all(host[f"{key}_absent"] for key in unknown)


@pytest.mark.parametrize("file, value, turbo", [
    ("intel_pstate/no_turbo", "1", "off"), ("cpufreq/boost", "1", "on"),
    ("cpufreq/boost", "0", "off"), ("cpufreq/boost", "maybe", None)])
def test_turbo_of_the_host(home, file, value, turbo):
    host = measured(home, files={f"sys/devices/system/cpu/{file}": value})["host"]
    assert host["turbo"] == turbo


def test_the_machine_of_an_emulator(home):
    """Values as a CPU would have them: frequencies mean nothing where a tick is an instruction."""
    state = (0x1FF, 0x2B << 32, 0x2200, 0, 0x2B, 1, 2, 2, 2, 250, 24000000, 3000, 4500, 100)
    machine = measured(home, {"state": state})["machine"]
    assert (machine["family"], machine["model"], machine["stepping"]) == (6, 0x3C, 3)
    assert machine["microcode"] == "0x0000002b"
    assert machine["threads_per_core"] == 2
    assert machine["mitigations"]["spec_ctrl"] == "0x0000000000000001"
    assert machine["mitigations"]["arch_capabilities"] == "0x000000000000002b"
    for key in ("base_mhz", "max_mhz", "tsc_hz", "turbo"):
        assert machine[key] is None and "emulated" in machine[f"{key}_absent"]


def test_what_the_image_could_not_read_is_null_with_a_reason(home):
    machine = measured(home)["machine"]
    for key, owner in (("microcode", machine), ("threads_per_core", machine),
                       ("spec_ctrl", machine["mitigations"]),
                       ("arch_capabilities", machine["mitigations"])):
        assert owner[key] is None and owner[f"{key}_absent"]
    assert machine["ept_page_sizes"] == [4096]
