# SPDX-License-Identifier: MIT
"""gnuplot's SVG made fit to stand inside a page: no clashing ids, text and axes in the page's own
colour (so light and dark both work), and a text alternative."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup

from .errors import NotPossible
from .output import scratch

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
TIMEOUT_SECONDS = 60
FONT = 13  # pixels at the size that a drawing asks for


@dataclass(frozen=True)
class Drawing:
    """A gnuplot script. name: all ids of the <svg> start with it. title: the text alternative.
    width, height: in pixels at FONT; the page scales it."""

    name: str
    title: str
    width: int
    height: int
    script: str


class _Running:
    """Processes that are to end with us, whichever comes first: starting one, or the end."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._stopped = False

    def add(self, process: subprocess.Popen[str]) -> None:
        self._processes.append(process)
        if self._stopped:
            process.kill()

    def stop(self) -> None:
        self._stopped = True
        for process in list(self._processes):
            process.kill()


def draw(drawings: Sequence[Drawing]) -> list[Markup]:
    """An <svg> element each. Safe as they are: they went through an XML writer."""
    if not drawings:
        return []
    if shutil.which("gnuplot") is None:
        raise NotPossible("gnuplot is not installed: install gnuplot-nox")
    workers = min(os.cpu_count() or 1, len(drawings))
    running = _Running()
    numbered = list(enumerate(drawings))
    try:
        with scratch() as directory, ThreadPoolExecutor(workers) as pool:
            try:
                parts = [pool.submit(_run, directory, numbered[first::workers], running)
                         for first in range(workers)]
                # In short pieces: a signal that comes right before a wait does not end it.
                while wait(parts, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
                    for part in parts:
                        if part.done():
                            part.result()
                for part in parts:
                    part.result()
            except BaseException:  # nobody waits for what will not be seen
                running.stop()
                raise
            texts = [(directory / f"{number}.svg").read_text(encoding="utf-8")
                     for number, _ in numbered]
        return [Markup(inline(text, drawing.name, drawing.title))
                for text, drawing in zip(texts, drawings)]
    except OSError as error:
        raise NotPossible(f"cannot draw in {tempfile.gettempdir()}: {error.strerror}") from error
    except ElementTree.ParseError as error:
        raise NotPossible(f"gnuplot's drawings are cut off; is the disk of {tempfile.gettempdir()} "
                          "full?") from error


def _run(directory: Path, drawings: list[tuple[int, Drawing]],
         running: "_Running") -> None:
    """One process draws many, each to NUMBER.svg. It names each on stderr first, so that the last
    name there is that of the one that failed."""
    script = "".join(
        f"reset\nprint '{drawing.name}'\n"
        f"set terminal svg size {drawing.width},{drawing.height} dynamic font 'sans-serif,{FONT}'\n"
        f"set output '{number}.svg'\nset encoding utf8\nset border 3\n"
        f"set tics nomirror scale 0.5\n{drawing.script}\nunset output\n"
        for number, drawing in drawings)
    file = directory / f"{drawings[0][0]}.gnuplot"  # of a file it stops at the first error
    file.write_text(script, encoding="utf-8")
    with subprocess.Popen(["gnuplot", "-d", file.name], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, cwd=directory, encoding="utf-8") as done:
        running.add(done)
        try:
            _, said = done.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            done.kill()
            raise NotPossible(f"gnuplot took over {TIMEOUT_SECONDS} s") from error
    told = said.splitlines()
    names = [line for line in told
             if any(line == drawing.name for _, drawing in drawings)]
    missing = [drawing.name for number, drawing in drawings
               if not (directory / f"{number}.svg").is_file()
               or not (directory / f"{number}.svg").stat().st_size]
    if done.returncode or missing:
        failed = names[-1] if done.returncode and names else (missing or ["anything"])[0]
        said = " ".join(line.strip() for line in told if line.strip() and line not in names)
        raise NotPossible(f"gnuplot could not draw {failed}: {said}")


def inline(text: str, name: str, title: str) -> str:
    """The cleaned <svg> element of one drawing."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}{kind}" for kind in ("title", "desc", "script", "style")):
                parent.remove(child)
    _drop_unused_definitions(root)
    _drop_empty_groups(root)
    for element in root.iter():
        _own_ids(element, name)
        _page_colours(element)
        element.text, element.tail = (None if part is None or not part.strip() else part
                                      for part in (element.text, element.tail))
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


def _drop_empty_groups(element: ElementTree.Element) -> None:
    for child in list(element):
        _drop_empty_groups(child)
        if child.tag in (f"{{{SVG}}}g", f"{{{SVG}}}defs") and not len(child):
            element.remove(child)


def _own_ids(element: ElementTree.Element, name: str) -> None:
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key == HREF:  # in a page, which is no XML, the attribute has no namespace
            del element.attrib[HREF]
            element.set("href", f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{name}-"))


def _page_colours(element: ElementTree.Element) -> None:
    """Black becomes the colour of the surrounding text; fonts are the page's. A point shape takes
    its colour from the <use> that places it."""
    for key in ("stroke", "fill"):
        if element.get(key) == "black":
            element.set(key, "currentColor")
    if element.tag != f"{{{SVG}}}use" or element.get("color") == "black":
        element.attrib.pop("color", None)
    element.attrib.pop("font-family", None)
