"""The table of `usenet services top`."""

from typing import Any

from usenet_stack.render.figures import per_second
from usenet_stack.render.screen import Screen
from usenet_stack.render.service_rows import STATES, Look, amount
from usenet_stack.render.services import look_of

Row = dict[str, Any]
_TITLES = ("Name", "State", "Mem", "CPU", "Down", "Up")


def show_top(data: dict[str, Any], screen: Screen) -> None:
    """Print one table."""
    screen.drawn(top_lines(data["services"], look_of(screen)))


def top_lines(rows: list[Row], look: Look) -> list[str]:
    """Return the table of what services use, and the sums below it."""
    cells = [_cells(row, look) for row in rows]
    total = ["", "", _memory(_sum(rows, "memory_bytes"))]
    total.append(_share(_sum(rows, "cpu_percent")))
    total += [_rate(_sum(rows, f"{way}_bytes_s")) for way in ("down", "up")]
    table = [list(_TITLES), *cells, total]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_line(row, widths, look) for row in table]
    for at, row in enumerate(rows, 1):
        style = STATES.get(row["state"], "")
        mark = look.paint(look.mark(row["state"]), style)
        lines[at] = f" {mark} {lines[at]}"
    heading = look.paint(f"   {lines[0]}", "dim")
    return [heading, *lines[1:-1], look.paint(f"   {lines[-1]}", "bold")]


def _cells(row: Row, look: Look) -> list[str]:
    return [
        look.plain(row["name"]),
        row["state"].capitalize(),
        _memory(row["memory_bytes"]),
        _share(row["cpu_percent"]),
        _rate(row["down_bytes_s"]),
        _rate(row["up_bytes_s"]),
    ]


def _line(cells: list[str], widths: list[int], look: Look) -> str:
    parts = [
        cell.ljust(width) if at < 2 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return look.cut("  ".join(parts).rstrip(), look.width - 3)


def _sum(rows: list[Row], key: str) -> float | None:
    known = [row[key] for row in rows if row[key] is not None]
    return sum(known) if known else None


def _memory(count: float | None) -> str:
    return "-" if count is None else amount(count)


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1f}%"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else per_second(rate)
