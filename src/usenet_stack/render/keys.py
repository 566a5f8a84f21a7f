"""Keys: the masked list, one in clear, and what a rotation did."""

from collections.abc import Sequence
from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import counted

_ACCEPTED = {
    "accepted": ("yes", "green"),
    "refused": ("no", "bold red"),
    "setup": ("not set up", "yellow"),
    "silent": ("no answer", "yellow"),
    "none": ("-", "dim"),
}
_OUTCOMES = {
    "rotated": "green",
    "made": "green",
    "rolled back": "bold red",
    "stuck": "bold red",
    "not changed": "yellow",
    "skipped": "dim",
}


def show_keys(data: dict[str, Any], screen: Screen) -> None:
    """Print the table of `usenet keys list`."""
    rows = data["keys"]
    if not rows:
        screen.line("No service has a key.")
        return
    columns = [
        Column("Service", fixed=True),
        Column("Key", fixed=True),
        Column("Accepted", fixed=True),
        Column("Since", fixed=True),
        Column("Held by"),
    ]
    screen.table(columns, [_row(row) for row in rows])
    _summary(rows, screen)
    _remarks(rows, screen)
    if screen.verbose:
        _details(rows, screen)


def _row(row: dict[str, Any]) -> list[str | Cell]:
    accepted = Cell(*_ACCEPTED[row["accepted"]])
    names = dict.fromkeys(each["service"] for each in row["holders"] or ())
    unknown = row["holders"] is None
    return [
        row["service"],
        row["masked"] or "-",
        accepted,
        (row["changed_at"] or "-")[:10],
        "?" if unknown else ", ".join(names) or "-",
    ]


def _summary(rows: list[dict[str, Any]], screen: Screen) -> None:
    good = sum(row["accepted"] == "accepted" for row in rows)
    screen.line()
    there = sum(bool(row["masked"]) for row in rows)
    screen.line(f"{counted(there, 'key')}: {good} accepted")


def _remarks(rows: list[dict[str, Any]], screen: Screen) -> None:
    for row in rows:
        name = row["service"]
        if row["agrees"] is False:
            screen.line(f"{name}: what it runs with differs from .env")
        elif row["accepted"] == "refused":
            screen.line(f"{name}: it does not accept the key in .env")
        elif row["where"] != "api" and not row["masked"]:
            screen.line(f"{name}: .env has no key for it")
        elif row["accepted"] == "silent":
            screen.line(f"{name}: {row['reason']}")
        if row["fix"]:
            screen.line(f"  fix: {row['fix']}")


def _details(rows: list[dict[str, Any]], screen: Screen) -> None:
    branches: dict[str, Sequence[str]] = {}
    for row in rows:
        place = f" ({row['where']}: {row['place']})" if row["place"] else ""
        title = f"{row['service']}: {row['name'] or 'not in .env'}{place}"
        held = [f"{h['service']}: {h['title']}" for h in row["holders"] or ()]
        branches[title] = held
    screen.line()
    screen.tree("Where they are", branches)


def show_key(data: dict[str, Any], screen: Screen) -> None:
    """Print a key and nothing else, for a pipe."""
    screen.exact(data["value"])


def show_rotation(data: dict[str, Any], screen: Screen) -> None:
    """Print what a rotation did, one line for each service."""
    screen.table(
        [
            Column("Service", fixed=True),
            Column("Outcome", fixed=True),
            Column("Told"),
        ],
        [
            [
                row["service"],
                Cell(row["outcome"], _OUTCOMES[row["outcome"]]),
                ", ".join(row["told"]) or row["reason"] or "nobody",
            ]
            for row in data["rotated"]
        ],
    )
    if screen.verbose:
        for row in data["rotated"]:
            for place in row["places"]:
                screen.line(f"{row['service']}: {place}")
