# SPDX-License-Identifier: MIT
"""A home for each test: a copy of the binary in a ROOT of its own, and programs of its own on PATH."""

import os
import pathlib
import shutil
import stat
import signal
import subprocess
import sys
import textwrap

import pytest

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
sys.path.insert(0, str(HERE))

import synthetic  # noqa: E402

BINARY = pathlib.Path(os.environ.get("EXITMETER", REPOSITORY / "build" / "exitmeter"))


def listen():
    """Whoever runs the tests in the background may have these ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Home:
    def __init__(self, path):
        self.path = path
        self.root = path / "root"
        self.bin = path / "bin"
        self.work = path / "work"
        for directory in (self.root / "build", self.root / "bench", self.bin, self.work):
            directory.mkdir(parents=True)
        self.binary = self.root / "build" / "exitmeter"
        shutil.copy(BINARY, self.binary)
        shutil.copytree(REPOSITORY / "bench" / "policies", self.root / "bench" / "policies")
        (self.root / "build" / "exitmeter-core.elf").write_bytes(b"\x7fELF core")
        (self.root / "build" / "guests.bin").write_bytes(synthetic.make_blob())
        (self.root / "build" / "grub-eltorito.img").write_bytes(b"GRUB")
        self.program("xorriso", "import pathlib; pathlib.Path('boot.iso').write_bytes(b'iso')")

    def program(self, name, code):
        """Puts a Python program on PATH."""
        path = self.bin / name
        path.write_text("#!/usr/bin/python3\n" + textwrap.dedent(code))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def bochs(self, code):
        """A Bochs that runs this in the scratch directory; synthetic and its pid are at hand."""
        self.program("bochs", f"""\
            import os, pathlib, sys, time
            sys.dont_write_bytecode = True
            sys.path.insert(0, {str(HERE)!r})
            import synthetic
            pathlib.Path({str(self.path / 'pid')!r}).write_text(str(os.getpid()))
            def log(*lines):
                first = "00000000000i[      ] Bochs x86 Emulator 2.7"
                pathlib.Path("bochs.log").write_text("\\n".join((first,) + lines) + "\\n")
            def console(text):
                pathlib.Path("console.txt").write_text(text)
            def results(**twist):
                plan = pathlib.Path("tree/plan.bin").read_bytes()
                data = synthetic.make_results(plan, twist=twist)
                pathlib.Path("results.bin").write_bytes(data)
            """ + "\n" + textwrap.indent(textwrap.dedent(code), " " * 12))

    def good_bochs(self, **twist):
        self.bochs(f"""\
            log()
            console("exitmeter core\\njob 1/2 cpuid: done\\n")
            results(**{twist!r})
            """)

    def environment(self):
        return {"PATH": str(self.bin), "LANG": "C.UTF-8", "HOME": str(self.path)}

    def run(self, *arguments, **options):
        options.setdefault("timeout", 30)
        return subprocess.run([self.binary, *map(str, arguments)], cwd=self.work, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env=options.pop("env", self.environment()), **options)

    def start(self, *arguments):
        return subprocess.Popen([self.binary, *map(str, arguments)], cwd=self.work, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.environment(),
                                preexec_fn=listen)

    def left_behind(self):
        """Names in the working directory, hidden ones included."""
        return sorted(os.listdir(self.work))

    def bochs_pid(self):
        return int((self.path / "pid").read_text())


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def home(tmp_path):
    yield Home(tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)
