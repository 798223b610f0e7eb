# SPDX-License-Identifier: MIT
"""The gate bites: images built from broken sources fail it, and the words say what broke."""
import json

import pytest

from .conftest import BUILD, ROOT, exitmeter, measure, run

BASELINE = ROOT / "ci" / "baselines" / "bochs.json"
CPUID = "core/exits/cpuid.c"
BEFORE_CPUID = "    x86_cpuid_extended("


def gate(directory, *arguments):
    return exitmeter("gate", directory, "--baseline", BASELINE, *arguments)


def test_this_build_holds(full):
    result = gate(full)
    assert result.code == 0, result.out + result.err


def test_run_after_run_of_one_build_holds():
    """make gate-soak, in small."""
    result = run(ROOT / "ci" / "gate_soak.sh", BUILD, "3", "cpuid", "mmio_*", cwd=ROOT)
    assert result.code == 0, result.out + result.err
    assert result.out == "gate: 0 false alarms in 3 runs of the same build\n"


def test_what_ci_systems_are_told(source, tmp_path):
    """Of a real regression: each form names it, and the command that asks for all of them fails."""
    source.mutate(CPUID, BEFORE_CPUID, '    __asm__ volatile("nop");\n' + BEFORE_CPUID)
    directory = measure(tmp_path / "run", "--core", source.image(), "--guest", "cpuid")
    result = gate(directory, "--guest", "cpuid", "--junit", tmp_path / "junit.xml", "--annotations",
                  "github", "--summary", tmp_path / "summary.md")
    assert result.code == 1
    assert "::error file=" in result.out and "handler +1" in result.out
    assert '<failure type="regressed"' in (tmp_path / "junit.xml").read_text()
    assert "| regressed | `cpuid/intercept-all` |" in (tmp_path / "summary.md").read_text()


def test_one_more_vmread_in_the_cpuid_handler(source, tmp_path):
    source.mutate(CPUID, BEFORE_CPUID, "    vmread(VMCS_GUEST_RFLAGS);\n" + BEFORE_CPUID)
    directory = measure(tmp_path / "run", "--core", source.image())
    result = gate(directory)
    assert result.code == 1, result.out + result.err
    lines = [line for line in result.out.splitlines() if line.startswith("regressed: ")][:-1]
    held = json.loads(BASELINE.read_text())["benchmarks"]["cpuid"]["intercept-all"]
    cpuid = [line for line in lines if "cpuid/intercept-all" in line]
    assert len(cpuid) == 1
    assert "vmreads per exit 4 -> 5" in cpuid[0]
    assert f"p50 {held['p50']} -> " in cpuid[0] and "handler +" in cpuid[0]
    assert all(line.startswith("regressed: cpuid/") for line in lines)


def test_one_more_instruction_on_the_way_back(source, tmp_path):
    source.mutate("core/vmx/entry.S", "    pop     %rbx\n    pop     %rdx\n    pop     %rax\n    vmresume\n",
                  "    pop     %rbx\n    nop\n    pop     %rdx\n    pop     %rax\n    vmresume\n")
    directory = measure(tmp_path / "run", "--core", source.image())
    result = gate(directory)
    assert result.code == 1
    assert "rdmsr/intercept-all" in result.out and "entry transition +1" in result.out


def test_fewer_samples_are_not_comparable(tmp_path):
    directory = measure(tmp_path / "run", "--samples", "10")
    result = gate(directory)
    assert result.code == 3
    assert "samples" in result.err + result.out and "1000" in result.err + result.out


def test_another_cpu_is_not_comparable(tmp_path):
    directory = measure(tmp_path / "run", "--cpu-model", "corei7_skylake_x")
    result = gate(directory)
    assert result.code == 3
    assert "corei7_skylake_x" in result.err + result.out


@pytest.mark.parametrize("file, old, new, check", [
    ("core/exits/io.c", "(vcpu->rax & ~0xffull) | x86_in8(port)", "x86_in8(port)", "check/io"),
    ("core/exits/io.c", "x86_out32(port, (uint32_t)vcpu->rax)", "(void)port", "check/io"),
    ("core/exits/msr.c", "if (!x86_wrmsr_checked(msr, (uint32_t)vcpu->rax, (uint32_t)vcpu->rdx))",
     "if (0)", "check/msr"),
    ("core/exits/edx_eax.h", "    vcpu->rdx = value >> 32;", "    vcpu->rdx = 0;", "check/msr"),
    ("core/exits/local_apic.c", "[APIC_TPR] = {READ | WRITE, 0xff}",
     "[APIC_TPR] = {READ | WRITE, 0xfff}", "check/x2apic"),
    ("core/exits/cpuid.c", "r->ecx |= CPUID_1_ECX_HYPERVISOR;", "", "check/cpuid"),
])
def test_checks_find_a_forwarding_that_differs(source, tmp_path, file, old, new, check):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--guest", check, "--policy",
                       "intercept-all", "-o", tmp_path / "run")
    assert result.code == 1
    assert "guest reported a failure" in result.err


def test_core_that_faults(source, tmp_path):
    source.mutate(CPUID, BEFORE_CPUID, '    __asm__ volatile("ud2");\n' + BEFORE_CPUID)
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "-o",
                       tmp_path / "run")
    assert result.code == 1
    assert "host exception 6" in result.err and "rip " in result.err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


def test_core_that_triple_faults(source, tmp_path):
    source.mutate(CPUID, BEFORE_CPUID, """    static const char none[16];
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
""" + BEFORE_CPUID)
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "-o",
                       tmp_path / "run")
    assert result.code == 1
    assert "triple fault" in result.err.lower() or "3rd" in result.err


def test_core_that_hangs(source, tmp_path):
    source.mutate(CPUID, BEFORE_CPUID, "    for (;;)\n        ;\n" + BEFORE_CPUID)
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "--timeout", "5",
                       "-o", tmp_path / "run")
    assert result.code == 1
    assert "5 s" in result.err


def test_broken_vm_entry_is_named(source, tmp_path):
    source.mutate("core/vmx/guest_state.c", "{VMCS_GUEST_RFLAGS, RFLAGS_FIXED}",
                  "{VMCS_GUEST_RFLAGS, 0}")
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "-o",
                       tmp_path / "run")
    assert result.code == 1
    assert "invalid guest state" in result.err


def test_refused_control_field_is_named(source, tmp_path):
    source.mutate("core/vmx/vcpu.c", "{VMCS_CR3_TARGET_COUNT, vcpu->cr3_target_count}",
                  "{VMCS_CR3_TARGET_COUNT, 99}")
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "-o",
                       tmp_path / "run")
    assert result.code == 1
    assert "VM entry with invalid control fields" in result.err
