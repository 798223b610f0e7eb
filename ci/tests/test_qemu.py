# SPDX-License-Identifier: MIT
"""The image with the core on QEMU: refused with the reason where VT-x is not to be had, by the same
way that results take where it is."""
import pathlib
import shutil
import struct
import subprocess
import time

import pytest

from .conftest import BUILD, exitmeter, measure, no_bochs_below, run, run_json

NO_VTX = "no VT-x here: CPUID.1:ECX[5] is 0"
WHAT_TO_DO = "what to do: turn VT-x on"
CONSOLE_SERIAL, CONSOLE_SCREEN, DEBUG_EXIT = 4, 16, 128  # guests/plan.h
UNAVAILABLE = 2 * (0x10 + 3) + 1  # core/boot/debug_exit.h


def nests():
    """Whether this machine's KVM offers VT-x to a guest."""
    nested = pathlib.Path("/sys/module/kvm_intel/parameters/nested")
    return nested.exists() and nested.read_text().strip() in "Y1"


@pytest.mark.skipif(nests(), reason="this machine has nested VT-x")
def test_refused_with_the_reason_and_what_to_do(tmp_path):
    result = exitmeter("run", "-o", tmp_path / "run", "--target", "qemu", "--guest", "cpuid")
    assert result.code == 3 and result.out == ""
    assert "target qemu cannot run here: no " in result.err and "; " in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not nests(), reason="this machine has no nested VT-x")
def test_live_with_nested_vtx(tmp_path):
    document = run_json(measure(tmp_path / "run", "--target", "qemu", "--guest", "cpuid"))
    assert (document["accelerator"], document["nested"]) == ("kvm", True)
    assert {job["status"] for job in document["jobs"]} == {"done"}


def test_without_vtx_the_image_says_so_and_the_run_ends_with_3(tmp_path):
    result = exitmeter("run", "-o", tmp_path / "run", "--target", "qemu", "--accel", "tcg",
                       "--guest", "cpuid")
    assert result.code == 3, result.err
    assert NO_VTX in result.err and WHAT_TO_DO in result.err
    assert list(tmp_path.iterdir()) == [] and no_bochs_below(tmp_path)


def test_an_image_that_is_none_is_a_failure(tmp_path):
    (tmp_path / "core.elf").write_bytes(b"no image")
    result = exitmeter("run", "-o", tmp_path / "run", "--target", "qemu", "--accel", "tcg",
                       "--core", tmp_path / "core.elf", "--guest", "cpuid")
    assert result.code == 1 and "cannot prepare the boot" in result.err


@pytest.fixture(scope="module")
def iso(tmp_path_factory):
    """An ISO that GRUB boots on a PC, its console on COM1, its exit code for isa-debug-exit."""
    directory = tmp_path_factory.mktemp("iso")
    tree = directory / "tree"
    tree.mkdir()
    plan = bytearray((measure(directory / "run", "--guest", "cpuid", "-n", 2) /
                      "plan.bin").read_bytes())
    struct.pack_into("<I", plan, 12, CONSOLE_SERIAL | CONSOLE_SCREEN | DEBUG_EXIT)
    (tree / "plan.bin").write_bytes(plan)
    shutil.copy(BUILD / "exitmeter-core.elf", tree / "core.elf")
    shutil.copy(BUILD / "guests.bin", tree)
    shutil.copy(BUILD / "grub-eltorito.img", tree / "cd.img")
    result = run("xorriso", "-as", "mkisofs", "-quiet", "-b", "cd.img", "-no-emul-boot",
                 "-boot-load-size", "4", "-boot-info-table", "-o", directory / "boot.iso", tree)
    assert result.code == 0, result.err
    return directory / "boot.iso"


def boot(iso, tmp_path, machine, *more):
    """QEMU's exit status, and what came over COM1."""
    serial = tmp_path / "serial.txt"
    process = subprocess.run(
        ["qemu-system-x86_64", "-machine", f"{machine},accel=tcg", "-m", "512", "-nodefaults",
         "-display", "none", "-no-reboot", "-cdrom", iso, "-serial", f"file:{serial}", *more],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    return process.returncode, serial.read_text(errors="replace")


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_booted_by_grub_it_says_so_on_com1_and_leaves_its_code(iso, tmp_path, machine):
    code, serial = boot(iso, tmp_path, machine, "-device", "isa-debug-exit,iobase=0x501,iosize=1")
    assert code == UNAVAILABLE
    assert NO_VTX in serial and WHAT_TO_DO in serial


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_without_that_device_it_switches_the_machine_off(iso, tmp_path, machine):
    code, serial = boot(iso, tmp_path, machine)
    assert code == 0 and NO_VTX in serial


def test_the_screen_says_so_too(iso, tmp_path):
    """The machine stands still in place of being switched off, and its text screen is read."""
    screen = tmp_path / "vga.bin"
    commands = f"pmemsave 0xb8000 4000 \"{screen}\"\nquit\n"
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-m", "512", "-nodefaults", "-display",
         "none", "-vga", "std", "-no-shutdown", "-cdrom", iso, "-monitor", "stdio", "-serial",
         f"file:{tmp_path / 'serial.txt'}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        serial = tmp_path / "serial.txt"
        if serial.exists() and b"cannot measure here" in serial.read_bytes():
            break
        time.sleep(0.1)
    time.sleep(0.5)  # to the end of the line
    process.communicate(commands.encode(), timeout=60)
    text = screen.read_bytes()[::2].decode("ascii", "replace")
    assert "no VT-x here" in text and "what to do: turn VT-x on" in text
