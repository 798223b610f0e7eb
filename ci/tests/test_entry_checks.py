# SPDX-License-Identifier: MIT
"""A field that VM entry refuses is named: the CPU (Bochs) refuses the entry, our check says why."""
import re

import pytest

from .conftest import exitmeter

VCPU = "core/vmx/vcpu.c"
GUEST = "core/vmx/guest_state.c"
HOST = "core/vmx/host_state.c"
REFUSED = "VM entry: VMfailValid"
INVALID_GUEST = "VM entry failed on guest state"


# value: the VM-instruction error, or for the guest's state the exit qualification (SDM Vol. 3C 27.8).
@pytest.mark.parametrize("file, old, new, refusal, value, named", [
    (VCPU, "{VMCS_CR3_TARGET_COUNT, vcpu->cr3_target_count}", "{VMCS_CR3_TARGET_COUNT, 99}", REFUSED, 7,
     "CR3-target count = 0x63: 27.2.1.1: "),
    (VCPU, "{VMCS_EPT_POINTER, vcpu->ept->pointer}", "{VMCS_EPT_POINTER, vcpu->ept->pointer | 0x100}",
     REFUSED, 7, "EPT pointer = 0x[0-9a-f]+: 27.2.1.1: bits 11:8"),
    (GUEST, "{VMCS_ENTRY_INTERRUPTION_INFO, 0}", "{VMCS_ENTRY_INTERRUPTION_INFO, 0x80000103}",
     REFUSED, 7, "VM-entry interruption information = 0x80000103: 27.2.1.3: type 1 is reserved"),
    (HOST, "{VMCS_HOST_CS_SELECTOR, x86_read_cs() & SELECTOR_MASK}",
     "{VMCS_HOST_CS_SELECTOR, x86_read_cs() | 4}", REFUSED, 8,
     "host CS selector = 0xc: 27.2.3: RPL and TI"),
    (HOST, "{VMCS_HOST_PAT, x86_rdmsr(IA32_PAT)}", "{VMCS_HOST_PAT, 2}", REFUSED, 8,
     "host IA32_PAT = 0x2: 27.2.2: each byte"),
    (GUEST, "{VMCS_GUEST_RFLAGS, RFLAGS_FIXED}", "{VMCS_GUEST_RFLAGS, 0}", INVALID_GUEST, 0,
     "guest RFLAGS = 0x0: 27.3.1.4: reserved bit 1"),
    (GUEST, "{VMCS_GUEST_EFER, mode->efer}", "{VMCS_GUEST_EFER, EFER_LME}", INVALID_GUEST, 0,
     "guest IA32_EFER = 0x100: 27.3.1.1: LMA as"),
    (GUEST, "#define RIGHTS_TSS      0x008bu", "#define RIGHTS_TSS      0x0089u", INVALID_GUEST, 0,
     "guest TR access rights = 0x89: 27.3.1.2: type must be 11"),
    (GUEST, "#define NO_LINK UINT64_MAX", "#define NO_LINK 0", INVALID_GUEST, 4,
     "VMCS link pointer = 0x0: 27.3.1.5: all ones; else memory"),
], ids=["cr3-targets", "ept-pointer", "event-type", "host-cs", "host-pat", "rflags", "efer", "tr", "link"])
def test_a_refused_entry_names_its_field(source, tmp_path, file, old, new, refusal, value, named):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--guest", "cpuid", "-o", tmp_path / "run")
    assert result.code == 1, result.err
    console = (tmp_path / "run" / "console.txt").read_text()
    line = re.search(f"^VM-entry check: ({named}.*)$", console, re.MULTILINE)
    assert line, console
    field, rule = re.fullmatch("(.*) = 0x[0-9a-f]+: (.*)", line[1]).groups()
    stopped = re.search("^guest stopped: (.*)$", console, re.MULTILINE)[1]
    assert stopped.startswith(refusal) and stopped.endswith(f": {field}: {rule} (value 0x{value:x})")
    if refusal == REFUSED:
        assert f"VM-instruction error {value}\n" in console
    else:
        assert "VM-entry failure, raw 0x80000021" in console
    assert f"{field}: {rule[:8]}" in result.err
