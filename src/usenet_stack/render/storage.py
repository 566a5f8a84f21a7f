"""Drives and the media pool."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import share, size

_STATES = {"mounted": "green", "away": "yellow", "not answering": "bold red"}


def show_drives(data: dict[str, Any], screen: Screen) -> None:
    """Print the table of `usenet storage list`."""
    rows = data["drives"]
    if not rows:
        screen.line("No drive that could hold media is mounted.")
        return
    columns = [
        Column("Mounted at"),
        Column("Device"),
        Column("Type", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Free", "right", fixed=True),
        Column("Pool"),
        Column("Remarks"),
    ]
    screen.table(columns, [_drive(row) for row in rows])


def _drive(row: dict[str, Any]) -> list[str | Cell]:
    remarks = [] if row["state"] == "mounted" else [row["state"]]
    remarks += ["read-only"] if row["read_only"] else []
    remarks += ["portable"] if row["portable"] else []
    remarks += ["system"] if row["system"] else []
    kind = f"{row['medium']} {row['fstype']}".strip()
    return [
        row["mountpoint"] or "-",
        row["source"],
        kind,
        _amount(row["size"]),
        _amount(row["free"]),
        row["pool"] or "-",
        Cell(", ".join(remarks), _STATES.get(row["state"], "")),
    ]


def _amount(count: int | None) -> str:
    return "-" if count is None else size(count)


def show_pool(data: dict[str, Any], screen: Screen) -> None:
    """Print the pool and its drives."""
    pool = data["pool"]
    rows = data["drives"]
    facts = [("Pool", pool["path"]), ("Layout", pool["layout"])]
    if rows:
        facts.append(("Free", size(pool["free"])))
    screen.facts(facts)
    screen.line()
    if not rows:
        screen.line("The pool has no drive.")
        screen.exact("To add one: usenet storage add PATH")
        return
    columns = [
        Column("Drive"),
        Column("State", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Used", "right", fixed=True),
        Column("Free", "right", fixed=True),
        Column("From"),
    ]
    screen.table(columns, [_pool_drive(row) for row in rows])


def _pool_drive(row: dict[str, Any]) -> list[str | Cell]:
    used = row["used"]
    whole = row["size"]
    return [
        row["name"],
        Cell(row["state"], _STATES.get(row["state"], "")),
        _amount(whole),
        "-" if used is None or not whole else share(used, whole),
        _amount(row["free"]),
        row["source"],
    ]


def show_change(data: dict[str, Any], screen: Screen) -> None:
    """Print what joined or left the pool, and the pool as it is now."""
    if data.get("added"):
        screen.line(f"{data['added']} is in the pool.", "green")
    if data.get("removed"):
        screen.line(f"{data['removed']} has left the pool.", "green")
    if not screen.quiet:
        screen.line()
        show_pool(data, screen)
