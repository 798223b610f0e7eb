# SPDX-License-Identifier: MIT
"""What a policy decides besides bits of bitmaps, seen by guests made for it."""
import pytest

from .conftest import BUILD, exitmeter, measure

HIDDEN = BUILD / "tests" / "hidden.bin"
RULES = """hide cpuid mce
hide cpuid pcid
hide cpuid 1 ecx 26
hide cpuid 7:0 ebx 7
hide cpuid 0x80000002 eax 0-15
hide cpuid 0xd:0 eax 0-31
"""


def policy(tmp_path, text):
    file = tmp_path / "some.policy"
    file.write_text(text)
    return file


def test_what_is_hidden_of_cpuid(tmp_path):
    measure(tmp_path / "run", "--corpus", HIDDEN, "--guest", "check/*", "--policy",
            policy(tmp_path, RULES))


@pytest.mark.parametrize("rule", RULES.splitlines())
def test_the_guest_sees_what_is_not(tmp_path, rule):
    result = exitmeter("run", "--corpus", HIDDEN, "--guest", "check/*", "-o", tmp_path / "run",
                       "--policy", policy(tmp_path, RULES.replace(rule + "\n", "")))
    assert result.code == 1 and "the guest reported a failure" in result.err
