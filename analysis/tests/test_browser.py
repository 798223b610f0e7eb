# SPDX-License-Identifier: MIT
"""The pages as a browser shows them: on a desk and on a phone, light and dark, with and without the
page's script; of benchmark runs and of profiles."""

import json
from pathlib import Path

import pytest

from analysis.__main__ import main

from .browser import BROKEN_LINKS, FAINT, OVERLAPS, WIDER, Browser
from .builder import Build, Row, edit, write_run
from .test_profile import document, entry

PHONE, DESK = 390, 1300
LONG = "a_benchmark_whose_name_is_longer_than_any/0x40000000"
SPREAD = (0, 3, 1, 8, 2, 400, 30, 5, 90, 2500)


@pytest.fixture(scope="module")
def browser():
    opened = Browser()
    yield opened
    opened.close()


def benchmark_run(directory: Path) -> Path:
    """Rows of many shapes: tall and short, with and without spread, skipped, one exit and several."""
    rows = []
    for policy, exits in (("passthrough-all", False), ("intercept-all", True),
                          ("a-policy-with-a-long-name-too", True)):
        rows += [Row("cpuid", policy, parts=(9, 20, 46, 17, 8)), Row(LONG, policy, extra=SPREAD),
                 Row("mmmmmmmmmmmmmmmmmmmmmm", policy, parts=(1, 2, 300000, 4, 5)),
                 Row("rdmsr", policy, exits=exits, reason_number=31, detail=0xc0000080),
                 Row("wrmsr", policy, exits=exits, reason_number=32, detail=0x174,
                     parts=(9, 20, 46 + len(policy), 17, 8), extra=SPREAD),
                 Row("in", policy, reason_number=30, detail=0x3fd0008),
                 Row("clts", policy, times=3, gap=9, exits=exits, reason_number=28),
                 Row("below_zero", policy, exits=False, plain=1, control=3)]
    rows += [Row("hlt", "intercept-all", status="skipped", reason="this CPU has none"),
             Row("check/in", "intercept-all", kind="check"),
             Row("root/vmread", "any", kind="root")]
    return write_run(directory / "run", Build(rows, samples=200, repetitions=2,
                                              unit="TSC cycles", target="kvm"))


def profile_run(directory: Path) -> Path:
    made = document()
    one = made["profiles"][0]["profile"]
    names = ["RDMSR", "WRMSR", "I/O instruction", "control-register access", "CPUID", "MWAIT"]
    numbers = [31, 32, 30, 28, 10, 36]
    one["reasons"] = [entry(number, 10 ** place, 100 * 10 ** place, name=name)
                      for place, (number, name) in enumerate(zip(numbers, names))]
    one["details"] = [entry(31, 7 ** (place % 8), 5, detail=hex(0xc0000080 + place))
                      for place in range(45)] + [
                          entry(30, 3, 5, detail=hex(port << 16 | 8)) for port in range(0x3f8, 0x400)]
    one["addresses"] = [{"reason": 31, "rip": "0xffffffff81000000", "count": 3, "ticks": 300}]
    one["over_time"] = {"width": 1500, "slices": 2, "reasons": {
        str(number): {"count": [0, 10 ** place], "ticks": [5, 5]}
        for place, number in enumerate(numbers)}}
    made["profiles"].append(made["profiles"][0] | {"policy": "another-policy"})
    made["profiles"].append(made["profiles"][0] | {"policy": "none", "profile": None,
                                                   "status": "unavailable"})
    (directory / "run").mkdir()
    (directory / "run" / "run.json").write_text(json.dumps(made))
    return directory / "run"


def report_of(make):
    def command(directory: Path, file: Path) -> None:
        assert main(["report", str(make(directory)), "-o", str(file)]) == 0
    command.__name__ = make.__name__
    return command


def history(directory: Path, file: Path) -> None:
    """Five runs of two series; the third is slower, by a little here and by much there."""
    db = str(directory / "h.db")
    for number in range(5):
        slower = 3 * (number >= 2)
        path = write_run(directory / f"run{number}", Build(
            [Row(parts=(5, 10, 20 + slower, 8, 4)), Row(LONG, parts=(5, 10, 10 ** slower, 8, 4)),
             Row("rdmsr", exits=number < 3, reason_number=31)],
            cpus=1 + number % 4 // 3))
        edit(path, lambda found, number=number: found.update(created=f"2026-11-0{number + 1}"))
        assert main(["history", "add", str(path), "--db", db, "--commit", "0123456789abcdef"]) == 0
    assert main(["history", "show", "--db", db, "-o", str(file)]) == 0


@pytest.fixture(scope="module", params=[report_of(benchmark_run), report_of(profile_run), history],
                ids=lambda make: make.__name__)
def page(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    file = directory / "page.html"
    request.param(directory, file)
    return file


@pytest.mark.parametrize("width, dark", [(DESK, False), (PHONE, False), (PHONE, True)])
def test_page(browser, page, width, dark):
    browser.open(page, width, dark)
    browser.open_details()
    assert browser.run(OVERLAPS) == []
    assert browser.run(WIDER) == [0, []]
    assert browser.run(BROKEN_LINKS) == []
    assert browser.run(FAINT) == []
    assert browser.run("return document.querySelectorAll('figure svg text').length") > 20
    assert browser.requests() == [page.resolve().as_uri()]
    assert browser.console() == []


def test_dark_and_light_differ(browser, page):
    papers = []
    for dark in (False, True):
        browser.open(page, DESK, dark)
        papers.append(browser.run("return [document.body, document.querySelector('figure svg text')]"
                                  ".map((e, i) => getComputedStyle(e)[i ? 'fill' : "
                                  "'backgroundColor'])"))
    assert papers[0] == ["rgb(255, 255, 255)", "rgb(26, 26, 26)"]
    assert papers[1] == ["rgb(22, 22, 22)", "rgb(232, 232, 230)"]


def test_the_filter_leaves_what_is_asked_for(browser, page):
    browser.open(page, DESK)
    shown = ("return [...document.querySelectorAll('tr[data-name]')].filter(e => !e.hidden)"
             ".map(e => e.dataset.name)")
    everything = browser.run(shown)
    browser.run("const box = document.getElementById('filter'); box.value = 'rdmsr';"
                "box.dispatchEvent(new Event('input'))")
    found = browser.run(shown)
    assert 0 < len(found) < len(everything) and all("rdmsr" in name.lower() for name in found)
    assert browser.run("return document.getElementById('filter-count').textContent") == (
        f"{len(found)} of {len(everything)} rows")
    browser.run("const box = document.getElementById('filter'); box.value = '';"
                "box.dispatchEvent(new Event('input'))")
    assert browser.run(shown) == everything


def test_without_script_everything_is_there(browser, page):
    browser.open(page, DESK, script=False)
    try:
        document_ = browser.command("DOM.getDocument", depth=-1)["root"]["nodeId"]

        def count(selector):
            return len(browser.command("DOM.querySelectorAll", nodeId=document_,
                                       selector=selector)["nodeIds"])

        assert count("#tools[hidden]") == 1 and count("tr[hidden], section[hidden]") == 0
        assert count("figure svg") > 1
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def test_prints(browser, page, tmp_path):
    browser.open(page, DESK)
    browser.print(tmp_path / "page.pdf")
    made = (tmp_path / "page.pdf").read_bytes()
    assert made.startswith(b"%PDF") and b"/Type /Page" in made


@pytest.mark.parametrize("broken, check", [
    ("<figure><svg aria-labelledby='x' width='90' height='40'><text x='5' y='20'>one</text>"
     "<text x='8' y='20'>two</text></svg></figure>", "overlap"),
    ("<figure><svg aria-labelledby='x' width='90' height='40'><text x='80' y='20'>cut</text></svg>"
     "</figure>", "overlap"),
    ("<p style='margin-top:-30px'>over the heading</p>", "overlap"),
    ("<p style='width:2000px'>wide</p>", "wide"),
    ("<a href='#nowhere'>x</a>", "link"), ("<a href='https://example.org/'>x</a>", "link"),
    ("<figure><svg aria-labelledby='x'><text x='5' y='20' fill='#ccc'>faint</text></svg></figure>",
     "faint"),
])
def test_the_checks_themselves_see_what_is_wrong(browser, tmp_path, broken, check):
    file = tmp_path / "broken.html"
    file.write_text("<!doctype html><body style='background:rgb(255,255,255)'><main><h1>x</h1>"
                    f"{broken}</main>")
    browser.open(file, PHONE)
    found = {"overlap": bool(browser.run(OVERLAPS)), "wide": browser.run(WIDER) != [0, []],
             "link": bool(browser.run(BROKEN_LINKS)), "faint": bool(browser.run(FAINT))}
    assert found[check]


def test_the_policy_keeps_foreign_scripts_and_pictures_out(browser, page, tmp_path):
    """A name that became markup would still do nothing, and the console would tell of it."""
    evil = tmp_path / "evil.html"
    evil.write_text(page.read_text().replace(
        "<main>", "<main><script>document.title = 'run'</script><img src='https://example.org/x'>"))
    browser.open(evil, DESK)
    assert browser.driver.title != "run"
    refused = [line for line in browser.console() if "Content Security Policy" in line]
    assert any("script" in line for line in refused) and any("example.org" in line for line in refused)
