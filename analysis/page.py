# SPDX-License-Identifier: MIT
"""One self-contained HTML page from a template: its style and its one script stand in it, and its
content security policy lets it load nothing and run nothing else."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import table

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, contents: dict[str, Any]) -> str:
    """A template that extends page.html, which uses "script" and "policy"."""
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return environment().get_template(template).render(
        **contents, script=Markup(script), security_policy=policy)


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.tests["skips"] = lambda line: line.startswith("skipped: ")
    made.filters |= {"plain": table.plain, "ratio": table.ratio, "exits": exits}
    return made


def exits(per_op: float | None) -> str:
    """Exits per operation, with two decimals; never -0.00. None: nothing counted them."""
    return "-" if per_op is None else f"{round(per_op, 2) + 0.0:.2f}"
