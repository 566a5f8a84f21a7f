"""What an update would change, or has changed."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import counted

_STYLES = {
    "new": "bold yellow",
    "current": "green",
    "updated": "green",
    "rolled-back": "bold red",
    "refused": "bold red",
    "failed": "bold red",
    "unknown": "yellow",
}
_WORDS = {"rolled-back": "put back", "absent": "not deployed"}
DIGITS = 12
WITH_REFERENCE = 110
DAY = 24 * 60 * 60


def show_updates(data: dict[str, Any], screen: Screen) -> None:
    """Print the rows of `usenet services update`, or a plan."""
    if "plan" in data:
        from usenet_stack.render.plan import show_plan

        show_plan(data, screen)
        return
    rows = data["services"]
    if not rows:
        screen.line("No service.")
        return
    columns = [
        Column("Name", fixed=True),
        Column("Update", fixed=True),
        Column("Now", fixed=True),
        Column("Newest", fixed=True),
        Column("Age", "right", fixed=True),
        Column("Image"),
    ]
    # A reference is long: a narrow screen names those that matter below.
    shown = len(columns) if screen.width >= WITH_REFERENCE else -1
    screen.table(columns[:shown], [_row(row)[:shown] for row in rows])
    screen.line()
    _notes(rows, screen)
    _summary(data, screen)


def _row(row: dict[str, Any]) -> list[str | Cell]:
    word = row.get("outcome") or row["status"]
    return [
        row["name"],
        Cell(_WORDS.get(word, word), _STYLES.get(word, "")),
        _short(row["digest"]),
        _short(row["available"]),
        _age(row["age_seconds"]),
        _brief(row["reference"]),
    ]


def _brief(reference: str) -> str:
    name, at, digest = reference.partition("@")
    return f"{name}@{_short(digest)}" if at else name


def _short(digest: str) -> str:
    return digest.partition(":")[2][:DIGITS] or "-"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    days = int(seconds // DAY)
    return counted(days, "day") if days else "today"


def _notes(rows: list[dict[str, Any]], screen: Screen) -> None:
    # A whole sandbox, or all behind one registry, have the same to say.
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"]:
            reasons.setdefault(row["reason"], []).append(row["name"])
    for reason, names in reasons.items():
        screen.line(f"{', '.join(names)}: {reason}")
    for row in rows:
        name = row["name"]
        if row["deprecated"]:
            why = row["deprecated_reason"] or "retired by its project"
            then = row["replacement"]
            screen.line(f"{name}: {why}." + (f" Instead: {then}" * bool(then)))
        if row["status"] == "new":
            if screen.width < WITH_REFERENCE:
                screen.exact(f"{name}: image {row['reference']}")
            if row["changelog"]:
                screen.exact(f"{name}: what is new: {row['changelog']}")


def _summary(data: dict[str, Any], screen: Screen) -> None:
    rows = data["services"]
    if "journals" not in data:
        new = sum(row["status"] == "new" for row in rows)
        whole = counted(len(rows), "service")
        screen.line(f"{new or 'None'} of {whole} can be updated.")
        if new:
            screen.exact("  usenet services update --all")
        return
    done = sum(row["outcome"] == "updated" for row in rows)
    tried = sum(bool(row["outcome"]) for row in rows)
    if not tried:
        screen.line("Nothing was updated.")
        return
    style = "green" if done == tried else "yellow"
    screen.line(f"{done} of {counted(tried, 'service')} updated.", style)
    for identity in data["journals"] if screen.verbose else ():
        screen.exact(f"  usenet journal show {identity}")
