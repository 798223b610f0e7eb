# SPDX-License-Identifier: MIT
"""The report: well-formed, self-contained, whole, and safe against hostile names."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from analysis import distribution_drawing, drawings, svg
from analysis.errors import NotPossible
from analysis.heat_map import viridis
from analysis.page import exits

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
        if self.open and self.open[-1] not in ("style", "script"):
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


def script_of(text):
    """The page's one script, which stands at its end; the rest of it."""
    before, _, script = text.rpartition("<script>")
    assert "<script" not in before and "</script" in script
    return script.partition("</script>")[0], before


def test_the_page_may_load_nothing_and_run_its_own_script_only(make, report):
    text = report(full(make))
    script, _ = script_of(text)
    policy = next(attrs["content"] for tag, attrs in Page(text).tags
                  if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == ("default-src 'none'; style-src 'unsafe-inline'; "
                      f"script-src 'sha256-{digest}'")


def test_self_contained_and_well_formed(make, report):
    text = report(full(make))
    page = Page(text)
    _, text = script_of(text)
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
    # Of the one family round trips and parts, and a distribution of each benchmark.
    assert len(drawn) == 2 + 2
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in drawn)


def test_all_jobs_numbers_and_reasons_are_there(make, report):
    page = Page(report(full(make)))
    for word in ("cpuid", "rdmsr", "none", "all", "icr", "no x2APIC", "takes no exit", "345",
                 "CPUID (10): 20", "corei7_haswell_4770", "gcc 12 -O2", "0xb6006172",
                 "0xda0400000000000f", "A tick is one step",
                 "Under all, 2 of 2 benchmarks exit", "CPUID and hypercalls",
                 "5 done, 1 skipped",
                 "bochs/check/in/all"):
        assert word in page.text, word
    assert "Distribution" in page.text and "no spread to draw" not in page.text


def test_equal_samples_draw_no_distribution(run, report):
    text = report(run)
    assert "there is no spread to draw" in text and 'id="spread-' not in text


def test_repetitions(make, report):
    page = Page(report(full(make, repetitions=3)))
    assert "pooled from 3 repetitions" in page.text and "p50 of each repetition" in page.text


def test_a_failed_run_says_so_first(make, report):
    path = make("bad", [Row(), Row("in", status="failed", reason="guest died")], reason="1 failed")
    text = report(path)
    assert "this run failed: 1 failed" in text and 'role="alert"' in text
    assert text.index('role="alert"') < text.index("Round trips by policy")


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
    script_of(text)
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
    good = [svg.Drawing(name, "title", 100, 100, "plot x notitle\n") for name in "abc"]
    with pytest.raises(NotPossible, match="could not draw bad: .*nonsense"):
        svg.draw([*good, svg.Drawing("bad", "title", 100, 100, "plot nonsense(\n"), *good])


def test_ids_of_two_drawings_differ_and_ink_is_the_pages():
    script = "plot x with points pt 7 notitle\n"
    drawn = svg.draw([svg.Drawing(name, "t", 200, 100, script) for name in ("a", "b")])
    elements = [list(ElementTree.fromstring(text).iter()) for text in drawn]
    found = [{element.get("id") for element in mine if element.get("id")} for mine in elements]
    assert not found[0] & found[1]
    assert {"a-gpPt5", "a-gpPt6"} <= found[0]  # a definition that is used, and the one it uses
    assert "a-gpPt14" not in found[0]
    for mine, ids in zip(elements, found):
        # Not of the namespace xlink, which an HTML page does not know.
        references = {element.get("href") for element in mine if element.get("href")}
        assert references and all(reference.lstrip("#") in ids for reference in references)
    assert '"black"' not in drawn[0] and "currentColor" in drawn[0]


def test_gnuplot_gets_harmless_names_only():
    assert drawings.label("x2apic_tpr 0x80 (b/c)") == "x2apic_tpr 0x80 (b/c)"
    assert drawings.label("'`id`$(x)\n\\\"@{^") == "??id??(x)??????"
    assert 18 < len(drawings.label("n" * 47)) < 30 and ".." in drawings.label("m" * 47)
    assert drawings.letters(drawings.label("m" * 47)) <= drawings.PLACE


@pytest.mark.parametrize("low, high, tics", [
    (0.5, 300, "'1' 1, '10' 10, '100' 100"), (80, 300, "'100' 100, '200' 200"),
    (3, 4, "'3' 3"), (0.5, 2e10, "'1' 1, '100' 100, '10k' 10000, '1M' 1000000, '100M' 100000000, "
     "'10G' 10000000000")])
def test_tics_have_room_for_their_labels(low, high, tics):
    assert drawings.logarithmic_tics(low, high, 250) == tics


def test_cumulative():
    def cumulative(values):
        return distribution_drawing.cumulative(*distribution_drawing.tally(np.array(values)))

    assert cumulative([3, 1, 3, 9]) == [(1, 0.0), (1, 25.0), (3, 75.0), (9, 100.0)]
    many = cumulative(np.arange(100_000))
    assert len(many) <= distribution_drawing.POINTS + 2 and many[-1] == (99_999, 100.0)


@pytest.mark.parametrize("values", [[5, 7, 7, -3, 900], [1, 1], [2, 2**40, 2**40]])
def test_tally(values):
    found, counts = distribution_drawing.tally(np.array(values))
    assert list(zip(found, counts)) == [(value, values.count(value))
                                        for value in sorted(set(values))]


@pytest.mark.parametrize("low, high", [(1, 2), (1, 10), (90, 95), (3, 10**6)])
def test_every_sample_is_in_a_bin(low, high):
    edges = distribution_drawing.bins(low, high)
    assert np.all(np.diff(edges) > 0) and edges[0] == low and edges[-1] == high + 1
    values = np.array([-4, low, high])
    outline = distribution_drawing.histogram(values, np.array([2, 3, 4]), edges)
    assert sum(count for _, count in outline if count >= 1) == 2 * 9


def test_axis_has_room_for_the_numbers_at_both_ends():
    low, high = drawings._with_room(1, 1000, 300, 40)
    place = [300 * np.log10(value / low) / np.log10(high / low) for value in (1, 1000)]
    assert place == pytest.approx([40, 260])


def test_what_is_not_above_zero_stands_at_the_edge(make, report):
    text = report(make("low", [Row("rdtsc", "a", exits=False, plain=1, control=2),
                               Row("rdtsc", "b", reason_number=16)], level="stamps"))
    assert "trips-" in text and "<td>-1</td>" in text


def test_no_negative_zero(make, report):
    path = make("zero", [Row("rdtsc", exits=False)])
    assert exits(-0.0001) == "0.00"
    assert "0.00" in report(path) and "-0.00" not in report(path)


def test_what_is_not_above_zero_is_left_of_all_that_is():
    class Result:
        def __init__(self, benchmark, p50):
            self.benchmark, self.policy, self.net = benchmark, "a", {"p50": p50}

    script = drawings.round_trips("x", [Result("one", 900), Result("none", -3)], ["a"], "t").script
    axis = float(re.search(r"set xrange \[([0-9.]+):", script)[1])
    marks = re.search(r"\$marks0 << END\n(.*?)END", script, re.S)[1].split()
    assert [float(marks[0]), float(marks[2])] == pytest.approx([900, axis], rel=1e-3) and axis < 900


def test_ink_is_read_on_every_colour():
    for share in np.linspace(0, 1, 50):
        fill = viridis(share)
        ink = drawings.ink_on(fill)
        light, dark = sorted((luminance(fill), luminance(ink)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    return sum(weight * (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4)
               for weight, part in zip((0.2126, 0.7152, 0.0722), parts))


def test_heat_map_counts_what_the_records_say(make, report):
    rows = [Row("rdmsr", policy, reason_number=31, detail=detail)
            for policy, detail in (("a", 0x174), ("b", 0xc0000080))]
    page = Page(report(make("maps", [*rows, Row("in", "a", reason_number=30, detail=0x3fd0008)])))
    for text in ("0x174 IA32_SYSENTER_CS", "0xc0000080 IA32_EFER", "0x3fd com1", "By port"):
        assert text in page.text, text
    assert len([1 for tag, attrs in page.tags if attrs.get("aria-labelledby", "").startswith("map-")
                ]) == 2


def test_policies_with_one_split_have_one_bar():
    class Result:
        def __init__(self, policy, handler):
            self.benchmark, self.policy = "cpuid", policy
            self.split = type("Split", (), {"parts": {"handler": handler}})()

    one = drawings.distinct([Result("a", 5), Result("b", 5)])
    assert one == [("cpuid", {"handler": 5})]
    several = drawings.distinct([Result("a", 5), Result("b", 6), Result("c", 5)])
    assert several == [("cpuid\na and 1", {"handler": 5}), ("cpuid\nb", {"handler": 6})]


def test_between_is_shown_where_an_operation_takes_several_exits(make, report):
    several = report(make("several", [Row("clts", times=2, gap=7), Row("rdmsr")]))
    alone = report(make("alone", [Row("rdmsr")]))
    assert '<th scope="col">between</th>' in several and ">between<" not in alone
    assert "<td>7</td>\n<td>92</td>" in several and "<td>-</td>\n<td>47</td>" in several


def test_events_and_intervals_are_shown(make, report):
    counted = {"name": "instructions", "side": "host", "place": 0, "rdpmc": "0x40000000",
               "mask": "0x0000ffffffffffff"}
    guest = {"name": "instructions", "side": "guest", "place": 0, "absent": "no counter counts it"}
    text = report(make("pmu", [Row(level="pmu", extra=(0, 1, 2, 300), events=(counted, guest))]))
    page = Page(text)
    assert "Performance events per exit" in page.text and "no counter counts it" in page.text
    assert "<td>10</td>\n<td>20</td>\n<td>30</td>\n<td>60</td>" in text
    assert "<td>345</td><td>46</td><td>47</td><td>2</td>" in text  # max, interval, control
