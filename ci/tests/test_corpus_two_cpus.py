# SPDX-License-Identifier: MIT
"""Benchmarks of two CPUs: run --cpus 2 starts the second, and its vCPU answers the first's."""
import pytest

from .conftest import benchmarks, exit_reason_of, exitmeter, measure, run_json, trace_lines

FORMS = ("apic-tpr-shadow", "apic-virtual-x2apic", "apic-register-virtualization",
         "apic-virtual-interrupts", "apic-virtual-xapic")
SHIPPED = ("passthrough-all", "intercept-all") + FORMS
ROWS = ("--guest", "ipi", "--guest", "ipi_halt", "--guest", "ple_round_robin")


def policies(*names):
    return [argument for name in names for argument in ("--policy", name)]


@pytest.mark.parametrize("model", ["corei7_haswell_4770", "corei7_skylake_x"])
def test_each_is_done_or_skipped_for_a_reason(tmp_path, model):
    directory = measure(tmp_path / "run", "--cpus", "2", "--cpu-model", model, "--samples", "50",
                        *ROWS, *policies(*SHIPPED))
    document = run_json(directory)
    assert document["cpus"] == 2
    jobs = {(job["benchmark"], job["policy"]): job for job in document["jobs"]}
    skipped = jobs.pop(("ple_round_robin", "intercept-all"))
    assert skipped["status"] == "skipped" and "every PAUSE exits" in skipped["reason"]
    for (row, policy), job in jobs.items():
        ipi = row != "ple_round_robin" and policy != "passthrough-all"
        assert (job["status"], job["exits_per_op"]) == ("done", int(ipi)), (row, policy)
    ticks = {name.split("/", 1)[1]: entry.get("p50")
             for name, entry in benchmarks(directory).items()}
    for row in ("ipi", "ipi_halt"):
        assert ticks[f"{row}/passthrough-all"] < 50 < 500 < ticks[f"{row}/intercept-all"] < 1500


def test_two_runs_are_the_same(tmp_path):
    """Turns of the two CPUs are Bochs' own, and the same each time; the records are the first's."""
    figures = []
    for name in ("one", "two"):
        directory = measure(tmp_path / name, "--cpus", "2", "--samples", "100", *ROWS)
        figures.append(benchmarks(directory))
        assert all("cpu_id = 0" in line for line in trace_lines(directory))
        assert "WRMSR" in set(map(exit_reason_of, trace_lines(directory)))
    for name, entry in figures[0].items():
        for key in ("p50", "p99", "max", "exits_per_op"):
            assert entry.get(key) == figures[1][name].get(key), (name, key)


def test_one_cpu_is_not_enough(tmp_path):
    directory = measure(tmp_path / "run", *ROWS, code=3)  # nothing else was asked for
    for job in run_json(directory)["jobs"]:
        if (job["benchmark"], job["policy"]) != ("ple_round_robin", "intercept-all"):
            assert (job["status"], job["reason"]) == ("skipped",
                                                      "one CPU only; run with --cpus 2")


def test_other_benchmarks_run_on_the_first_of_two(tmp_path):
    directory = measure(tmp_path / "run", "--cpus", "2", "--guest", "cpuid", "--guest", "hlt",
                        "--guest", "check/apic*", *policies("passthrough-all", "intercept-all"))
    assert {job["status"] for job in run_json(directory)["jobs"]} == {"done"}


@pytest.mark.parametrize("given", ["0", "3", "two", "1.5"])
def test_no_such_number_of_cpus(tmp_path, given):
    result = exitmeter("run", "--cpus", given, "--guest", "cpuid", "-o", tmp_path / "run")
    assert result.code == 2 and "--cpus takes a" in result.err


@pytest.mark.parametrize("file, old, new, message", [
    ("guests/image/other.c", "vcpu_set_time_limit(vcpu, other->time_limit);",
     "vcpu_set_time_limit(vcpu, 1000000);", "second CPU: the guest used up its time"),
    ("core/exits/apic_bus.c", "        platform_kick(cpu - 1);", "        (void)0;",
     "the guest used up its time"),
])
def test_what_one_cpu_fails_at_ends_both(source, tmp_path, file, old, new, message):
    source.mutate(file, old, new)
    source.mutate("guests/image/driver.c", "vcpu_set_time_limit(room->vcpu, (uint64_t)run->job->time_limit << 20);",
                  "vcpu_set_time_limit(room->vcpu, 20000000);")
    result = exitmeter("run", "--core", source.image(), "--cpus", "2", "--guest", "ipi",
                       "--guest", "cpuid", "--policy", "intercept-all", "--timeout", "200", "-o",
                       tmp_path / "run")
    assert result.code == 1
    ipi, cpuid = run_json(tmp_path / "run")["jobs"][::-1]
    if ipi["benchmark"] != "ipi":
        ipi, cpuid = cpuid, ipi
    assert ipi["status"] == "failed" and message in ipi["reason"], result.err
    assert cpuid["status"] == "done"
