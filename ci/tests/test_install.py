# SPDX-License-Identifier: MIT
"""`make install`: what is installed runs on its own, without the sources."""
import json
import os

import pytest

from .conftest import ROOT, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The installed command, below a DESTDIR that it does not know of."""
    destination = tmp_path_factory.mktemp("destination")
    build = os.environ.get("BUILD", "build")
    result = run("make", "-C", ROOT, f"BUILD={build}", "install", f"DESTDIR={destination}",
                 "PREFIX=/opt/exm")
    assert result.code == 0, result.err
    return destination / "opt" / "exm"


def test_files_lie_where_they_are_looked_for(installed):
    there = {str(path.relative_to(installed)) for path in installed.rglob("*")
             if not path.is_dir()}
    assert {"bin/exitmeter", "share/man/man1/exitmeter.1",
            "share/bash-completion/completions/exitmeter",
            "lib/exitmeter/build/exitmeter-core.elf",
            "lib/exitmeter/bench/policies/intercept-all.policy"} <= there
    assert not any(path.is_symlink() and os.path.isabs(os.readlink(path))
                   for path in installed.rglob("*"))
    assert (installed / "bin" / "exitmeter").resolve().stat().st_mode & 0o777 == 0o755
    assert not any("tests" in name for name in there)


def test_it_measures_compares_and_reports(installed, tmp_path):
    command = installed / "bin" / "exitmeter"
    assert json.loads(run(command, "list", "--json", cwd=tmp_path).out)["benchmarks"]
    assert "default msr intercept" in run(command, "policy", "show", "intercept-all", cwd=tmp_path).out
    result = run(command, "run", "-g", "cpuid", "-o", "R", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "cpuid" in run(command, "compare", "R", cwd=tmp_path).out
    assert run(command, "report", "R", cwd=tmp_path).code == 0
    assert (tmp_path / "R.html").stat().st_size > 1000
    assert run(command, "runs", "--verify", ".", cwd=tmp_path).code == 0


def test_it_makes_images(installed, tmp_path):
    """With what they boot by, by every way."""
    command = installed / "bin" / "exitmeter"
    result = run(command, "iso", "-g", "cpuid", "-o", "x.iso", "--pxe", "tftp", cwd=tmp_path)
    assert result.code == 0, result.err
    assert (tmp_path / "x.iso").stat().st_size > 1 << 20
    assert {path.name for path in (tmp_path / "tftp").iterdir()} == {
        "exitmeter", "exitmeter.0", "exitmeter.efi"}
