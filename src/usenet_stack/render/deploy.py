"""What a deploy brought up, where it is, and what to do next."""

from typing import Any

from usenet_stack.render.hardware import show_hardware
from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.services import STATES
from usenet_stack.render.storage import show_pool
from usenet_stack.render.units import counted

_WELL = ("ready", "timer")


def show_deploy(data: dict[str, Any], screen: Screen) -> None:
    """Print the summary of `usenet deploy`, or of the part asked for."""
    if "hardware" in data:
        show_hardware(data, screen)
    elif "pool" in data:
        show_pool(data, screen)
    else:
        _summary(data, screen)


def _summary(data: dict[str, Any], screen: Screen) -> None:
    rows = data.get("services", [])
    ready = sum(row["state"] in _WELL for row in rows)
    if data.get("changed") == 0 and ready == len(rows) and not screen.verbose:
        screen.line(
            f"{ready} of {counted(len(rows), 'service')} ready; nothing had "
            "to change.",
            "green",
        )
        return
    if not screen.quiet:
        columns = [
            Column("Service", fixed=True),
            Column("State", fixed=True),
            Column("Address"),
        ]
        screen.table(columns, [_row(row) for row in rows])
        screen.line()
    screen.line(
        f"{ready} of {counted(len(rows), 'service')} ready.",
        "green" if ready == len(rows) else "yellow",
    )
    if not screen.quiet:
        _where(data, rows, screen)


def _row(row: dict[str, Any]) -> list[str | Cell]:
    mark = " (simulated)" if row.get("simulated") else ""
    state = row["state"]
    return [
        row["name"] + mark,
        Cell(state, STATES.get(state, "")),
        row.get("url") or "-",
    ]


def _where(
    data: dict[str, Any], rows: list[dict[str, Any]], screen: Screen
) -> None:
    titles = (("Stack", "stack"), ("Passwords", "credentials"))
    facts = [(title, data[key]) for title, key in titles if data.get(key)]
    if data.get("changed") == 0:
        facts.append(("Changed", "nothing: all was as it should be"))
    screen.line()
    screen.facts(facts)
    failed = [row["name"] for row in rows if row["state"] not in _WELL]
    screen.line()
    screen.heading("Next")
    if failed:
        screen.exact(f"  usenet services logs {failed[0]}")
    screen.exact("  usenet services list")
    screen.exact("  usenet help services")


def show_destroy(data: dict[str, Any], screen: Screen) -> None:
    """Print what `usenet destroy` took away and what it left."""
    removed = data["removed"]
    screen.line(f"{counted(len(removed), 'service')} removed.")
    if screen.verbose:
        for name in removed:
            screen.line(f"  {name}")
    for path in data["kept"]:
        screen.exact(f"Kept: {path}")
    if not screen.quiet:
        screen.exact(f"To bring it back: {data['deploy']}")
