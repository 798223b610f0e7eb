# SPDX-License-Identifier: MIT
"""gnuplot's SVG made fit to stand inside a page: no clashing ids, text and axes in the page's own
colour (so light and dark both work), and a text alternative."""

import re
import shutil
import subprocess
from xml.etree import ElementTree

from .errors import NotPossible

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
TIMEOUT_SECONDS = 60


def draw(name: str, title: str, size: tuple[int, int], script: str) -> str:
    """Run a gnuplot script; returns an <svg> element whose ids all start with name.

    size: width and height in pixels at a font size of 14; the page scales it.
    """
    width, height = size
    head = (f"set terminal svg size {width},{height} dynamic font 'sans-serif,14'\n"
            "set encoding utf8\nset border 3\nset tics nomirror scale 0.5\n")
    if shutil.which("gnuplot") is None:
        raise NotPossible("gnuplot is not installed: install gnuplot-nox")
    try:
        done = subprocess.run(["gnuplot", "-d", "-"], input=head + script, capture_output=True,
                              encoding="utf-8", timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotPossible(f"gnuplot took over {TIMEOUT_SECONDS} s for {name}") from error
    if done.returncode or not done.stdout:
        raise NotPossible(f"gnuplot could not draw {name}: {done.stderr.strip()}")
    return inline(done.stdout, name, title)


def inline(text: str, name: str, title: str) -> str:
    """The cleaned <svg> element of one drawing."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}{kind}" for kind in ("title", "desc", "script", "style")):
                parent.remove(child)
    _drop_unused_definitions(root)
    for element in root.iter():
        _own_ids(element, name)
        _page_colours(element)
    alternative = ElementTree.Element(f"{{{SVG}}}title", {"id": f"{name}-title"})
    alternative.text = title
    root.insert(0, alternative)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    return ElementTree.tostring(root, encoding="unicode")


def _drop_unused_definitions(root: ElementTree.Element) -> None:
    """gnuplot defines every point shape in every drawing; keep none that nothing refers to."""
    while True:
        used = set()
        for element in root.iter():
            for value in element.attrib.values():
                used.update(re.findall(r"url\(#([^)]+)\)", value))
            used.add(element.get(HREF, "").lstrip("#"))
        unused = [(definitions, child) for definitions in root.iter(f"{{{SVG}}}defs")
                  for child in definitions if child.get("id") not in used]
        if not unused:
            return
        for definitions, child in unused:
            definitions.remove(child)


def _own_ids(element: ElementTree.Element, name: str) -> None:
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key == HREF and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{name}-"))


def _page_colours(element: ElementTree.Element) -> None:
    """Black becomes the colour of the surrounding text; fonts are the page's."""
    for key in ("stroke", "fill"):
        if element.get(key) == "black":
            element.set(key, "currentColor")
    for key in ("color", "font-family"):
        if key in element.attrib:
            del element.attrib[key]
