# SPDX-License-Identifier: MIT
"""The guest's local APIC: the core's, in software and in every form the CPU virtualizes."""
import json

import pytest

from .conftest import BUILD, benchmarks, exitmeter, exits, measure, run_json

APIC_BLOB = BUILD / "tests" / "apic.bin"
FORMS = ("apic-tpr-shadow", "apic-virtual-x2apic", "apic-register-virtualization",
         "apic-virtual-interrupts")
SOFTWARE = "intercept-all"

ACCESSES = """control hlt-exiting on
control external-interrupt-exiting on
control tpr-shadow on
control virtualize-apic-accesses on
"""


def policies(*names):
    return [argument for name in names for argument in ("--policy", name)]


def checks():
    """How many check rows the corpus has."""
    rows = json.loads(exitmeter("list", "--json").out)["benchmarks"]
    return sum(row["kind"] == "check" for row in rows)


def all_done(directory, jobs):
    found = run_json(directory)["jobs"]
    assert len(found) == jobs
    assert [job["name"] for job in found if job["status"] != "done"] == []


def test_checks_hold_in_every_form(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "check/*", *policies(*FORMS))
    all_done(directory, checks() * len(FORMS))


def test_what_bochs_has_otherwise(tmp_path):
    directory = measure(tmp_path / "run", "--corpus", APIC_BLOB, "--guest", "check/apic*",
                        *policies(SOFTWARE, *FORMS))
    all_done(directory, 4 * (1 + len(FORMS)))


def test_tpr_does_not_exit_where_it_is_virtualized(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "x2apic_tpr", *policies(*FORMS))
    exits = {name.split("/")[2]: (entry["exits_per_op"], entry["p50"])
             for name, entry in benchmarks(directory).items()}
    assert exits.pop("apic-tpr-shadow")[0] == 1
    assert set(exits.values()) == {(0, 1)}


@pytest.mark.parametrize("more, exit_reason", [
    ("", "APIC access"),
    ("control apic-register-virtualization on\n", "APIC write"),
    ("control apic-register-virtualization on\ncontrol virtual-interrupt-delivery on\n",
     "APIC write"),
])
def test_xapic_mode_by_its_page(tmp_path, more, exit_reason):
    """The fewer registers the CPU virtualizes the more accesses are emulated."""
    policy = tmp_path / "accesses.policy"
    policy.write_text(ACCESSES + more)
    directory = measure(tmp_path / "run", "--corpus", APIC_BLOB, "--guest", "check/page",
                        "--policy", policy)
    assert ("APIC write" in exits(directory)) == (exit_reason == "APIC write")
    assert "APIC access" in exits(directory)


@pytest.mark.parametrize("period", ["1000", "3137", "20000"])
def test_a_host_timer_disturbs_no_guest(tmp_path, period):
    """At the fastest a guest of a few thousand exits is interrupted after nearly every one."""
    directory = measure(tmp_path / "run", "--host-timer", period, "--guest", "check/*",
                        "--timeout", "230", *policies(SOFTWARE, *FORMS))
    all_done(directory, checks() * (1 + len(FORMS)))
    assert exits(directory)["external interrupt"] > 100


def test_a_host_timer_and_guests_with_the_cpus_own_apic(tmp_path):
    """The one is stopped while it is the other's, and nothing that is pending changes hands."""
    directory = measure(tmp_path / "run", "--host-timer", "3000", "--guest", "check/apic*",
                        "--guest", "check/interrupts", *policies("passthrough-all", SOFTWARE))
    all_done(directory, 8)


def test_a_host_timer_in_one_shot_mode(tmp_path):
    """A CPU without the TSC-deadline mode, and without x2APIC."""
    directory = measure(tmp_path / "run", "--cpu-model", "corei5_lynnfield_750", "--host-timer",
                        "5000", "--guest", "check/*", *policies(SOFTWARE))
    assert "external interrupt" in exits(directory)


def test_a_host_timer_is_for_checks(tmp_path):
    result = exitmeter("run", "--host-timer", "3000", "--guest", "cpuid", "-o", tmp_path / "run")
    assert result.code == 2 and "--host-timer is for checks" in result.err
    result = exitmeter("run", "--host-timer", "10", "--guest", "check/*", "-o", tmp_path / "run")
    assert result.code == 2 and "--host-timer takes a number from 1000" in result.err


def test_half_an_apic_is_refused(tmp_path):
    """The TPR in the virtual-APIC page, and another in the CPU's own APIC."""
    policy = tmp_path / "half.policy"
    policy.write_text("passthrough msr 0x808\ncontrol tpr-shadow on\n")
    exitmeter("run", "--guest", "cpuid", "--policy", policy, "-o", tmp_path / "run")
    job, = run_json(tmp_path / "run")["jobs"]
    assert job["status"] == "skipped" and "MSRs of the CPU's own local APIC" in job["reason"]


@pytest.mark.parametrize("file, old, new, check, policy", [
    ("core/exits/apic_timer.c", "    apic_local_interrupt(apic, apic->timer_entry);", "",
     "check/apic_timer", SOFTWARE),
    ("core/exits/apic_timer.c", "if (counted != counts(apic))", "if (counted && 0)", "check/apic_timer",
     SOFTWARE),
    ("core/exits/apic_command.c", "return target != from;", "return true;", "check/apic_commands",
     SOFTWARE),
    ("core/exits/apic_error.c", "apic_set(apic, APIC_ESR, apic->errors);", "", "check/apic_errors",
     SOFTWARE),
    ("core/exits/apic_virtual.c", "class <= local_apic_priority(apic) ? class : 0",
     "class > 15 ? class : 0", "check/interrupts", "apic-virtual-x2apic"),
    ("core/exits/apic_virtual.c",
     "        vmwrite(VMCS_GUEST_INTERRUPT_STATUS, interrupt_status(&vcpu->apic));", "",
     "check/apic_commands", "apic-virtual-interrupts"),
])
def test_checks_find_an_apic_that_differs(source, tmp_path, file, old, new, check, policy):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--guest", check, "--policy", policy,
                       "--timeout", "20", "-o", tmp_path / "run")
    assert result.code == 1, result.err
