# SPDX-License-Identifier: MIT
"""The self-test image on Bochs, with one CPU and with two: each of its tests is one here."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

import pytest

from .conftest import BUILD, ROOT, run

ELF = BUILD / "tests" / "target.elf"
BOCHS_C = (ROOT / "bench" / "bochs.c").read_text()
LIST = (ROOT / "core" / "tests" / "target" / "target.h").read_text()
TESTS = {name: int(cpus) for cpus, name in re.findall(r"^ +TARGET_TEST\((\d+), (\w+)\)", LIST, re.M)}
SECONDS = 90
LINES = 40  # of each CPU, in lines_stay_whole


def configuration(model, cpus):
    """What bench/bochs.c gives Bochs, but for the number of CPUs and no magic breakpoint."""
    text = re.search(r"configuration\[\] =\n(.*?);\n", BOCHS_C, re.S).group(1)
    text = "".join(re.findall(r'"(.*)"', text)).replace("\\n", "\n")
    text = text.replace("%s", model).replace("%llu", "512").replace("%u", "1")
    text, count = re.subn(r"count=1\b", f"count={cpus}", text)
    assert count == 1
    return text.replace("magic_break: enabled=1\n", "")


def drain(terminal):
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # Bochs is gone
        pass


def boot(directory, cpus, elf=ELF, plan="all", model="corei7_haswell_4770", seconds=SECONDS):
    """The console's lines; ended by Bochs itself, or after some time."""
    tree = directory / "tree"
    tree.mkdir(parents=True)
    for name, content in (("core.elf", elf.read_bytes()), ("plan.bin", plan.encode()),
                          ("guests.bin", b"none"),
                          ("cd.img", (BUILD / "grub-eltorito.img").read_bytes())):
        (tree / name).write_bytes(content)
    result = run("xorriso", "-as", "mkisofs", "-quiet", "-b", "cd.img", "-no-emul-boot",
                 "-boot-load-size", "4", "-boot-info-table", "-o", "boot.iso", "tree", cwd=directory)
    assert result.code == 0, result.err
    (directory / "bochsrc").write_text(configuration(model, cpus))
    (directory / "commands").write_text("c\n")
    terminal, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 26, 100, 0, 0))
    process = subprocess.Popen(["bochs", "-q", "-f", "bochsrc", "-rc", "commands"], cwd=directory,
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env=os.environ | {"TERM": "vt100"})
    os.close(slave)
    reader = threading.Thread(target=drain, args=(terminal,), daemon=True)
    reader.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(5)
        os.close(terminal)
    console = directory / "console.txt"
    return console.read_text(errors="replace").splitlines() if console.exists() else []


def verdict(lines, name):
    """ "ok", "skipped: why", "failed: why", or that there was none."""
    for line in lines:
        match = re.fullmatch(rf"(ok|skipped|failed) {name}(:.*)?", line)
        if match:
            return match.group(1) + (match.group(2) or "")
    return "it did not come to an end; the last line: " + (lines[-1] if lines else "none")


@pytest.fixture(scope="module", params=[1, 2], ids=["one CPU", "two CPUs"])
def booted(request, tmp_path_factory):
    return request.param, boot(tmp_path_factory.mktemp("target") / "boot", request.param)


@pytest.mark.parametrize("name", TESTS)
def test_target(booted, name):
    cpus, lines = booted
    wanted = "ok" if TESTS[name] <= cpus else f"skipped: needs {TESTS[name]} CPUs"
    assert verdict(lines, name) == wanted


def test_the_image_found_its_cpus_and_ended(booted):
    cpus, lines = booted
    assert lines[0] == f"cpus {cpus}"
    assert lines[-1] == "exitmeter: done"
    assert len(TESTS) >= 17


def test_lines_of_two_cpus_stay_whole(booted):
    cpus, lines = booted
    text = "line {} of CPU {}: the quick brown fox 0123456789abcdef"
    wanted = [text.format(i, cpu) for cpu in range(cpus) for i in range(LINES)] if cpus > 1 else []
    said = [line for line in lines if "lines_stay_whole" not in line and ("line" in line or "fox" in line)]
    assert sorted(said) == sorted(wanted)


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_cpus_are_found_without_acpi_tables(tmp_path, cpus):
    """By a broadcast, as where the loader has none to pass on."""
    lines = boot(tmp_path / "boot", cpus, plan="broadcast")
    assert lines[0] == f"cpus {cpus}"
    assert verdict(lines, "cpus_are_themselves") == ("ok" if cpus > 1 else "skipped: needs 2 CPUs")
    assert lines[-1] == "exitmeter: done"
