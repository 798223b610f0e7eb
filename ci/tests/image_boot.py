# SPDX-License-Identifier: MIT
"""Boots an image that is no harness's business, one of tests, on Bochs."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from .conftest import BUILD, ROOT, run

BOCHS_C = (ROOT / "bench" / "bochs.c").read_text()


def configuration(model, cpus):
    """What bench/bochs.c gives Bochs, but for the number of CPUs and no magic breakpoint."""
    text = re.search(r"configuration\[\] =\n(.*?);\n", BOCHS_C, re.S).group(1)
    text = "".join(re.findall(r'"(.*)"', text)).replace("\\n", "\n")
    text = text.replace("%s", model).replace("%llu", "512").replace("%u", "1")
    text, count = re.subn(r"count=1\b", f"count={cpus}", text)
    assert count == 1
    return text.replace("magic_break: enabled=1\n", "")


def drain(terminal, kept=None):
    """Reads what Bochs says until it is gone; the last of it stays in kept."""
    try:
        while said := os.read(terminal, 4096):
            if kept is not None:
                kept[:] = (kept + said)[-4096:]
    except OSError:
        pass


def last_words(said):
    """Why Bochs ended, if that was its own doing."""
    match = re.search(r"exiting with the following message:\s*(.*?)\s*\n", said.decode(errors="replace"))
    return [f"bochs: {match[1]}"] if match and "shutdown requested" not in match[1] else []


def boot(directory, elf, cpus=1, plan="all", model="corei7_haswell_4770", seconds=90):
    """The console's lines; ended by Bochs itself, or after some time. directory: a new one.

    Where Bochs gave up, a last line "bochs: " has what it said: the console's lines may be gone then.
    """
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
    said = bytearray()
    reader = threading.Thread(target=drain, args=(terminal, said), daemon=True)
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
    lines = console.read_text(errors="replace").splitlines() if console.exists() else []
    return lines + last_words(said)
