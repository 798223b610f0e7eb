# SPDX-License-Identifier: MIT
"""The image of `exitmeter iso`: every way to boot it, its screen, the same bytes each time, and wrong
usage. A machine without VT-x says so, sends that, and goes off."""
import os

import pytest

from . import native
from .conftest import EXITMETER, exitmeter, run
from .test_import import make

NO_VTX = b"exitmeter: cannot measure here: no VT-x here"
FEW = ("--guest", "cpuid", "--samples", "10")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An image and the files for a TFTP server."""
    directory = tmp_path_factory.mktemp("made")
    make(directory / "exitmeter.iso", *FEW, "--pxe", directory / "tftp")
    return directory


@pytest.mark.parametrize("uefi", [False, True], ids=["bios", "uefi"])
@pytest.mark.parametrize("way", ["cd", "usb", "net"])
def test_boots_and_says_that_there_is_no_vtx(made, way, uefi, tmp_path):
    devices = {"cd": native.CD, "usb": native.USB, "net": native.NET}[way]
    capture = native.qemu(tmp_path / "machine", uefi, devices.format(
        iso=made / "exitmeter.iso", tree=made / "tftp",
        file="exitmeter.efi" if uefi else "exitmeter.0"))
    assert NO_VTX in capture.read_bytes()
    result = exitmeter("import", capture, "-o", tmp_path / "run")
    assert result.code == 3, result.err
    assert "no VT-x here" in result.err and "what to do: " in result.err
    assert not (tmp_path / "run").exists()


def test_the_screen(tmp_path):
    """Progress and table in VGA's 80 by 25; the machine stays on as asked."""
    iso = make(tmp_path / "a.iso", "--guest", "cpuid", "--guest", "rdmsr", "--guest", "root/vmread",
               "--samples", "30", "--passes", "1", "--at-end", "halt")
    _, rows = native.bochs(tmp_path / "machine", iso, halts=True)
    assert rows[0].startswith("exitmeter: ") and rows[0].endswith("jobs ended; page 1 of 1")
    assert rows[1].split() == ["benchmark", "policy", "p50", "cycles", "exits/op"]
    table = {tuple(row.split()[:2]): row.split()[2:] for row in rows[2:24] if row}
    assert table[("cpuid", "intercept-all")] == ["93", "1.00"]
    assert table[("rdmsr", "passthrough-all")] == ["1", "0.00"]
    assert table[("rdmsr", "intercept-all")] == ["91", "1.00"]
    assert table[("root/vmread", "any")][1] == "-"
    assert len(table) == 5
    assert rows[24] == "that is all; the machine can be switched off"


def test_more_rows_than_a_page(tmp_path):
    """Forty jobs: pages that turn."""
    iso = make(tmp_path / "a.iso", "--guest", "*", "--policy", "passthrough-all", "--samples", "2",
               "--passes", "1", "--at-end", "halt", "--benchmark_filter=/(in|out|rd|wr)")
    listed = exitmeter("iso", "-o", tmp_path / "b.iso", "--policy", "passthrough-all",
                       "--benchmark_filter=/(in|out|rd|wr)", "--benchmark_list_tests").out.split()
    assert 22 < len(listed) < 220 and not (tmp_path / "b.iso").exists()
    _, rows = native.bochs(tmp_path / "machine", iso, halts=True)
    pages = (len(listed) + 21) // 22
    assert rows[0].endswith(f" of {pages}")
    assert sum(bool(row) for row in rows[2:24]) > 0


def test_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        result = run("env", "SOURCE_DATE_EPOCH=1700000000", EXITMETER, "iso", "-o", "x.iso", *FEW,
                     cwd=tmp_path / name)
        assert result.code == 0, result.err
        os.utime(tmp_path / name / "x.iso")
    assert (tmp_path / "a" / "x.iso").read_bytes() == (tmp_path / "b" / "x.iso").read_bytes()


@pytest.mark.parametrize("arguments, message", [
    ((), "what is to be made"),
    (("-o",), "wants FILE"),
    (("-o", "x.iso", "--target", "bochs"), "--target is for `run`"),
    (("-o", "x.iso", "-t", "bochs"), "--target is for `run`"),
    (("-o", "x.iso", "--image", "x"), "--image is for `run`"),
    (("-o", "x.iso", "--passes", "101"), "a number from 0 to 100"),
    (("-o", "x.iso", "--passes=-1"), "a number from 0 to 100"),
    (("-o", "x.iso", "--at-end", "reboot"), "off or halt"),
    (("-o", "x.iso", "--guest", "cpiud"), "cpuid"),
    (("-o", "x.iso", "--samples", "0"), "--samples"),
    (("-o", "x.iso", "--pmu", "instructions"), "--pmu-model"),
])
def test_wrong_usage(arguments, message, tmp_path):
    result = exitmeter("iso", *arguments, cwd=tmp_path)
    assert result.code == 2 and message in result.err, result.err
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_write(tmp_path):
    result = exitmeter("iso", "-o", tmp_path / "no" / "x.iso", *FEW)
    assert result.code == 1 and "No such file" in result.err


def test_run_says_what_to_do_instead():
    result = exitmeter("run", "--target", "native", *FEW)
    assert result.code == 3
    assert "exitmeter iso" in result.err and "exitmeter import" in result.err
    assert "native" in exitmeter("list").out


def test_help():
    result = exitmeter("iso", "--help")
    assert result.code == 0 and "--passes" in result.out and "--pxe" in result.out
