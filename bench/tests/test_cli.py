# SPDX-License-Identifier: MIT
"""The command line, as far as it goes without a boot."""

import json
import os
import shutil
import struct

import pytest

import synthetic

COMMANDS = ["list", "run", "compare", "gate", "report", "policy", "pmu", "doctor"]


def refused(result, code, *words):
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr


def test_help_lists_every_command(home):
    result = home.run("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in result.stdout


def test_version(home):
    assert home.run("--version").stdout.startswith("exitmeter ")


@pytest.mark.parametrize("command", ["list", "run", "doctor"])
def test_help_of_a_command(home, command):
    result = home.run(command, "--help")
    assert result.returncode == 0
    assert f"Usage: exitmeter {command}" in result.stdout


@pytest.mark.parametrize("arguments, words", [
    ([], ["--help"]),
    (["lits"], ["unknown command 'lits'", "list"]),
    (["--verison"], ["unknown option '--verison'"]),
    (["list", "--jsn"], ["unknown option --jsn", "--json"]),
    (["list", "surplus"], ["surplus"]),
    (["doctor", "--jason"], ["--json"]),
    (["run", "--polcy=x"], ["unknown option --polcy", "--policy"]),
    (["run", "--samples", "many"], ["--samples"]),
    (["run", "--samples", "2.5"], ["whole number"]),
    (["run", "--samples", "0"], ["--samples", "1000000"]),
    (["run", "--samples", "1000001"], ["--samples", "1000000"]),
    (["run", "--timeout", "0"], ["--timeout"]),
    (["run", "--target", "boch"], ["unknown target 'boch'", "bochs"]),
    (["run", "--cpu-model", "corei7_haswel_4770"], ["corei7_haswell_4770"]),
    (["run", "--probes", "ful"], ["unknown probe level 'ful'", "full"]),
    (["run", "--policy", "intercept-al"], ["unknown policy 'intercept-al'", "intercept-all"]),
    (["run", "--policy", "./none.policy"], ["./none.policy: No such file"]),
    (["run", "--policy", "intercept-all", "--policy", "intercept-all"], ["intercept-all"]),
    (["run", "--guest", "cpiud"], ["no benchmark matches 'cpiud'", "cpuid"]),
    (["run", "--guest", "cpuid", "--guest", "msr-raed"], ["'msr-raed'", "msr-read"]),
    (["run", "--core", "none.elf"], ["none.elf: No such file"]),
    (["run", "--corpus", "none.bin"], ["none.bin: No such file"]),
    (["run", "--benchmark_filtre=x"], ["--benchmark_filtre", "--benchmark_filter"]),
    (["run", "--benchmark_format=xml"], ["console, json or csv"]),
    (["run", "--benchmark_repetitions=0"], ["1 to 1000"]),
    (["run", "--benchmark_repetitions"], ["1 to 1000"]),
    (["run", "--benchmark_filter=("], ["--benchmark_filter=("]),
    (["run", "--benchmark_filter=nothing"], ["matches no job"]),
    (["run", "--benchmark_out=/nowhere/x.json"], ["/nowhere/x.json: No such file"]),
])
def test_bad_usage(home, arguments, words):
    home.good_bochs()
    refused(home.run(*arguments), 2, *words)
    assert home.left_behind() == []


def test_a_policy_error_has_its_place(home):
    (home.work / "mine.policy").write_text("default msr intercept\n  intercpet io 0x80\n")
    refused(home.run("run", "--policy", "mine.policy"), 2, "mine.policy:2:3:", "intercept")


def test_too_many_results(home):
    home.good_bochs()
    refused(home.run("run", "--samples", "1000000"), 2, "MiB", "--samples")


def test_existing_run_is_left_alone(home):
    home.good_bochs()
    (home.work / "R").write_text("mine")
    refused(home.run("run", "-o", "R"), 2, "R exists")
    assert (home.work / "R").read_text() == "mine"
    assert home.left_behind() == ["R"]


@pytest.mark.parametrize("missing, package", [("bochs", "bochs"), ("xorriso", "xorriso")])
def test_missing_tool(home, missing, package):
    home.good_bochs()
    (home.bin / missing).unlink()
    refused(home.run("run"), 3, f"apt-get install {package}")
    assert home.left_behind() == []


@pytest.mark.parametrize("name", ["exitmeter-core.elf", "guests.bin", "grub-eltorito.img"])
def test_missing_build(home, name):
    home.good_bochs()
    (home.root / "build" / name).unlink()
    refused(home.run("run"), 3, "make")
    assert home.left_behind() == []


def test_list_json(home):
    home.good_bochs()
    document = json.loads(home.run("list", "--json").stdout)
    assert document["schema"] == "exitmeter.list/1"
    assert [(b["name"], b["kind"]) for b in document["benchmarks"]] == [
        (row[0], "check" if row[6] & synthetic.ROW_CHECK else "benchmark")
        for row in synthetic.ROWS]
    row = next(b for b in document["benchmarks"] if b["name"] == "io/in")
    assert row["exits"] == [{"reason": 30, "times": 1, "gate": "io", "index": 0x80, "width": 1,
                             "when_on": [], "when_off": []}]
    policies = [p["name"] for p in document["policies"]]
    assert policies == sorted(policies) and {"intercept-all", "passthrough-all",
                                             "apic-tpr-shadow"} <= set(policies)
    (target,) = document["targets"]
    assert (target["name"], target["available"]) == ("bochs", True)


def test_list_says_why_a_target_is_not_available(home):
    target = json.loads(home.run("list", "--json").stdout)["targets"][0]
    assert target["available"] is False
    assert target["package"] == "bochs"
    assert "apt-get install bochs" in home.run("list").stdout


def test_list_refuses_a_damaged_blob(home):
    blob = bytearray(synthetic.make_blob())
    struct.pack_into("<Q", blob, 80, 1 << 40)
    (home.work / "bad.bin").write_bytes(blob)
    refused(home.run("list", "--corpus", "bad.bin"), 2, "bad.bin", "row 0")


def test_doctor_json(home):
    result = home.run("doctor", "--json")
    document = json.loads(result.stdout)
    assert result.returncode == 0
    assert document["schema"] == "exitmeter.doctor/1"
    items = {item["name"]: item for item in document["items"]}
    assert items["Bochs"]["status"] == "missing"
    assert items["Bochs"]["what_to_do"] == "apt-get install bochs"
    assert items["xorriso"]["found"] == str(home.bin / "xorriso")
    assert items["core image"]["status"] == "ok"
    flags = open("/proc/cpuinfo").read().split()
    assert items["VT-x"]["status"] == ("ok" if "vmx" in flags else "absent")
    assert items["/dev/kvm"]["status"] != "ok" or os.path.exists("/dev/kvm")


def test_list_tests_shows_names_and_runs_nothing(home):
    result = home.run("run", "--benchmark_list_tests", "--guest", "cpuid")
    assert result.returncode == 0
    assert result.stdout.split() == ["bochs/cpuid/passthrough-all", "bochs/cpuid/intercept-all"]
    assert home.left_behind() == []


@pytest.mark.parametrize("spec, count", [
    ("all", 10), ("", 10), ("cpuid", 2), ("-cpuid", 8), ("^bochs/(io|msr)", 6), ("intercept-all$", 5)])
def test_filter(home, spec, count):
    result = home.run("run", "--benchmark_list_tests", f"--benchmark_filter={spec}")
    assert len(result.stdout.split()) == count


def test_checks_run_only_when_asked_for_by_name(home):
    names = home.run("run", "--benchmark_list_tests", "--guest", "*").stdout
    assert "check/" not in names
    names = home.run("run", "--benchmark_list_tests", "--guest", "check/*").stdout
    assert "bochs/check/msr-effect/intercept-all" in names


@pytest.mark.parametrize("command", ["compare", "gate", "report"])
def test_analysis_gets_its_arguments_unchanged(home, command):
    package = home.root / "analysis"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import json, os, sys\nprint(json.dumps([sys.argv[1:], os.getcwd()]))\nsys.exit(7)\n")
    result = home.run(command, "R S", "--json", "--help", "-o", "x")
    shutil.rmtree(package)
    assert result.returncode == 7
    assert json.loads(result.stdout) == [[command, "R S", "--json", "--help", "-o", "x"],
                                         str(home.work)]
