# SPDX-License-Identifier: MIT
"""Machines that an image of `exitmeter iso` boots: Bochs, which has VT-x, and QEMU, which has not."""
import os
import pty
import re
import signal
import subprocess
import threading
import time

from .conftest import BUILD
from .image_boot import configuration, drain

MODEL = "corei7_haswell_4770"
OVMF = "/usr/share/OVMF/OVMF_CODE_4M.fd"
VGA_TEXT, VGA_BYTES, VGA_COLUMNS = 0xb8000, 4000, 80
SENT = b"exitmeter: sent"


def watch(process, capture, until, seconds):
    """Waits until the line has shown this, or the machine is off."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if until and capture.exists() and until in capture.read_bytes():
            return
        time.sleep(0.2)


def bochs(directory, iso, halts=False, cpus=1, seconds=240):
    """Boots a CD by BIOS with VT-x. The capture of COM1, and the rows of the screen if the machine
    halts at its end; else it must switch itself off."""
    directory.mkdir(parents=True, exist_ok=True)
    capture, screen = directory / "com1.bin", directory / "vga.bin"
    text = configuration(MODEL, cpus).replace("path=boot.iso", f"path={iso}")
    text = re.sub(r"^parport1:.*\n", "", text, flags=re.M)
    (directory / "bochsrc").write_text(text + f"com1: enabled=1, mode=file, dev={capture}\n")
    # The debugger comes back by SIGINT only, and then reads the screen.
    (directory / "commands").write_text(
        f'c\nwritemem "{screen}" 0x{VGA_TEXT:x} {VGA_BYTES}\nq\n' if halts else "c\n")
    terminal, slave = pty.openpty()
    process = subprocess.Popen(["bochs", "-q", "-f", "bochsrc", "-rc", "commands"], cwd=directory,
                               stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env=os.environ | {"TERM": "vt100"})
    os.close(slave)
    reader = threading.Thread(target=drain, args=(terminal,))
    reader.start()
    try:
        watch(process, capture, SENT if halts else None, seconds)
        assert halts == (process.poll() is None), "it went off, or it did not"
        if halts:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        os.close(terminal)
    return capture, screen_rows(screen) if halts else None


def screen_rows(path):
    cells = path.read_bytes()[::2].decode("ascii")
    return [cells[at:at + VGA_COLUMNS].rstrip() for at in range(0, len(cells), VGA_COLUMNS)]


CD = "-cdrom {iso}"
USB = ("-drive if=none,id=stick,format=raw,file={iso},snapshot=on -device qemu-xhci "
       "-device usb-storage,drive=stick,bootindex=0")
NET = ("-netdev user,id=net,restrict=on,tftp={tree},bootfile={file} "
       "-device virtio-net-pci,netdev=net,bootindex=0")


def qemu(directory, uefi, devices, seconds=240):
    """Boots without VT-x; the machine must switch itself off. The capture of COM1."""
    directory.mkdir(parents=True, exist_ok=True)
    capture = directory / "com1.bin"
    firmware = (f"-machine q35 -drive if=pflash,format=raw,readonly=on,file={OVMF}" if uefi
                else "-machine pc")
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-display", "none", "-monitor",
               "none", "-no-reboot", "-serial", f"file:{capture}", *firmware.split(),
               *devices.split()]
    result = subprocess.run(command, timeout=seconds, check=False, capture_output=True, text=True,
                            stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr
    return capture


def frames(data):
    """Offsets of the frames' marks in a capture."""
    return [match.start() for match in re.finditer(re.escape(b"\x9eEXM\r\n\x1a\xe5"), data)]


__all__ = ["BUILD", "CD", "NET", "USB", "bochs", "frames", "qemu"]
