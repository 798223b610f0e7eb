# SPDX-License-Identifier: MIT
"""Guests that start in real, protected and 64-bit mode, with and without "unrestricted guest"."""
import pytest

from .conftest import BUILD, exitmeter, measure, run_json

HOSTILE = BUILD / "tests" / "hostile.bin"
WITHOUT = "corei5_lynnfield_750"  # has EPT, but no "unrestricted guest"
LACKING = 'a start in real mode takes "unrestricted guest", which this CPU or the policy lacks'
STARTS = ["--guest", "check/start_*", "--guest", "check/descent"]


def policy_file(tmp_path, msr, io, *controls):
    path = tmp_path / f"{msr}-{io}.policy"
    lines = [f"default msr {msr}", f"default io {io}", *(f"control {c}" for c in controls)]
    path.write_text("\n".join(lines) + "\n")
    return path


def of(directory):
    """(benchmark, status, reason) of each job, without what all have in common."""
    return [(job["benchmark"].removeprefix("check/"), job["status"], job["reason"])
            for job in run_json(directory)["jobs"]]


def unrestricted(job):
    return int(job["controls"]["secondary"], 16) >> 7 & 1


def in_long_mode(job):
    return int(job["controls"]["entry"], 16) >> 9 & 1


def test_every_mode(tmp_path):
    jobs = run_json(measure(tmp_path / "run", *STARTS))["jobs"]
    assert len(jobs) == 6 and all(job["status"] == "done" for job in jobs)
    assert all(unrestricted(job) for job in jobs)
    starts = {job["benchmark"]: in_long_mode(job) for job in jobs}
    assert starts == {"check/start_real": 0, "check/start_protected": 0, "check/descent": 1}


WITHOUT_IT = [("start_real", "skipped", LACKING)] * 2 + [("start_protected", "done", "")] * 2 + \
    [("descent", "done", "")] * 2


def test_cpu_without_unrestricted_guest(tmp_path):
    directory = measure(tmp_path / "run", "--cpu-model", WITHOUT, *STARTS)
    assert of(directory) == WITHOUT_IT
    assert not any(unrestricted(job) for job in run_json(directory)["jobs"] if job["controls"])


def test_policy_without_unrestricted_guest(tmp_path):
    """On a CPU that has more than one without it ever had: SMEP, INVPCID, the x2APIC."""
    policies = []
    for default in ("passthrough", "intercept"):
        path = policy_file(tmp_path, default, default, "unrestricted-guest off", "invlpg-exiting on")
        policies += ["--policy", path]
    assert of(measure(tmp_path / "run", *STARTS, *policies)) == WITHOUT_IT


def test_unrestricted_guest_may_be_required(tmp_path):
    path = policy_file(tmp_path, "intercept", "intercept", "unrestricted-guest on")
    assert {status for _, status, _ in of(measure(tmp_path / "run", *STARTS, "--policy", path))} == \
        {"done"}
    result = exitmeter("run", *STARTS, "--policy", path, "--cpu-model", WITHOUT, "-o",
                       tmp_path / "lacking")
    assert {(status, reason) for _, status, reason in of(tmp_path / "lacking")} == \
        {("skipped", "control not available on this CPU: unrestricted guest")}, result.err


@pytest.mark.parametrize("guest, said", [
    ("real_mode", "CR0: PE or PG cleared, and this vCPU is no unrestricted guest"),
    ("identity_map", "exit reason 48 (EPT violation)"),
])
def test_guest_that_goes_too_far_without_it(tmp_path, guest, said):
    path = policy_file(tmp_path, "passthrough", "passthrough", "unrestricted-guest off")
    result = exitmeter("run", "--corpus", HOSTILE, "--guest", guest, "--policy", path,
                       "-o", tmp_path / "run")
    assert result.code == 1
    assert said in result.err


BOTH = {"start_real", "start_protected"}


@pytest.mark.parametrize("file, old, new, finds", [
    ("core/vmx/event_exception.c", "WITH_ERROR_CODE >> vector & 1 && vmread(VMCS_GUEST_CR0) & CR0_PE",
     "WITH_ERROR_CODE >> vector & 1 && !(vmread(VMCS_GUEST_CR0) & CR0_PE)", BOTH),
    ("core/exits/io_string.c", "{UINT16_MAX, UINT32_MAX, UINT64_MAX}",
     "{UINT32_MAX, UINT32_MAX, UINT64_MAX}", {"start_real"}),
    ("core/exits/io_string.c", "vmread(VMCS_GUEST_LINEAR_ADDRESS) - offset", "offset - offset", BOTH),
    ("core/exits/hypercall.c", "vcpu->rax = HYPERCALL_UNKNOWN", "vcpu->rax = 0", BOTH),
], ids=["error-code", "address-size", "segment-base", "hypercall"])
def test_the_walk_finds_a_core_that_errs(source, tmp_path, file, old, new, finds):
    source.mutate(file, old, new)
    directory = tmp_path / "run"
    result = exitmeter("run", "--core", source.image(), "--guest", "check/start_*", "--policy",
                       "intercept-all", "-o", directory)
    assert result.code == 1, result.err
    assert {name for name, status, _ in of(directory) if status == "failed"} == finds


@pytest.mark.parametrize("file, old, new", [
    ("core/exits/unpaged.c", "return vcpu->unpaged.active ? vcpu->unpaged.cr3 :",
     "return vcpu->unpaged.active ? 0 :"),
    ("core/exits/unpaged.c", "vmwrite(VMCS_GUEST_CR3, vcpu->unpaged.cr3);", ""),
    ("core/exits/unpaged.c", "(primary | PRIMARY_SET) & ~PRIMARY_CLEARED", "primary | PRIMARY_SET"),
    ("core/exits/unpaged.c", "vmwrite(VMCS_CR4_SHADOW, value);", ""),
], ids=["cr3-read", "cr3-loaded", "msrs", "cr4-shadow"])
def test_hidden_paging_shows_in_a_core_that_errs(source, tmp_path, file, old, new):
    source.mutate(file, old, new)
    path = policy_file(tmp_path, "passthrough", "passthrough", "unrestricted-guest off")
    result = exitmeter("run", "--core", source.image(), "--guest", "check/start_protected",
                       "--policy", path, "-o", tmp_path / "run")
    assert result.code == 1, result.err
