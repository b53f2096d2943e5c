"""The table: ``results/perf.json`` holds what was measured, ``results/perf.md`` shows it."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from harness import LINES, Line, ratio

#: A ratio is clearly below the committed one when even its best round is below this share of it,
#: and below the line's goal: ratios differ between processors, some threefold.
TOLERATED = 0.5

HEAD = """\
# Speed, side by side

`make perf`, or some lines of it with `python benchmarks/perf --only 'hd95*'` (`--quick`: the lines
that guard against regressions). Both sides get the same inputs and one thread, unless the line
says otherwise, and take turns; their results are compared before anything is timed. Times are of
processor time (user and system, of all processes that the side starts), which other work on the
machine disturbs less than the clock. *Ratio*: the peer's time by ours, the median of the rounds,
with the least and the largest. *Limit*: how near this is to what one core of the machine does at
most, as measured here.
"""


def load(path: Path) -> dict[str, Any]:
    """Read ``perf.json``; an empty table where there is none."""
    if not path.is_file():
        return {"lines": {}}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def save(table: dict[str, Any], path: Path) -> None:
    """Write ``perf.json``, and ``perf.md`` beside it."""
    order = {name: place for place, name in enumerate(LINES)}
    kept = sorted((n for n in table["lines"] if n in order), key=order.__getitem__)
    table = {**table, "lines": {name: table["lines"][name] for name in kept}}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(markdown(table))


def markdown(table: dict[str, Any]) -> str:
    """Return the table as a page."""
    usual = table.get("machine", "unknown")
    rows = [HEAD, f"Machine: {usual}, unless a note says otherwise.\n"]
    rows.append("| what | beside | results | ours | ratio | goal | limit |")
    rows.append("|---|---|---|---|---|---|---|")
    rows += [_row(LINES[name], found) for name, found in table["lines"].items()]
    notes = [f"- **{n}**: {f['note']}" for n, f in table["lines"].items() if f.get("note")]
    others: dict[str, list[str]] = {}
    for name, found in table["lines"].items():
        if "ours" in found and found.get("machine", usual) != usual:
            others.setdefault(found["machine"], []).append(name)
    notes += [f"- Measured on {where}: {', '.join(names)}." for where, names in others.items()]
    causes = [
        f"- **{name}**: {LINES[name].why}"
        for name, found in table["lines"].items()
        if "missed" in goal(LINES[name], found) and LINES[name].why
    ]
    if causes:
        rows += ["", "Why goals are missed:", "", *causes]
    missing = [name for name in LINES if name not in table["lines"]]
    if missing:
        rows += ["", f"Not measured here yet: {'; '.join(missing)}."]
    if notes:
        rows += ["", "Notes:", "", *notes]
    return "\n".join(rows) + "\n"


def _row(about: Line, found: dict[str, Any]) -> str:
    peer = about.peer + (f" {found['version']}" if found.get("version") else "")
    if "ours" not in found:
        return f"| {about.name} | {peer} | not measured: {absent(found)} | | | | |"
    what = f"**{about.name}**: {found['inputs']}"
    if about.threads > 1:
        what += f"; {about.threads} threads in all"
    cells = [what, peer or "–", found["equal"], said(found), shown(found), goal(about, found)]
    return "| " + " | ".join([*cells, found["limit"]]).replace("\n", " ") + " |"


def absent(found: dict[str, Any]) -> str:
    """Say why a line has no numbers."""
    if "missing" in found:
        return f"{found['missing']} is not installed here"
    return str(found.get("failed") or found["lacking"])


def said(found: dict[str, Any]) -> str:
    """Say how long we take."""
    middle = statistics.median(found["ours"])
    return f"{middle:.2f} s" if middle >= 1 else f"{1000 * middle:.3g} ms"


def shown(found: dict[str, Any]) -> str:
    """Say how many times as fast we are."""
    times = ratio(found)
    if times is None:
        return ""
    return f"**{times[0]:.3g} ×** ({times[1]:.3g} to {times[2]:.3g}, n = {len(found['ours'])})"


def goal(about: Line, found: dict[str, Any]) -> str:
    """Say whether a goal is met."""
    if about.goal is None or "ours" not in found:
        return ""
    times = ratio(found)
    if times is None:
        met = statistics.median(found["ours"]) <= about.goal
        return f"≤ {about.goal:g} s: {'met' if met else '**missed**'}"
    return f"≥ {about.goal:g} ×: {'met' if times[0] >= about.goal else '**missed**'}"


def fallen(table: dict[str, Any], committed: dict[str, Any]) -> list[str]:
    """Return a sentence for each line whose ratio fell clearly below the committed one.

    Absolute times are never compared: only how many times as fast as its peer a line is. Its best
    round counts, so that one that other work disturbed fails nothing.
    """
    found = []
    for name, new in table["lines"].items():
        old = committed["lines"].get(name, {})
        if "failed" in new:
            found.append(f"{name}: {new['failed']}")
            continue
        if not old.get("peer") or not new.get("peer"):
            continue
        (was, _, _), (now, _, best) = ratio(old) or (0, 0, 0), ratio(new) or (0, 0, 0)
        goal = LINES[name].goal if name in LINES else None
        if best < min(TOLERATED * was, was if goal is None else goal):
            found.append(f"{name}: {now:.3g} × its peer's speed, {was:.3g} × is committed")
    return found
