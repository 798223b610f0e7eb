# SPDX-License-Identifier: MIT
"""exitmeter profile: the top lists in the terminal."""

import math
from pathlib import Path

from .errors import EXIT_DONE
from .output import emit, to_json
from .profile import Entry, Outcome, Profile, ProfileRun, open_profile
from .table import elide, render

COLUMNS = 72  # of the line over time
LEVELS = " .:-=+*#%@"


def profile(path: Path, top: int, as_json: bool) -> int:
    """Print every policy's profile; exit code 0."""
    run = open_profile(path)
    if as_json:
        emit(to_json(document(run, top)))
        return EXIT_DONE
    text = [f"{run.target}, {run.cpu_model}: exits of {run.image}, in {run.unit}"]
    for outcome in run.outcomes:
        text += ["", *lines(outcome, top, run.unit)]
    emit("\n".join(elide(line, len(line)) for line in text))
    return EXIT_DONE


def percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def summary(profile_of: Profile, unit: str) -> list[str]:
    run_time = profile_of.run_time
    text = [f"{profile_of.exits} exits in {run_time} {unit}: the guest had "
            f"{percent(profile_of.share(profile_of.guest))} of them, the core "
            f"{percent(profile_of.share(profile_of.host))}",
            f"(not in these: {profile_of.folding} for making this profile, {profile_of.polls} "
            "looks at whether to end)"]
    waits, ticks = profile_of.waiting
    if waits:
        text.append(f"{waits} exits, {percent(profile_of.share(ticks))} of that time, were rounds "
                    "of loops that wait")
    for count, what in ((profile_of.lost, "exits were lost"),
                        (profile_of.out_of_order, "exits had time stamps that do not follow one "
                                                  "another, and are not counted"),
                        (profile_of.details_lost, "exits found no room in the list of details"),
                        (profile_of.addresses_lost, "exits found no room in that of addresses")):
        if count:
            text.append(f"{count} {what}")
    return text


def table(title: str, entries: list[Entry], profile_of: Profile, top: int) -> list[str]:
    """By time; the rest as one line."""
    rows = [_row(f"{profile_of.names[entry.reason]}{': ' if entry.what else ''}{entry.what}",
                 entry.count, entry.ticks, profile_of) for entry in entries[:top]]
    rest = entries[top:]
    if rest:
        rows.append(_row(f"{len(rest)} others", sum(entry.count for entry in rest),
                         sum(entry.ticks for entry in rest), profile_of))
    return render([("", [title]), ("", ["exits", "ticks", "each", "of run time"])], rows)


def _row(name: str, count: int, ticks: int, profile_of: Profile) -> list[str]:
    each = f"{ticks / count:.0f}" if count else "-"
    return [name, str(count), str(ticks), each, percent(profile_of.share(ticks))]


def over_time(profile_of: Profile) -> list[str]:
    """A line a reason, darker where it took more of the core's time; the busiest reasons."""
    columns = max((len(ticks) for _, ticks in profile_of.over_time.values()), default=0)
    if not columns:
        return []
    span = -(-columns // COLUMNS)
    text = [f"over time, {columns * profile_of.width} ticks from left to right; @: all of it, "
            "the core's time by reason"]
    for entry in profile_of.reasons[:6]:
        _, ticks = profile_of.over_time.get(entry.reason, ([], []))
        cells = [sum(ticks[at:at + span]) / (span * profile_of.width)
                 for at in range(0, columns, span)]
        line = "".join(LEVELS[_level(share)] for share in cells)
        text.append(f"  {profile_of.names[entry.reason][:20]:20} |{line}|")
    return text


def _level(share: float) -> int:
    """Anything at all is to be seen."""
    return min(len(LEVELS) - 1, math.ceil(share * (len(LEVELS) - 1)))


def lines(outcome: Outcome, top: int, unit: str) -> list[str]:
    memory = f", {outcome.memory / 1048576:.0f} MiB" if outcome.memory else ""
    text = [f"{outcome.policy}: {outcome.kind or 'not loaded'}{memory}; {outcome.reason}"]
    found = outcome.profile
    if not found:
        return text + ["no profile"]
    text += summary(found, unit)
    if not found.reasons:
        return text
    text += ["", *table("exit reason", found.reasons, found, top)]
    text += ["", *table("what was accessed", [entry for entry in found.details if entry.what],
                        found, top)]
    text += ["", *table("guest RIP", found.addresses, found, top)]
    return text + ["", *over_time(found)]


def document(run: ProfileRun, top: int) -> dict:
    """The same as JSON."""
    def entries(of: list[Entry], names: dict[int, str]) -> list[dict]:
        return [{"reason": names[entry.reason], "what": entry.what} | entry.costs
                for entry in of[:top]]

    def one(found: Profile) -> dict:
        return {"exits": found.exits, "run_time": found.run_time, "guest": found.guest,
                "host": found.host, "folding": found.folding,
                "waiting": dict(zip(("exits", "ticks"), found.waiting)),
                "reasons": entries(found.reasons, found.names),
                "details": entries(found.details, found.names),
                "addresses": entries(found.addresses, found.names)}

    return {"schema": "exitmeter.profile-summary/1", "run": str(run.path), "unit": run.unit,
            "profiles": [{"policy": outcome.policy, "status": outcome.status,
                          "ended": outcome.ended, "reason": outcome.reason,
                          "profile": one(outcome.profile) if outcome.profile else None}
                         for outcome in run.outcomes]}
