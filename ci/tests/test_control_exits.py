# SPDX-License-Identifier: MIT
"""The checks hold with everything exiting that a control can make exit, on several CPUs, and bite."""

import pytest

from .conftest import exitmeter, exits, measure, run_json

CONTROLS = ["hlt", "invlpg", "mwait", "rdpmc", "rdtsc", "cr3-load", "cr3-store", "cr8-load",
            "cr8-store", "mov-dr", "monitor", "pause", "wbinvd", "rdrand", "descriptor-table"]

# What the checks must have made exit under them, by the names of the trace.
REASONS = {"control-register access", "MOV DR", "XSETBV", "INVD", "INVLPG", "INVPCID", "RDPMC", "RDTSC",
           "RDTSCP", "MWAIT", "MONITOR", "PAUSE", "WBINVD or WBNOINVD", "RDRAND", "VMXON", "VMREAD",
           "VMLAUNCH", "INVEPT", "access to GDTR or IDTR", "access to LDTR or TR"}


def policy_file(tmp_path, *more):
    path = tmp_path / "exits.policy"
    lines = ["default msr intercept", "default io intercept", "default exception intercept", *more]
    lines += [f"control {name}-exiting on" for name in CONTROLS]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_checks_hold_with_every_control_on(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "check/*", "--policy", policy_file(tmp_path))
    jobs = run_json(directory)["jobs"]
    assert len(jobs) >= 9 and all(job["status"] == "done" for job in jobs)
    assert REASONS <= set(exits(directory))


def test_without_the_controls_they_do_not_exit(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "check/*", "--policy", "passthrough-all")
    assert not {"MOV DR", "INVLPG", "RDTSC", "RDRAND", "PAUSE"} & set(exits(directory))


@pytest.mark.parametrize("model", ["corei7_sandy_bridge_2600k", "corei7_skylake_x"])
def test_other_cpus(tmp_path, model):
    """One without PCIDs and RDRAND, one with AVX-512, MPX and RDSEED."""
    path = policy_file(tmp_path)
    if "sandy" in model:
        path.write_text(path.read_text().replace("control rdrand-exiting on\n", ""))
    else:
        path.write_text(path.read_text() + "control rdseed-exiting on\n")
    directory = measure(tmp_path / "run", "--cpu-model", model, "--guest", "check/*",
                        "--policy", path, "--policy", "passthrough-all")
    jobs = run_json(directory)["jobs"]
    assert {job["status"] for job in jobs} <= {"done", "skipped"}
    for check in ("cr", "dr", "xsetbv", "instructions", "exceptions", "descriptors"):
        assert [job["status"] for job in jobs if job["benchmark"] == f"check/{check}"] == ["done"] * 2


@pytest.mark.parametrize("file, old, new, check", [
    ("core/exits/control_register.c", "vmwrite(VMCS_CR0_SHADOW, value);", "", "check/cr"),
    ("core/exits/control_register.c", "value & CR0_NW && !(value & CR0_CD)", "0", "check/cr"),
    ("core/exits/control_register.c", "        value &= ~CR3_NO_FLUSH;", "        value |= 1;",
     "check/cr"),
    ("core/exits/apic_priority.c", "(apic_get(apic, APIC_TPR) >> 4)", "apic_get(apic, APIC_TPR)", "check/cr"),
    ("core/vmx/event_exception.c", "dr7 & ~DR7_GD", "dr7", "check/dr"),
    ("core/exits/dr.c", "x86_write_dr0(value);", "", "check/dr"),
    ("core/exits/xsetbv.c", "!x86_xsetbv_checked(0, value)", "0", "check/xsetbv"),
    ("core/exits/random.c", "flags | RFLAGS_CF", "flags", "check/instructions"),
    ("core/exits/instruction.c", "VECTOR_UD", "VECTOR_GP", "check/instructions"),
    ("core/exits/exception.c", "x86_write_cr2(vmread(VMCS_EXIT_QUALIFICATION));", "", "check/exceptions"),
    ("core/exits/exception.c", "(causes & ~low)", "0", "check/exceptions"),
    ("core/vmx/event_exception.c", "[PAGE_FAULT] = {[CONTRIBUTORY] = TO_DOUBLE_FAULT, ", "[PAGE_FAULT] = {",
     "check/exceptions"),
    ("core/vmx/event_exception.c",
     "vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));",
     "vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, 2);", "check/exceptions"),
    ("core/exits/system_segment.c", "other_size |= code[i] == 0x66;", "", "check/descriptors"),
    ("core/exits/system_segment.c", "TYPE_BUSY, __ATOMIC", "0, __ATOMIC", "check/descriptors"),
    ("core/exits/descriptor_table.c", "vmwrite(registers[which].limit, value.limit);", "",
     "check/descriptors"),
    ("core/vmx/dispatch.c", "FULL_REGISTERS(exit_gdtr_or_idtr)",
     "#define full_exit_gdtr_or_idtr exit_gdtr_or_idtr", "check/descriptors"),
    ("core/vmx/dispatch.c", "FULL_REGISTERS(exit_rdrand)", "#define full_exit_rdrand exit_rdrand",
     "check/instructions"),
])
def test_checks_find_an_emulation_that_differs(source, tmp_path, file, old, new, check):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--guest", check, "--policy",
                       policy_file(tmp_path), "-o", tmp_path / "run")
    assert result.code == 1
    assert "guest reported a failure" in result.err
