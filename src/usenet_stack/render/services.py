"""The services: their states, and what starting and stopping did."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import counted, size

WITH_ADDRESS = 100

STATES = {
    "ready": "green",
    "starting": "yellow",
    "degraded": "yellow",
    "down": "bold red",
    "stopped": "dim",
    "timer": "green",
    "unknown": "yellow",
}


def show_services(data: dict[str, Any], screen: Screen) -> None:
    """Print the table of `usenet services list`."""
    rows = data["services"]
    if not rows:
        screen.line("No service.")
        return
    columns = [
        Column("Name", fixed=True),
        Column("Group", fixed=True),
        Column("State", fixed=True),
        Column("Port", "right", fixed=True),
        Column("Memory", "right", fixed=True),
        Column("Address"),
    ]
    # The port stands in the address as well: a narrow screen shows one.
    shown = len(columns) if screen.width >= WITH_ADDRESS else -1
    screen.table(columns[:shown], [_row(row)[:shown] for row in rows])
    _summary(rows, screen)
    _reasons(rows, screen)


def _row(row: dict[str, Any]) -> list[str | Cell]:
    state = row["state"]
    mark = " (simulated)" if row.get("simulated") else ""
    memory = row.get("memory_bytes")
    return [
        row["name"] + mark,
        row["group"],
        Cell(state, STATES.get(state, "")),
        str(row.get("port") or "-"),
        size(memory) if memory else "-",
        row.get("url") or "-",
    ]


def _summary(rows: list[dict[str, Any]], screen: Screen) -> None:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    shown = ", ".join(f"{n} {state}" for state, n in counts.items())
    memory = sum(row.get("memory_bytes") or 0 for row in rows)
    total = f"; {size(memory)} of memory" if memory else ""
    screen.line()
    screen.line(f"{counted(len(rows), 'service')}: {shown}{total}")


def _reasons(rows: list[dict[str, Any]], screen: Screen) -> None:
    for row in rows:
        reason = row.get("reason")
        if reason and (screen.verbose or row["state"] in TROUBLED):
            screen.line(f"{row['name']}: {reason}")


TROUBLED = ("degraded", "down", "unknown", "starting")


def show_change(data: dict[str, Any], screen: Screen) -> None:
    """Print what start, stop or restart did, one line for each service."""
    rows = data.get("services", [])
    screen.table(
        [Column("Name", fixed=True), Column("State", fixed=True), Column("")],
        [
            [
                row["name"],
                Cell(row["state"], STATES.get(row["state"], "")),
                row.get("reason") or "",
            ]
            for row in rows
        ],
    )
