# SPDX-License-Identifier: MIT
"""What the repository says of itself is true."""
import re

import pytest
from readme_figures import excerpt

from .conftest import ROOT, run

README = (ROOT / "README.md").read_text()


def packages():
    lines = (ROOT / "ci" / "packages").read_text().splitlines()
    return [line.split(None, 2) for line in lines if line and not line.startswith("#")]


def test_readme_states_every_package_and_why():
    for group, name, why in packages():
        assert f"| {name} | {group} | {why} |" in README


def test_readme_shows_the_figures_of_the_baseline(full):
    shown = re.search(r"```\n(bochs, .*?)\n```", README, re.S).group(1)
    assert excerpt(ROOT / "build" / "exitmeter", full) == shown


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_readme_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_set_up_is_quick_and_silent_when_nothing_is_missing():
    result = run(ROOT / "ci" / "setup.sh", "test")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_set_up_refuses_what_it_does_not_know():
    assert run(ROOT / "ci" / "setup.sh", "everything").code == 2


def test_make_help_lists_the_two_commands():
    result = run("make", "-C", ROOT, "help")
    assert "make bench" in result.out and "make test" in result.out
