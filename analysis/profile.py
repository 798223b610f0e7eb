# SPDX-License-Identifier: MIT
"""Where the exits of a guest that users bring went: the profiles of a run, opened and checked."""

from dataclasses import dataclass, field
from pathlib import Path

from .document import Node, load
from .errors import BadInput
from .profile_names import Names, canonical, detail_text, load_names

SCHEMA = "exitmeter.profile/1"
COSTS = ("count", "ticks", "dispatch", "handler", "vmreads", "vmwrites", "msr_accesses")


@dataclass
class Entry:
    """Exits that have something in common, and their sums."""

    reason: int
    what: str  # in words; "" if there is nothing to say
    key: int | None = None
    costs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COSTS, 0))

    @property
    def count(self) -> int:
        return self.costs["count"]

    @property
    def ticks(self) -> int:
        return self.costs["ticks"]


@dataclass(frozen=True)
class Profile:
    """One policy's. Ticks are in the run's unit."""

    total: int
    guest: int
    host: int
    folding: int
    polls: int
    lost: int
    out_of_order: int
    names: dict[int, str]
    reasons: list[Entry]
    details: list[Entry]
    addresses: list[Entry]
    details_lost: int
    addresses_lost: int
    waiting: tuple[int, int]  # exits in loops that wait, and the core's ticks of them
    width: int
    over_time: dict[int, tuple[list[int], list[int]]]  # reason: counts and ticks by slice

    @property
    def exits(self) -> int:
        return sum(entry.count for entry in self.reasons)

    @property
    def run_time(self) -> int:
        """The guest's time and the core's, without what making the profile took."""
        return self.guest + self.host

    def share(self, ticks: int) -> float:
        return ticks / self.run_time if self.run_time else 0.0


@dataclass(frozen=True)
class Outcome:
    policy: str
    status: str
    ended: str
    reason: str
    kind: str
    memory: int | None
    profile: Profile | None


@dataclass(frozen=True)
class ProfileRun:
    path: Path
    status: str
    target: str
    unit: str
    image: str
    cpu_model: str
    created: str
    facts: dict[str, dict[str, str]]  # of machine, build, host and guest, by section
    names: Names
    outcomes: list[Outcome]


def is_profile(path: Path) -> bool:
    """Whether a run directory holds profiles; False too if it cannot be told."""
    try:
        return load(path / "run.json")["schema"].value == SCHEMA
    except BadInput:
        return False


def open_profile(path: Path) -> ProfileRun:
    """BadInput names the file that is wrong, and how."""
    if not path.is_dir():
        raise BadInput(f"{path}: {'not a run directory' if path.exists() else 'no such run'}")
    top = load(path / "run.json")
    if isinstance(top["schema"].value, str) and top["schema"].value.startswith("exitmeter.run/"):
        raise BadInput(f"{path}: a run of benchmarks, which has no profile; "
                       "`exitmeter compare` shows it")
    top.schema(SCHEMA)
    names = load_names(path / "names.json")
    return ProfileRun(path=path, status=top["status"].text(), target=top["target"].text(),
                      unit=top["unit"].text(), image=top["guest"]["image"].text(),
                      cpu_model=top["machine"]["cpu_model"].text(),
                      created=top["created"].text() if "created" in top else "",
                      facts={name: _facts(top[name]) for name in ("guest", "machine", "build", "host")
                             if name in top}, names=names,
                      outcomes=[_outcome(node, names) for node in top["profiles"]])


def _facts(node: Node) -> dict[str, str]:
    """The plain values of a section."""
    return {key: str(value) for key, value in node.object().items()
            if isinstance(value, (str, int, float)) and not isinstance(value, bool)}


def _outcome(node: Node, names: Names) -> Outcome:
    profile, memory, kind = node["profile"], node["memory_bytes"], node["kind"]
    return Outcome(policy=node["policy"].text(), status=node["status"].text(),
                   ended=node["ended"].text(), reason=node["reason"].text(),
                   kind="" if kind.value is None else kind.text(),
                   memory=None if memory.value is None else memory.count(),
                   profile=None if profile.value is None else _profile(profile, names))


def _profile(node: Node, called: Names) -> Profile:
    start, end = node["start"].count(), node["end"].count()
    if end < start:
        raise node["end"].bad("earlier than the start")
    names = {entry["reason"].count(): entry["name"].text() for entry in node["reasons"]}
    reasons = [_entry(entry, entry["reason"].count(), "", None) for entry in node["reasons"]]
    over_time = node["over_time"]
    slices = over_time["slices"].count()
    if not over_time["width"].count():
        raise over_time["width"].bad("a slice lasts a tick or more")
    return Profile(
        total=end - start, guest=node["guest"].count(), host=node["host"].count(),
        folding=node["folding"].count(), polls=node["polls"].count(), lost=node["lost"].count(),
        out_of_order=node["out_of_order"].count(), names=names, reasons=_ranked(reasons),
        details=_details(node["details"], names, called),
        addresses=_addresses(node["addresses"], names),
        details_lost=node["details_lost"]["count"].count(),
        addresses_lost=node["addresses_lost"].count(), waiting=_waiting(node["details"]),
        width=over_time["width"].count(),
        over_time={reason: (_series(series["count"], slices), _series(series["ticks"], slices))
                   for reason, series in over_time["reasons"].by_number("exit reason")})


def _waiting(details: Node) -> tuple[int, int]:
    found = [detail["waiting"] for detail in details if "waiting" in detail]
    return (sum(waiting["count"].count() for waiting in found),
            sum(waiting["ticks"].count() for waiting in found))


def _series(node: Node, slices: int) -> list[int]:
    values = [value.count() for value in node]
    if len(values) != slices:
        raise node.bad(f"{len(values)} slices, but the profile has {slices}")
    return values


def _entry(node: Node, reason: int, what: str, key: int | None) -> Entry:
    return Entry(reason, what, key, {cost: node[cost].count() if cost in node else 0
                                     for cost in COSTS})


def _ranked(entries: list[Entry]) -> list[Entry]:
    """By time, and the same each time."""
    return sorted(entries, key=lambda entry: (-entry.ticks, -entry.count, entry.reason,
                                              entry.key if entry.key is not None else -1))


def _number(node: Node) -> int | None:
    """Bits as "0x...", or null."""
    if node.value is None:
        return None
    try:
        return int(node.text(), 16)
    except ValueError as error:
        raise node.bad(f'"{node.value}" is no hexadecimal number') from error


def _known(node: Node, names: dict[int, str]) -> int:
    reason = node["reason"].count()
    if reason not in names:
        raise node["reason"].bad(f"{reason} is not among the reasons")
    return reason


def _details(node: Node, names: dict[int, str], called: Names) -> list[Entry]:
    """Those that differ in nothing that matters are one."""
    entries: dict[tuple[int, int | None], Entry] = {}
    for item in node:
        reason, detail = _known(item, names), _number(item["detail"])
        if detail is not None:
            detail = canonical(reason, detail)
        entry = entries.setdefault((reason, detail),
                                   Entry(reason, detail_text(reason, detail, called), detail))
        for cost in COSTS:
            entry.costs[cost] += item[cost].count()
    return _ranked(list(entries.values()))


def _addresses(node: Node, names: dict[int, str]) -> list[Entry]:
    entries = []
    for item in node:
        rip = _number(item["rip"])
        what = "not recorded" if rip is None else f"{rip:#x}"
        entries.append(_entry(item, _known(item, names), what, rip))
    return _ranked(entries)
