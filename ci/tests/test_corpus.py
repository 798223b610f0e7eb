# SPDX-License-Identifier: MIT
"""The corpus: what the peer measures is there by name, and every row does what its list says."""
import json

import pytest

from .conftest import exitmeter, measure, run_json

POLICIES = ("passthrough-all", "intercept-all")

# The tests of kvm-unit-tests' x86/vmexit, by name; its pci-mem and pci-io run by width.
PEER = """cpuid vmcall wbinvd invd mov_from_cr8 mov_to_cr8 inl_from_pmtimer inl_from_qemu inl_from_kernel
    outl_to_kernel mov_dr wr_kernel_gs_base wr_tsx_ctrl_msr wr_ibrs_msr wr_ibpb_msr rd_tsc_adjust_msr
    wr_tsc_adjust_msr toggle_cr0_wp toggle_cr4_pge pci-mem/1 pci-mem/2 pci-mem/4 pci-io/1 pci-io/2
    pci-io/4""".split()
PEER_OF_THE_APIC = """tscdeadline_immed tscdeadline self_ipi_sti_nop self_ipi_sti_hlt self_ipi_tpr
    self_ipi_tpr_sti_nop self_ipi_tpr_sti_hlt x2apic_self_ipi_sti_nop x2apic_self_ipi_sti_hlt
    x2apic_self_ipi_tpr x2apic_self_ipi_tpr_sti_nop x2apic_self_ipi_tpr_sti_hlt ipi ipi_halt
    ple_round_robin""".split()

# Exits an operation takes under the two policies.
ALWAYS = dict.fromkeys("""cpuid cpuid/1 cpuid/7 cpuid/0xb cpuid/0xd cpuid/0x40000000 vmcall invd xsetbv
    rdmsr_outside wrmsr_outside pci-mem/1 pci-mem/2 pci-mem/4""".split(), (1, 1))
GATED = dict.fromkeys("""rdmsr wrmsr rdmsr_low wrmsr_low rdmsr_fs_base wrmsr_fs_base rdmsr_efer wrmsr_efer
    wr_kernel_gs_base wr_tsx_ctrl_msr wr_ibpb_msr rd_tsc_adjust_msr wr_tsc_adjust_msr
    in in/2 in/4 out out/2 out/4 in_bitmap_b out_bitmap_b inl_from_pmtimer inl_from_qemu inl_from_kernel
    outl_to_kernel pci-io/1 pci-io/2 pci-io/4 ins/1 ins/2 ins/4 outs/1 outs/2 outs/4 rep_ins/1 rep_ins/16
    rep_ins/256 rep_outs/1 rep_outs/16 rep_outs/256 mov_from_cr8 mov_to_cr8 mov_from_cr3 mov_to_cr3
    mov_dr mov_from_dr7 mov_to_dr0 mov_from_dr0 mov_to_dr6 mov_from_dr6 sgdt sidt lgdt lidt sldt str
    sldt/register str/register lldt ltr mov_to_cr0 mov_to_cr4 lmsw rdpmc rdrand rdseed pause monitor mwait wbinvd invlpg
    invpcid""".split(), (0, 1)) | dict.fromkeys(
    "wr_ibrs_msr clts toggle_cr0_wp toggle_cr4_pge".split(), (0, 2))
NEVER = dict.fromkeys("rdtsc rdtscp mov_to_cr3_target".split(), (0, 0))  # no shipped policy has them exit
ROWS = ALWAYS | GATED | NEVER

# What CPU models that Bochs emulates lack, and the reason given.
NO_TSX_CTRL = {"wr_tsx_ctrl_msr": "this CPU has no IA32_TSX_CTRL"}
NO_SPECULATION_CONTROL = NO_TSX_CTRL | dict.fromkeys(
    ("wr_ibrs_msr", "wr_ibpb_msr"), "this CPU has neither IA32_SPEC_CTRL nor IA32_PRED_CMD")
LACKING = {
    "corei7_haswell_4770": NO_SPECULATION_CONTROL | {"rdseed": "this CPU has no RDSEED"},
    "corei7_skylake_x": NO_SPECULATION_CONTROL,
    "corei7_icelake_u": NO_TSX_CTRL,
}


def names():
    return [row["name"] for row in json.loads(exitmeter("list", "--json").out)["benchmarks"]]


def test_all_that_the_peer_measures_is_there():
    assert set(PEER) - set(names()) == set()


def test_all_that_the_peer_measures_of_the_apic_is_there():
    assert set(PEER_OF_THE_APIC) - set(names()) == set()


@pytest.mark.parametrize("model", LACKING)
def test_rows_take_the_exits_that_they_should(model, tmp_path):
    patterns = [word for name in ROWS for word in ("--guest", name)]
    directory = measure(tmp_path / "run", "--cpu-model", model, "--samples", "50", *patterns)
    jobs = {(job["benchmark"], job["policy"]): job for job in run_json(directory)["jobs"]}
    assert set(jobs) == {(name, policy) for name in ROWS for policy in POLICIES}
    found = {key: job["reason"] if job["status"] == "skipped" else (job["status"], job["exits_per_op"])
             for key, job in jobs.items()}
    lacking = LACKING[model]
    assert found == {(name, policy): lacking.get(name, ("done", exits))
                     for name, both in ROWS.items() for policy, exits in zip(POLICIES, both)}


def test_stamps_that_exit_are_no_part_of_a_row(tmp_path):
    """With RDTSC exiting each sample's two stamps exit as well, of the control as of the operation."""
    policy = tmp_path / "stamps.policy"
    policy.write_text("default msr passthrough\ndefault io passthrough\ncontrol rdtsc-exiting on\n")
    directory = measure(tmp_path / "run", "--policy", policy, "--samples", "50", "--guest", "rdtsc",
                        "--guest", "rdtscp", "--guest", "cpuid")
    assert {job["benchmark"]: (job["status"], job["exits_per_op"]) for job in run_json(directory)["jobs"]} == \
        dict.fromkeys(("rdtsc", "rdtscp", "cpuid"), ("done", 1))
