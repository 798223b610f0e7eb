# SPDX-License-Identifier: MIT
"""One instruction more, anywhere between VM exit and VM entry, is found and said to be where it is.

The handlers are all mutated in one image: each of these benchmarks runs through its own and no other
of them, so that each row shows one mutation. What all exits run through is mutated in an image each."""
import json
import re

import pytest

from .conftest import ROOT, Source, exitmeter, measure

BASELINE = ROOT / "ci" / "baselines" / "bochs.json"
POLICY = "intercept-all"
NOP = '    __asm__ volatile("nop");\n'
VMREAD = "    vmread(VMCS_GUEST_RFLAGS);\n"

# A handler, its file below core/exits, and a benchmark that takes its exits and no others.
HANDLERS = {
    "exit_cpuid": ("cpuid.c", "cpuid"),
    "exit_vmcall": ("hypercall.c", "vmcall"),
    "exit_rdmsr": ("msr.c", "rdmsr"),
    "exit_wrmsr": ("msr.c", "wrmsr"),
    "exit_io": ("io.c", "in"),
    "exit_cr": ("cr.c", "mov_to_cr3"),
    "exit_mov_dr": ("dr.c", "mov_dr"),
    "exit_gdtr_or_idtr": ("descriptor_table.c", "sgdt"),
    "exit_ldtr_or_tr": ("system_segment.c", "sldt"),
    "exit_rdpmc": ("time_stamp.c", "rdpmc"),
    "exit_rdrand": ("random.c", "rdrand"),
    "exit_pause": ("instruction.c", "pause"),
    "exit_monitor": ("instruction.c", "monitor"),
    "exit_mwait": ("instruction.c", "mwait"),
    "exit_wbinvd": ("instruction.c", "wbinvd"),
    "exit_invlpg": ("invalidation.c", "invlpg"),
    "exit_invpcid": ("invalidation.c", "invpcid"),
    "exit_xsetbv": ("xsetbv.c", "xsetbv"),
    "exit_exception_or_nmi": ("exception.c", "ud"),
    "exit_preemption_timer": ("interrupt.c", "preemption_timer"),
    "exit_ept_violation": ("ept_violation.c", "ept_first_touch"),
    "exit_ept_misconfiguration": ("ept_misconfiguration.c", "mmio_read/misconfiguration"),
}

# Where in core/vmx/entry.S, by the line in front of which one more stands, and the part it is in.
PATH = {
    "before the first stamp": ("    push    %rdx\n  .if \\stamps\n    rdtsc ", "exit transition"),
    "saving registers": ("    push    %rcx\n    push    %rsi\n", "save and dispatch"),
    "the exit reason": ("    mov     %rsp, %rdi                  /* the", "save and dispatch"),
    "dispatching": ("    cmp     $EXIT_REASONS, %ecx\n", "save and dispatch"),
    "the outcome": ("    test    %eax, %eax                  /* enum", "handler"),
    "restoring registers": ("    pop     %r11\n    pop     %r10\n    pop     %r9\n    pop     %r8\n"
                            "    pop     %rdi\n    pop     %rsi\n  .if", "restore"),
    "the last of them": ("    pop     %rbx\n    pop     %rdx\n    pop     %rax\n    vmresume\n"
                         "    jmp     vmx_entry_failed\n\n.Lleave", "entry transition"),
}


def findings(directory, *benchmarks):
    """What the gate says of these benchmarks under POLICY, by benchmark, and by how much each metric
    moved."""
    guests = [word for benchmark in benchmarks for word in ("--guest", benchmark)]
    result = exitmeter("gate", directory, "--baseline", BASELINE, *guests, "--policy", POLICY,
                       "--json")
    verdict = json.loads(result.out)
    assert (result.code, verdict["verdict"]) == (1, "regressed"), result.out
    return {row["benchmark"]: (row, {change["metric"]: change["new"] - change["old"]
                                     for change in row["changes"]}) for row in verdict["regressed"]}


def mutated_handlers(directory, code):
    """The findings of a run of an image in which every one of HANDLERS begins with more code."""
    source = Source(directory / "source")
    for handler, (file, _) in HANDLERS.items():
        text = (source.directory / "core/exits" / file).read_text()
        head = re.search(rf"^enum exit_outcome {handler}\([^)]*\)\n{{\n", text, re.M).group(0)
        source.mutate(f"core/exits/{file}", head, head + code)
    benchmarks = [benchmark for _, benchmark in HANDLERS.values()]
    guests = [word for benchmark in benchmarks for word in ("--guest", benchmark)]
    run = measure(directory / "run", "--core", source.image(), "--policy", POLICY, *guests)
    return findings(run, *benchmarks)


@pytest.fixture(scope="module")
def with_nops(tmp_path_factory):
    return mutated_handlers(tmp_path_factory.mktemp("nops"), NOP)


@pytest.fixture(scope="module")
def with_vmreads(tmp_path_factory):
    return mutated_handlers(tmp_path_factory.mktemp("vmreads"), VMREAD)


@pytest.mark.parametrize("handler", HANDLERS)
def test_one_instruction_in_a_handler(with_nops, handler):
    """The parts have the control's exits in them, if it takes any; p50 has not."""
    found, by = with_nops[HANDLERS[handler][1]]
    assert by == {"p50": 1, "p99": 1}
    assert list(found["parts"]) == ["handler"] and found["parts"]["handler"] in (1, 2)


@pytest.mark.parametrize("handler", HANDLERS)
def test_one_vmread_in_a_handler(with_vmreads, handler):
    found, by = with_vmreads[HANDLERS[handler][1]]
    assert by["vmreads"] == 1 and by["p50"] >= 1
    assert list(found["parts"]) == ["handler"] and found["parts"]["handler"] % by["p50"] == 0


@pytest.mark.parametrize("place", PATH)
def test_one_instruction_on_the_way(source, tmp_path, place):
    line, part = PATH[place]
    source.mutate("core/vmx/entry.S", line, "    nop\n" + line)
    directory = measure(tmp_path / "run", "--core", source.image(), "--guest", "rdmsr", "--policy",
                        POLICY)
    found, by = findings(directory, "rdmsr")["rdmsr"]
    assert by == {"p50": 1, "p99": 1}
    assert found["parts"] == {part.replace(" ", "_"): 1}
