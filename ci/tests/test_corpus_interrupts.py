# SPDX-License-Identifier: MIT
"""The benchmarks of interrupts, timers and the local APIC: under every shipped policy each is done,
its exits those that its row says by reason, or skipped for a reason that holds."""
import pytest

from .conftest import benchmarks, exits, exitmeter, measure, run_json

WHOLE = ("x2apic_tpr", "x2apic_eoi", "x2apic_icr", "x2apic_self_ipi", "x2apic_lvt", "x2apic_id",
         "x2apic_self_ipi_sti_nop", "x2apic_self_ipi_sti_hlt", "x2apic_self_ipi_tpr",
         "x2apic_self_ipi_tpr_sti_nop", "x2apic_self_ipi_tpr_sti_hlt", "interrupt_window", "hlt",
         "tscdeadline_immed", "tscdeadline", "nmi_window", "preemption_timer")
CORES_APIC = ("xapic_tpr", "xapic_eoi", "xapic_icr", "xapic_id", "self_ipi_sti_nop",
              "self_ipi_sti_hlt", "self_ipi_tpr", "self_ipi_tpr_sti_nop", "self_ipi_tpr_sti_hlt")
ROWS = WHOLE + CORES_APIC + ("external_interrupt", "monitor_trap_flag", "pause_loop")
FORMS = ("apic-tpr-shadow", "apic-virtual-x2apic", "apic-register-virtualization",
         "apic-virtual-interrupts", "apic-virtual-xapic")
SHIPPED = ("passthrough-all", "intercept-all") + FORMS

# Exits of one operation, under passthrough-all, intercept-all and those of FORMS.
EXITS = {
    "x2apic_tpr": (0, 1, 1, 0, 0, 0, 1),
    "x2apic_eoi": (0, 1, 1, 1, 1, 0, 1),
    "x2apic_id": (0, 1, 1, 1, 0, 0, 1),
    "x2apic_self_ipi": (0, 1, 1, 1, 1, 0, 1),
    "x2apic_self_ipi_sti_nop": (0, 3, 3, 3, 3, 0, 2),
    "x2apic_self_ipi_tpr_sti_hlt": (0, 5, 4, 4, 4, 1, 3),
    "xapic_tpr": (None, 1, 1, 1, 1, 1, 0),
    "xapic_eoi": (None, 1, 1, 1, 1, 1, 0),
    "self_ipi_sti_nop": (None, 5, 5, 5, 5, 4, 0),
    "self_ipi_tpr_sti_hlt": (None, 7, 6, 6, 6, 5, 1),
    "hlt": (0, 2, 2, 2, 2, 1, 2),
    "tscdeadline": (0, 3, 3, 3, 3, 2, 3),
    "external_interrupt": (None, 1, 1, 1, 1, 1, 1),
    "nmi_window": (2,) * 7,
    "preemption_timer": (1,) * 7,
}


def policies(*names):
    return [argument for name in names for argument in ("--policy", name)]


def guests(*names):
    return [argument for name in names for argument in ("--guest", name)]


def found(directory):
    """Exits of an operation by benchmark and policy; the reason instead if it was skipped."""
    return {(job["benchmark"], job["policy"]): job["exits_per_op"] if job["status"] == "done"
            else job["reason"] for job in run_json(directory)["jobs"]}


@pytest.mark.parametrize("model", ["corei7_haswell_4770", "corei7_skylake_x"])
def test_each_is_done_or_skipped_for_a_reason(tmp_path, model):
    directory = measure(tmp_path / "run", "--cpu-model", model, "--samples", "50",
                        *guests(*ROWS), *policies(*SHIPPED))
    taken = found(directory)
    assert len(taken) == len(ROWS) * len(SHIPPED)
    for row, counts in EXITS.items():
        for policy, count in zip(SHIPPED, counts):
            if count is None:
                assert "under this policy" in taken[row, policy]
            else:
                assert taken[row, policy] == count, (row, policy)
    for policy in SHIPPED:
        assert all(isinstance(taken[row, policy], float) for row in WHOLE)
        assert taken["monitor_trap_flag", policy] == 'this CPU lacks "monitor trap flag"'
        if policy != "passthrough-all":
            assert all(isinstance(taken[row, policy], float) for row in CORES_APIC)
    assert "every PAUSE exits" in taken["pause_loop", "intercept-all"]
    assert taken["pause_loop", "passthrough-all"] == 0


@pytest.mark.parametrize("controls, reasons", [
    ("", {"EPT violation": 4}),
    ("virtualize-apic-accesses", {"APIC access": 4}),
    ("tpr-shadow virtualize-apic-accesses apic-register-virtualization", {"APIC write": 2}),
    ("tpr-shadow virtualize-apic-accesses virtual-interrupt-delivery", {"APIC access": 2}),
    ("tpr-shadow virtualize-apic-accesses apic-register-virtualization virtual-interrupt-delivery", {}),
])
def test_the_page_exits_by_what_is_virtualized(tmp_path, controls, reasons):
    """Four accesses to it and one interrupt an operation; in 10 and 10 samples of two phases, and
    twice in 10 of a third."""
    policy = tmp_path / "page.policy"
    policy.write_text("".join(f"control {c} on\n" for c in ["hlt-exiting"] + controls.split()))
    directory = measure(tmp_path / "run", "--samples", "10", "--guest", "self_ipi_sti_nop",
                        "--policy", policy)
    counts = exits(directory)
    for reason in ("EPT violation", "APIC access", "APIC write"):
        # Around the samples of all five phases a few more are taken.
        assert 0 <= counts[reason] - 40 * reasons.get(reason, 0) <= 5 * 4, reason
    assert (counts["interrupt window"] == 40) == ("virtual-interrupt" not in controls)


def test_a_pause_loop_exits_once(tmp_path):
    policy = tmp_path / "loops.policy"
    policy.write_text("default msr passthrough\ncontrol pause-loop-exiting on\n")
    directory = measure(tmp_path / "run", "--guest", "pause_loop", "--policy", policy)
    entry = benchmarks(directory)["bochs/pause_loop/loops"]
    assert entry["exits_per_op"] == 1 and 40 < entry["p50"] < 150


@pytest.mark.parametrize("text, rows, reason", [
    ("default msr passthrough\n", ("hlt", "interrupt_window", "tscdeadline", "self_ipi_sti_nop"),
     "under this policy"),
    ("control hlt-exiting off\n", ("hlt", "x2apic_self_ipi_sti_hlt"), "under this policy not both"),
    ("control rdtsc-exiting on\n", ("pause_loop",), "RDTSC exits"),
])
def test_what_a_policy_leaves_undefined_is_skipped(tmp_path, text, rows, reason):
    policy = tmp_path / "half.policy"
    policy.write_text(text)
    directory = measure(tmp_path / "run", *guests(*rows), "--policy", policy, code=3)
    for row in rows:
        assert reason in found(directory)[row, "half"]


@pytest.mark.parametrize("file, old, new, row, message", [
    ("core/exits/apic_virtual.c", "class <= local_apic_priority(apic) ? class : 0", "class & 0",
     "x2apic_self_ipi_tpr", "failed"),
    ("core/exits/request.c", "vcpu->requested |= REQUEST_EXPIRE;", "", "preemption_timer",
     "used up its time"),
    ("core/exits/request.c", "vcpu->events.nmi = true;", "", "nmi_window", "failed"),
])
def test_a_defect_of_the_core_fails_the_row(source, tmp_path, file, old, new, row, message):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--guest", row, "--policy",
                       "apic-tpr-shadow", "--timeout", "20", "-o", tmp_path / "run")
    assert result.code == 1 and message in result.err, result.err
