# SPDX-License-Identifier: MIT
"""Two vCPUs and the host share a CPU's registers: each finds its own, by whatever moves them."""
import shutil

import pytest

from .conftest import ROOT, exitmeter, measure

STATE = "core/vmx/resident_state.c"

# FXSAVE; XSAVEOPT; AVX-512; PKRU.
MODELS = ["corei5_lynnfield_750", "corei7_haswell_4770", "corei7_skylake_x", "corei7_icelake_u"]


def with_turns(source):
    """Another vCPU takes its turn at each hypercall that asks for nothing."""
    shutil.copy(ROOT / "ci/tests/turns/turns.c", source.directory / "core/exits")
    source.mutate("core/exits/hypercall.c", "enum exit_outcome exit_vmcall",
                  "void turns_take(struct vcpu *vcpu);\nenum exit_outcome exit_vmcall")
    source.mutate("core/exits/hypercall.c", "    if (__builtin_expect(number != HYPERCALL_NOP, 0))",
                  "    turns_take(vcpu);\n    if (__builtin_expect(number != HYPERCALL_NOP, 0))")
    # It keeps its pages to the end.
    source.mutate("guests/image/main.c", "memory_free_pages() != pages", "memory_free_pages() > pages")
    return source


def test_each_finds_its_own(source, tmp_path):
    image = with_turns(source).image()
    for model in MODELS:
        directory = measure(tmp_path / model, "--core", image, "--cpu-model", model,
                            "--guest", "check/resident")
        console = (directory / "console.txt").read_text()
        assert console.count("turns: ") > 100, model
        assert "turns: failed" not in console, model


@pytest.mark.parametrize("old", [
    "    extended_state_save(cpu->capability, state->area);\n",
    "    extended_state_load(cpu->capability, state->area);\n",
    "    memcpy(state->value, cpu->there, sizeof(cpu->there));\n",
    "    extended_state_use(cpu->capability, cpu->capability->xcr0);\n",
])
def test_the_check_bites(source, tmp_path, old):
    with_turns(source).mutate(STATE, old, "")
    result = exitmeter("run", "--core", source.image(), "--guest", "check/resident",
                       "-o", tmp_path / "run")
    assert result.code == 1
    assert "the guest reported a failure" in result.err or "host exception" in result.err
