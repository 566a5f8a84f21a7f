"""The services: their states, and what starting and stopping did."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.service_rows import STATES, Look, service_lines

__all__ = ["STATES", "look_of", "show_change", "show_services"]


def show_services(data: dict[str, Any], screen: Screen) -> None:
    """Print the tree of `usenet services list`."""
    screen.drawn(service_lines(data, look_of(screen)))


def look_of(screen: Screen) -> Look:
    """Return how rows are laid out on a screen."""
    return Look(
        screen.width,
        screen.colour,
        screen.unicode,
        screen.verbose,
        screen.quiet,
    )


def show_change(data: dict[str, Any], screen: Screen) -> None:
    """Print what start, stop or restart did, one line for each service."""
    rows = data.get("services", [])
    screen.table(
        [Column("Name", fixed=True), Column("State", fixed=True), Column("")],
        [
            [
                row["name"],
                Cell(row["state"], STATES.get(row["state"], "")),
                row.get("reason") or row.get("url") or "",
            ]
            for row in rows
        ],
    )
