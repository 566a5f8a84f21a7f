"""A full-screen picker: what it shows and what each key does.

Plain escape sequences, so that it works over any ssh and needs no terminal
database; the loop that reads keys is in `keyboard`.
"""

from typing import NamedTuple

from usenet_stack.render.terminal import printable

NARROWEST, LOWEST = 40, 8
_REVERSE, _BOLD, _DIM, _PLAIN = "\x1b[7m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
# Title, headings; the reason, the sum and the keys at the foot.
_AROUND = 6

KEYS = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "k": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "j": "down",
    "\x1b[H": "first",
    "\x1b[1~": "first",
    "g": "first",
    "\x1b[F": "last",
    "\x1b[4~": "last",
    "G": "last",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    " ": "mark",
    "\r": "apply",
    "\n": "apply",
    "q": "leave",
    "Q": "leave",
    "\x03": "leave",
}


class Line(NamedTuple):
    """One thing to choose.

    Args:
        cells: its columns: name first, then short ones.
        marked: whether it is chosen at first.
        why_not: why its mark cannot be changed, or "".
        note: what stands at the foot while the cursor is on it.
    """

    cells: tuple[str, ...]
    marked: bool
    why_not: str = ""
    note: str = ""


class Picker:
    """The state of the screen: cursor, marks, first line shown.

    Args:
        title: its first line. `headings`: of the cells' columns.
        lines: at least one.
    """

    def __init__(
        self, title: str, headings: tuple[str, ...], lines: list[Line]
    ) -> None:
        self.marks = [line.marked for line in lines]
        self.cursor = 0
        self.said = ""
        self._title = title
        self._headings = headings
        self._lines = lines
        self._top = 0

    def press(self, key: str, height: int) -> str:
        """Take a key; return "apply" or "leave" when that ends it, else ""."""
        meant = KEYS.get(key, "")
        self.said = ""
        if meant in ("apply", "leave"):
            return meant
        page = max(1, height - _AROUND)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page}
        ends = {"first": 0, "last": len(self._lines) - 1}
        if meant == "mark":
            self._mark()
        else:
            wanted = ends.get(meant, self.cursor + steps.get(meant, 0))
            self.cursor = max(0, min(wanted, len(self._lines) - 1))
        return ""

    def _mark(self) -> None:
        line = self._lines[self.cursor]
        if line.why_not:
            self.said = f"Cannot be chosen: {line.why_not}."
        else:
            self.marks[self.cursor] = not self.marks[self.cursor]

    def paint(self, width: int, height: int) -> list[str]:
        """Return the lines of the screen, with styles, none too long."""
        room = max(1, height - _AROUND)
        # The cursor stays on the screen, whatever its size has become.
        self._top = min(self._top, self.cursor)
        self._top = max(self._top, self.cursor - room + 1)
        shown = range(self._top, min(self._top + room, len(self._lines)))
        widths = self._widths(width)
        head = self._row("    ", self._headings, widths, width)
        rows = [self._painted(number, widths, width) for number in shown]
        rows += [""] * (room - len(rows))
        above, below = self._top, len(self._lines) - self._top - len(shown)
        more = " ".join(
            text
            for text, there in (
                (f"{above} above", above),
                (f"{below} below", below),
            )
            if there
        )
        return [
            f"{_BOLD}{fit(self._title, width)}{_PLAIN}",
            f"{_BOLD}{head}{_PLAIN}",
            *rows,
            f"{_DIM}{fit(more, width)}{_PLAIN}",
            fit(self._foot(), width),
            fit(self._sum(), width),
            _keys_line(width),
        ]

    def _foot(self) -> str:
        line = self._lines[self.cursor]
        reason = f"Cannot be chosen: {line.why_not}." if line.why_not else ""
        return self.said or reason or line.note

    def _sum(self) -> str:
        pairs = list(zip(self._lines, self.marks, strict=True))
        more = sum(mark and not line.marked for line, mark in pairs)
        less = sum(line.marked and not mark for line, mark in pairs)
        return f"{more} to add, {less} to remove" if more or less else ""

    def _widths(self, width: int) -> list[int]:
        """Return the columns' widths; the first one gives way."""
        rows = [self._headings, *(line.cells for line in self._lines)]
        columns = range(len(self._headings))
        wanted = [
            max(cell_width(printable(row[number])) for row in rows)
            for number in columns
        ]
        rest = [min(14, each) for each in wanted[1:]]
        left = width - 4 - sum(rest) - 2 * len(rest)
        while left < 12 and rest:
            left += rest.pop() + 2
        return [max(1, min(wanted[0], left)), *rest]

    def _row(
        self, mark: str, cells: tuple[str, ...], widths: list[int], width: int
    ) -> str:
        pairs = zip(cells, widths, strict=False)
        # Of a path, its end tells more than its beginning.
        texts = [
            fit(cell, each, keep_end=number == 0)
            for number, (cell, each) in enumerate(pairs)
        ]
        return fit(mark + "  ".join(texts), width)

    def _painted(self, number: int, widths: list[int], width: int) -> str:
        line, mark = self._lines[number], self.marks[number]
        box = "[x] " if mark else "[ ] "
        if line.why_not:
            box = "[x] " if mark else " -  "
        text = self._row(box, line.cells, widths, width)
        style = _REVERSE if number == self.cursor else ""
        style += _DIM if line.why_not else ""
        return f"{style}{text}{_PLAIN}" if style else text


def _keys_line(width: int) -> str:
    keys = "space marks  enter applies  q leaves  arrows or j k move"
    return f"{_DIM}{fit(keys, width)}{_PLAIN}"


def fit(text: str, width: int, *, keep_end: bool = False) -> str:
    """Return text of exactly this many columns; names may hold anything."""
    from rich.cells import set_cell_size

    safe = printable(text).replace("\n", "\N{REPLACEMENT CHARACTER}")
    safe = safe.replace("\t", " ")
    if cell_width(safe) <= width or width < 2:
        return set_cell_size(safe, width)
    if not keep_end:
        return set_cell_size(safe, width - 1) + "\N{HORIZONTAL ELLIPSIS}"
    while cell_width(safe) > width - 1:
        safe = safe[1:]
    return set_cell_size(f"\N{HORIZONTAL ELLIPSIS}{safe}", width)


def cell_width(text: str) -> int:
    """Return how many columns a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
