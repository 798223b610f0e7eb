# SPDX-License-Identifier: MIT
"""Progress: one line that changes, with the time left, on a terminal; nothing of the kind elsewhere."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

# Jobs of a tenth of a second, their lines as the core prints them.
SLOW = """\
log()
with open("console.txt", "w") as console:
    for number in range(1, 13):
        print(f"job {number}/12 cpuid/intercept-all: done", file=console, flush=True)
        time.sleep(0.15)
results()
"""


def on_terminal(home, *arguments, columns=80):
    """What comes out on a terminal, stdout and stderr together."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("4H", 25, columns, 0, 0))
    process = subprocess.Popen([home.binary, *arguments], cwd=home.work, env=home.environment(),
                               stdin=subprocess.DEVNULL, stdout=side, stderr=side)
    os.close(side)
    output = b""
    try:
        while part := os.read(main, 4096):
            output += part
    except OSError:  # the last one on it has gone
        pass
    os.close(main)
    assert process.wait(timeout=30) == 0, output
    return output.decode()


def test_jobs_and_the_time_left(home):
    home.bochs(SLOW)
    shown = on_terminal(home, "run", "-o", "R")
    lines = re.findall(r"\r\x1b\[K(job \d+ of 12[^\r\n]*)", shown)
    assert len(lines) >= 4
    left = [int(seconds) for seconds in re.findall(r"about (\d+) s left", " ".join(lines))]
    assert left and left == sorted(left, reverse=True) and left[0] <= 5
    assert shown.rstrip().splitlines()[-1].startswith("run: R (10 done")


def test_several_runs_in_one_line(home):
    home.bochs(SLOW)
    shown = on_terminal(home, "run", "-o", "R", "-j", "1", "--cpu-model", "bx_generic",
                        "--cpu-model", "tigerlake")
    assert re.search(r"0 of 2 runs ended; bx_generic: job \d+ of 12", shown)
    assert re.search(r"1 of 2 runs ended; tigerlake: job \d+ of 12, about \d+ s left", shown)


def test_a_line_never_wraps(home):
    """Or taking it away would leave half of it."""
    home.bochs(SLOW)
    shown = on_terminal(home, "run", "-o", "R", "-j", "2", *(word for model in (
        "bx_generic", "tigerlake", "corei7_icelake_u", "corei7_skylake_x") for word in (
            "--cpu-model", model)), columns=60)
    lines = [line for line in re.findall(r"\r\x1b\[K([^\r\n]*)", shown) if " runs ended" in line]
    assert lines and max(map(len, lines)) == 59


def test_nothing_of_it_without_a_terminal(home):
    home.bochs(SLOW)
    result = home.run("run", "-o", "R")
    assert result.stderr.count("\n") == 2 and "\x1b" not in result.stderr
