"""The rows of `usenet services list`, laid out to the column.

Own code and not rich, which alone would cost more than the whole answer
from the snapshot may.
"""

import time
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from usenet_stack.render.ansi import paint
from usenet_stack.render.figures import clauses, fitted
from usenet_stack.render.terminal import printable

Row = dict[str, Any]

STATES = {
    "ready": "green",
    "starting": "yellow",
    "degraded": "yellow",
    "down": "bold red",
    "stopped": "dim",
    "timer": "green",
    "unknown": "yellow",
}
TROUBLED = ("degraded", "down", "unknown", "starting")
# Each state has a shape as well as a word and a colour; see `Look.mark`.
_MARKS = {
    "ready": ("●", "+"),
    "starting": ("◐", "~"),
    "degraded": ("▲", "!"),
    "down": ("✗", "x"),
    "stopped": ("○", "-"),
    "timer": ("◷", "@"),
    "unknown": ("?", "?"),
}
_TICKS = {
    "ok": ("✓", "ok", "green"),
    "refused": ("✗", "no", "bold red"),
    "failing": ("✗", "no", "bold red"),
}
_DETAILS = "Details"
_TITLES = ("", "Name", "Port", "State", "Mem", "CPU", "API")
_RIGHT = (2, 4, 5)
_INDENT = " "
_UNDER = 4
# What a narrow screen does without, first to last.
_SPARE = (6, 5, 4, 2)
WITH_ADDRESS = 100
_LEAST_DETAILS = 24


class Look(NamedTuple):
    """How rows are laid out.

    Args:
        width: columns to fill, never exceeded.
        unicode: whether more than ASCII can be shown.
        verbose: 1 tells the reasons of healthy services too.
        now: seconds since 1970; None is now.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True
    verbose: int = 0
    quiet: bool = False
    now: float | None = None

    def mark(self, state: str) -> str:
        """Return the symbol of a state."""
        marks = _MARKS.get(state, ("?", "?"))
        return marks[0] if self.unicode else marks[1]

    def paint(self, text: str, style: str) -> str:
        """Return text in a style, where there are colours."""
        return paint(text, style, self.colour)

    def cut(self, text: str, width: int) -> str:
        """Return text that is at most so wide."""
        if len(text) <= width:
            return text
        dots = "…" if self.unicode else "..."
        return (text[: max(0, width - len(dots))] + dots)[:width]

    def plain(self, text: str) -> str:
        """Return foreign text, as far as it can be shown."""
        shown = printable(text)
        if self.unicode:
            return shown
        shown = shown.replace("…", "...")
        return shown.encode("ascii", "replace").decode()


def service_lines(data: dict[str, Any], look: Look) -> list[str]:
    """Return the lines of `usenet services list`."""
    rows: list[Row] = data["services"]
    if not rows:
        return ["No service."]
    table = _Table(rows, look)
    lines = [table.heading()]
    for group in data["groups"]:
        lines.append(_group(group, look))
        for row in rows:
            if row["group"] == group["name"]:
                lines += [table.line(row), *_reason(row, look)]
    if look.quiet:
        return lines
    return [*lines, "", *_foot(data, look)]


class _Table:
    """Columns as wide as their widest cell, and details in what is left."""

    def __init__(self, rows: Sequence[Row], look: Look) -> None:
        self.look = look
        self.now = time.time() if look.now is None else look.now
        cells = [self._cells(row) for row in rows]
        lengths = [[*map(len, cell)] for cell in [*cells, _TITLES]]
        self.widths: list[int] = [
            max(column) for column in zip(*lengths, strict=True)
        ]
        self.shown = list(range(len(_TITLES)))
        for spare in _SPARE:
            if self._used() > look.width:
                self.shown.remove(spare)
        # On the narrowest of screens a name is cut.
        self.widths[1] -= max(0, self._used() - look.width)
        left = look.width - self._used() - 1
        self.address: int = 0
        if look.width >= WITH_ADDRESS:
            longest = max(len(row["url"] or "-") for row in rows)
            if left - longest - 1 >= _LEAST_DETAILS:
                self.address = longest
        self.details = left - (self.address and self.address + 1)

    def _used(self) -> int:
        columns = [self.widths[each] for each in self.shown]
        return len(_INDENT) + sum(columns) + len(columns) - 1

    def _cells(self, row: Row) -> list[str]:
        look = self.look
        memory, share = row["memory_bytes"], row["cpu_percent"]
        tick = _TICKS.get(row["api"], ("-", "-", ""))
        return [
            look.mark(row["state"]),
            look.plain(row["name"]),
            str(row["port"] or "-"),
            row["state"].capitalize(),
            "-" if memory is None else amount(memory),
            "-" if share is None else f"{share:.{int(share < 99.95)}f}%",
            tick[0] if look.unicode else tick[1],
        ]

    def heading(self) -> str:
        """Return the titles of the columns."""
        cells = self._aligned(_TITLES)
        if self.address:
            cells.append("Address".ljust(self.address))
        if self.details >= len(_DETAILS):
            cells.append(_DETAILS)
        text = _INDENT + " ".join(cells)
        return self.look.paint(text.rstrip(), "dim")

    def line(self, row: Row) -> str:
        """Return the line of one service."""
        cells = self._aligned(self._cells(row))
        style = STATES.get(row["state"], "")
        tick = _TICKS.get(row["api"], ("", "", "dim"))[2]
        styles = {0: style, 3: style, 6: tick}
        painted = [
            self.look.paint(cell, styles.get(each, ""))
            for each, cell in zip(self.shown, cells, strict=True)
        ]
        if self.address:
            painted.append((row["url"] or "-").ljust(self.address))
        if self.details > 0:
            painted.append(self._details(row))
        return (_INDENT + " ".join(painted)).rstrip()

    def _aligned(self, cells: Sequence[str]) -> list[str]:
        return [
            self.look.cut(cells[each], self.widths[each]).rjust(
                self.widths[each]
            )
            if each in _RIGHT
            else self.look.cut(cells[each], self.widths[each]).ljust(
                self.widths[each]
            )
            for each in self.shown
        ]

    def _details(self, row: Row) -> str:
        found = clauses(row["figures"], self.now)
        if row["api"] == "setup":
            found = ["setup pending"]
        if self.address and row["drives"]:
            count = len(row["drives"])
            found.append(f"{count} drive{'' if count == 1 else 's'}")
        shown = [self.look.plain(clause) for clause in found]
        cut = self.look.cut
        return fitted(shown, self.details, lambda t: cut(t, self.details))


def amount(count: float) -> str:
    """Return bytes as one short word: "63M", "1.4G"; binary units."""
    value, unit = count / 1024, 0
    while value >= 999.5 and unit < 3:
        value, unit = value / 1024, unit + 1
    number = f"{value:.1f}" if value < 9.95 and unit > 1 else f"{value:.0f}"
    return f"{number}{'KMGT'[unit]}"


def _group(group: dict[str, Any], look: Look) -> str:
    well, count = group["healthy"], group["services"]
    text = f"{group['name'].capitalize()} ({well}/{count} healthy)"
    return look.paint(text, "bold" if well == count else "yellow")


def _reason(row: Row, look: Look) -> Iterator[str]:
    told = look.verbose or row["state"] in TROUBLED
    if not (row["reason"] and told):
        return
    room = max(20, look.width - _UNDER)
    for line in wrap(look.plain(row["reason"]), room):
        yield " " * _UNDER + look.paint(line, STATES.get(row["state"], ""))


def _foot(data: dict[str, Any], look: Look) -> Iterator[str]:
    totals, rows = data["totals"], data["services"]
    yield from wrap(f"{_counts(totals)}. {_used(totals)}", look.width)
    for row in rows:
        if row["deprecated"]:
            then = row["replacement"]
            text = f"{row['name']} is retired upstream"
            more = f"; {then} takes its place." if then else "."
            yield from wrap(look.plain(text + more), look.width)
    if all(row["simulated"] for row in rows):
        yield "The applications are simulated: this is a sandbox."
    if data["age_seconds"]:
        age = f"{data['age_seconds']:.0f} s ago; --fresh asks anew."
        yield look.paint(f"Seen {age}", "dim")


def _counts(totals: dict[str, Any]) -> str:
    count, well = totals["services"], totals["healthy"]
    parts = [f"{count} service{'' if count == 1 else 's'}", f"{well} healthy"]
    parts += [
        f"{number} {state}"
        for state, number in totals["states"].items()
        if state not in ("ready", "timer")
    ]
    return ", ".join(parts)


def _used(totals: dict[str, Any]) -> str:
    parts = []
    if totals["memory_bytes"]:
        parts.append(f"memory {amount(totals['memory_bytes'])}")
    if totals["cpu_percent"] is not None:
        parts.append(f"CPU {totals['cpu_percent']:.1f}%")
    names = totals["drives"]
    parts.append(f"drives: {', '.join(names)}" if names else "no drives")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
