# SPDX-License-Identifier: MIT
"""The report: well-formed, self-contained, whole, and safe against hostile names."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from analysis import drawings, svg
from analysis.errors import NotPossible

from .builder import Row, edit

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "<script>alert(1)</script>'\"`id`$x\\n@{}&amp;"


class Page(HTMLParser):
    """Collects what the tests ask of a page; fails on a tag that closes what is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def values(self, *names):
        return [value for _, attrs in self.tags for name, value in attrs.items() if name in names]


@pytest.fixture
def report(call):
    def write(path):
        outcome = call("report", path)
        assert (outcome.code, outcome.err) == (0, "")
        file = path.parent / f"{path.name}.html"
        assert outcome.out == f"{file}\n"
        return file.read_text(encoding="utf-8")
    return write


def full(make, **knobs):
    rows = [Row(name, policy, extra=(0, 1, 2, 300), exits=name == "cpuid" or policy == "all")
            for name in ("cpuid", "rdmsr") for policy in ("none", "all")]
    return make("full", [*rows, Row("icr", "all", status="skipped", reason="no x2APIC"),
                         Row("check/in", "all", kind="check")], **knobs)


def test_self_contained_and_well_formed(make, report):
    text = report(full(make))
    page = Page(text)
    assert not [value for value in page.values("src", "href", "xlink:href", "action", "data")
                if not value.startswith("#")]
    assert not re.search(r"url\((?!#)|@import|<script|<link|javascript:", text)
    urls = set(re.findall(r"https?://[^\"'\s<>]+", text))
    assert urls <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_ids_are_unique_and_references_lead_somewhere(make, report):
    page = Page(report(full(make)))
    ids = page.values("id")
    assert len(ids) == len(set(ids)) > 10
    for value in page.values("aria-labelledby", "xlink:href", "href"):
        assert value.lstrip("#") in ids
    for value in page.values("clip-path", "filter", "fill"):
        reference = re.match(r"url\(#(.*)\)", value)
        assert not reference or reference[1] in ids


def test_every_drawing_has_a_text_alternative(make, report):
    page = Page(report(full(make)))
    drawn = [attrs for tag, attrs in page.tags if tag == "svg" and "aria-hidden" not in attrs]
    assert len(drawn) == 1 + 2 + 2  # round trips; parts of two policies; two distributions
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in drawn)


def test_all_jobs_numbers_and_reasons_are_there(make, report):
    page = Page(report(full(make)))
    for word in ("cpuid", "rdmsr", "none", "all", "icr", "no x2APIC", "takes no exit", "345",
                 "CPUID (10): 20", "corei7_haswell_4770", "gcc 12 -O2", "0xb6006172",
                 "0xda0400000000000f", "A tick is one step",
                 "bochs/check/in/all"):
        assert word in page.text, word
    assert "Distribution" in page.text and "no spread to draw" not in page.text


def test_equal_samples_draw_no_distribution(run, report):
    text = report(run)
    assert "there is no spread to draw" in text and 'id="cdf-' not in text


def test_repetitions(make, report):
    page = Page(report(full(make, repetitions=3)))
    assert "pooled from 3 repetitions" in page.text and "p50 of each repetition" in page.text


def test_a_failed_run_says_so_first(make, report):
    path = make("bad", [Row(), Row("in", status="failed", reason="guest died")], reason="1 failed")
    text = report(path)
    assert "this run failed: 1 failed" in text and 'role="alert"' in text
    assert text.index('role="alert"') < text.index("Round trip by policy")


def test_a_run_that_measured_nothing(make, report):
    path = make("dead", [Row(status="not_run")], status="failed", reason="triple fault")
    edit(path, lambda d: (d.pop("machine"), d.update(build={}, host=None)))
    page = Page(report(path))
    assert "No job of this run brought numbers" in page.text and "triple fault" in page.text


def test_hostile_names_are_text(make, report):
    def poison(document):
        document["machine"]["brand"] = HOSTILE
        document["benchmarks"][0]["description"] = HOSTILE
        document["machine"]["capabilities"][HOSTILE] = HOSTILE
    rows = [Row(HOSTILE, policy, extra=(0, 5)) for policy in (HOSTILE, "`touch /tmp/x`'\n; !id")]
    path = make("evil", [*rows, Row("x", status="skipped", reason=HOSTILE)])
    edit(path, poison)
    text = report(path)
    page = Page(text)
    assert "<script" not in text
    assert page.text.count(HOSTILE) >= 6


def test_the_run_is_never_written_to(run, call):
    outcome = call("report", run, "-o", run / "report.html")
    assert outcome.code == 2 and not (run / "report.html").exists()
    assert call("report", run, "-o", run.parent / "no" / "x.html").code == 2


def test_output_name_of_a_path_with_no_name(run, call, monkeypatch):
    monkeypatch.chdir(run)
    outcome = call("report", ".")
    assert outcome.code == 0 and (run.parent / "run.html").exists()


def test_gnuplot_missing_names_the_package(run, call, monkeypatch):
    monkeypatch.setattr(svg.shutil, "which", lambda name: None)
    outcome = call("report", run)
    assert outcome.code == 3 and "gnuplot-nox" in outcome.err
    assert not (run.parent / "run.html").exists()


def test_gnuplot_failing_is_reported():
    with pytest.raises(NotPossible, match="could not draw x"):
        svg.draw("x", "title", (100, 100), "plot nonsense(\n")


def test_ids_of_two_drawings_differ_and_ink_is_the_pages():
    script = "plot x with points pt 7 notitle\n"
    drawn = [svg.draw(name, "t", (200, 100), script) for name in ("a", "b")]
    elements = [list(ElementTree.fromstring(text).iter()) for text in drawn]
    found = [{element.get("id") for element in mine if element.get("id")} for mine in elements]
    assert not found[0] & found[1]
    assert {"a-gpPt5", "a-gpPt6"} <= found[0]  # a definition that is used, and the one it uses
    assert "a-gpPt14" not in found[0]
    for mine, ids in zip(elements, found):
        references = {element.get(svg.HREF) for element in mine if element.get(svg.HREF)}
        assert references and all(reference.lstrip("#") in ids for reference in references)
    assert '"black"' not in drawn[0] and "currentColor" in drawn[0]


def test_gnuplot_gets_harmless_names_only():
    assert drawings.label("x2apic_tpr 0x80 (b/c)") == "x2apic_tpr 0x80 (b/c)"
    assert drawings.label("'`id`$(x)\n\\\"@{^") == "??id??(x)??????"
    assert len(drawings.label("n" * 47)) == 22


@pytest.mark.parametrize("span", [1, 5, 6, 7, 59, 60, 61, 99, 495, 1983, 2379, 10**6])
def test_ticks_have_room_for_their_labels(span):
    step = drawings._step(span)
    assert step >= 1 and span / step <= 6
    assert span < 12 or span / step > 2


def test_cdf_steps():
    assert drawings.steps(np.array([3, 1, 3, 9])) == [(1, 0.0), (1, 25.0), (3, 75.0), (9, 100.0)]
    many = drawings.steps(np.arange(100_000))
    assert len(many) <= drawings.CDF_POINTS + 1 and many[-1] == (99_999, 100.0)


def test_between_is_shown_where_an_operation_takes_several_exits(make, report):
    several = report(make("several", [Row("clts", times=2, gap=7), Row("rdmsr")]))
    alone = report(make("alone", [Row("rdmsr")]))
    assert '<th scope="col">between</th>' in several and ">between<" not in alone
    assert "<td>7</td>\n<td>92</td>" in several and "<td>-</td>\n<td>47</td>" in several
