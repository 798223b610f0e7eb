# SPDX-License-Identifier: MIT
"""A gate's verdict as JUnit's XML, which most CI systems show: a test case a benchmark and policy."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .gate_text import blurred_text, disturbed_text, name, what_text


def junit(verdict: dict[str, Any], baseline: Path) -> str:
    """Regressed is a failure; what could not be compared is an error."""
    suite = ElementTree.Element("testsuite", name=_clean(f"exitmeter gate {baseline.name}"))
    if "reason" in verdict:
        _outcome(_case(suite, "comparable", "gate"), "error", "not comparable", verdict["reason"])
    else:
        _rows(suite, verdict)
    for kind, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            + ElementTree.tostring(suites, encoding="unicode") + "\n")


def _rows(suite: ElementTree.Element, verdict: dict[str, Any]) -> None:
    regressed = {name(row): row for row in verdict["regressed"]}
    blurred = {name(row): row for row in verdict["blurred"]}
    disturbed = {name(row): row for row in verdict["disturbed"] if not row["times_compared"]}
    improved = {name(row): row for row in verdict["improved"]}
    for row in verdict["rows"]:
        case = _case(suite, row["benchmark"], row["policy"])
        key = name(row)
        if key in regressed:
            _outcome(case, "failure", "regressed", what_text(regressed[key], verdict["unit"]))
        elif key in blurred:
            _outcome(case, "error", "not comparable", blurred_text(blurred[key]))
        elif key in disturbed:
            _outcome(case, "error", "not comparable", disturbed_text(disturbed[key]))
        elif key in improved:
            out = ElementTree.SubElement(case, "system-out")
            out.text = _clean(f"improved: {what_text(improved[key], verdict['unit'])}")


def _case(suite: ElementTree.Element, benchmark: str, policy: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=_clean(f"exitmeter.{policy}"),
                                  name=_clean(benchmark))


def _outcome(case: ElementTree.Element, tag: str, kind: str, text: str) -> None:
    message = _clean(text)
    ElementTree.SubElement(case, tag, type=kind, message=message).text = message


def _clean(text: str) -> str:
    """XML 1.0 has no control characters, not even as references."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
