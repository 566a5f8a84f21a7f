"""Lays out a page of help: headings, paragraphs, lists of two columns.

Own code and not rich, which alone would cost more than the whole page may.
"""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import NamedTuple

INDENT = "  "
_BOLD, _PLAIN = "\033[1m", "\033[0m"
_CYAN = "\033[36m"


class Style(NamedTuple):
    """How a page is laid out: its width in columns, and whether in colour."""

    width: int = 80
    colour: bool = False

    def heading(self, text: str) -> str:
        """Return a heading."""
        return f"{_BOLD}{text}{_PLAIN}" if self.colour else text

    def term(self, text: str) -> str:
        """Return a word that the reader can type."""
        return f"{_CYAN}{text}{_PLAIN}" if self.colour else text


def headline(text: str, style: Style) -> list[str]:
    """Return the first lines of a page."""
    return [style.heading(line) for line in wrap(text, style.width)]


def paragraphs(text: str, style: Style) -> list[str]:
    """Return wrapped paragraphs, one empty line between them."""
    lines: list[str] = []
    for block in text.strip().split("\n\n"):
        lines += ["", *wrap(" ".join(block.split()), style.width)]
    return lines[1:]


def section(title: str, body: Iterable[str], style: Style) -> list[str]:
    """Return a heading and its indented lines, or nothing without lines."""
    lines = [INDENT + line if line else "" for line in body]
    return ["", style.heading(title), *lines] if lines else []


def pairs(
    rows: Sequence[tuple[str, str]], style: Style, column: int = 0
) -> list[str]:
    """Return terms and their explanations in two columns.

    Args:
        rows: (term, explanation).
        style: its width includes the indentation that `section` adds.
        column: width of the first column; 0 fits it to the terms.
    """
    left = column or max((len(term) for term, _ in rows), default=0)
    left = min(left, 28)
    room = style.width - left - 2 - len(INDENT)
    lines: list[str] = []
    for term, text in rows:
        shown = style.term(term) + " " * (left - len(term))
        first, *more = wrap(text, room) or [""]
        if len(term) > left:
            lines.append(style.term(term))
            shown = " " * left
        lines.append(f"{shown}  {first}".rstrip())
        lines += [" " * (left + 2) + line for line in more]
    return lines


def remarks(rows: Sequence[tuple[str, str]], style: Style) -> list[str]:
    """Return commands, each with its explanation on the lines below."""
    lines: list[str] = []
    for term, text in rows:
        lines.append(style.term(term))
        room = style.width - 3 * len(INDENT)
        lines += [INDENT * 2 + line for line in wrap(text, room)]
    return lines


def told(rows: Sequence[tuple[str, str]], style: Style) -> list[str]:
    """Return sentences, each with the command that mends it below."""
    lines: list[str] = []
    for text, mend in rows:
        lines += wrap(text, style.width - len(INDENT))
        lines.append(INDENT * 2 + style.term(mend))
    return lines
