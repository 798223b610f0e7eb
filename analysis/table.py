# SPDX-License-Identifier: MIT
"""Plain-text tables that fit a terminal of WIDTH columns."""

from collections.abc import Sequence

WIDTH = 100
GAP = "  "
GROUP_GAP = "   "


def elide(text: str, width: int) -> str:
    """text in at most width characters, its middle left out if need be; control characters and
    line ends shown as "?", so that a name cannot break the table."""
    text = "".join(char if char.isprintable() else "?" for char in text)
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head):]}"


def signed(number: float) -> str:
    """A difference with its sign: +3, -2, 0."""
    return f"{number:+g}" if number else "0"


def plain(number: float) -> str:
    """A count or a mean: whole numbers as such, others with two decimals."""
    return f"{number:.0f}" if number == round(number) else f"{number:.2f}"


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def wrap(head: str, names: list[str], width: int = WIDTH) -> list[str]:
    """head and the names after it, broken between names at width."""
    lines, line = [], head
    for number, name in enumerate(names):
        piece = elide(name, width - 4) + (", " if number < len(names) - 1 else "")
        if len(line) + len(piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = "  "
        line += piece
    return [*lines, line.rstrip()]


def render(heads: Sequence[tuple[str, Sequence[str]]], rows: Sequence[Sequence[str]],
           width: int = WIDTH) -> list[str]:
    """Lines of one table. heads: groups of columns, each a title that spans the columns whose
    heads follow it. The very first column stands to the left and gives way to fit width, the
    others stand to the right and follow their content."""
    names = [name for _, columns in heads for name in columns]
    widths = [max(len(line[column]) for line in [names, *rows]) for column in range(len(names))]
    groups = []
    for title, columns in heads:
        first = sum(len(group) for group in groups)
        group = range(first, first + len(columns))
        missing = len(title) - sum(widths[column] for column in group) - len(GAP) * (len(group) - 1)
        widths[first] += max(0, missing)
        groups.append(group)
    rest = (sum(widths[1:]) + len(GROUP_GAP) * (len(groups) - 1)
            + len(GAP) * (len(names) - len(groups)))
    widths[0] = max(8, min(widths[0], width - rest))

    def line(cells: Sequence[str]) -> str:
        fitted = [elide(cells[0], widths[0]).ljust(widths[0])]
        fitted += [cell.rjust(room) for cell, room in zip(cells[1:], widths[1:])]
        return GROUP_GAP.join(GAP.join(fitted[column] for column in group)
                              for group in groups).rstrip()

    spans = [sum(widths[column] for column in group) + len(GAP) * (len(group) - 1)
             for group in groups]
    titles = GROUP_GAP.join(title.center(span) for (title, _), span in zip(heads, spans)).rstrip()
    return [*([titles] if titles else []), line(names), "-" * (widths[0] + rest),
            *(line(row) for row in rows)]
