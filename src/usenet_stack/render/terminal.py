"""What the terminal at the other end can show: width, colour, symbols."""

import os
from collections.abc import Mapping
from typing import IO

NARROW = 80
PAGE = 100
WIDE = 120


def width_of(stream: IO[str], environ: Mapping[str, str], limit: int) -> int:
    """Return how many columns to fill.

    Args:
        stream: where the text goes; 80 columns when it is no terminal.
        environ: its COLUMNS overrules the terminal's own answer.
        limit: more than this is never used: long lines are hard to read.
    """
    columns = environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return max(40, min(int(columns), limit))
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = NARROW
    return max(40, min(found or NARROW, limit))


def wants_colour(
    stream: IO[str], environ: Mapping[str, str], no_color: bool
) -> bool:
    """Tell whether to colour: on a terminal, unless the user says no.

    Source: https://no-color.org (set and not empty means no).
    """
    if no_color or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def speaks_unicode(
    stream: IO[str], environ: Mapping[str, str] = os.environ
) -> bool:
    """Tell whether the stream can carry more than ASCII, and should.

    Args:
        environ: LC_ALL=C asks for ASCII, although Python would write UTF-8.
    """
    if environ.get("LC_ALL") in ("C", "POSIX"):
        return False
    encoding = (getattr(stream, "encoding", None) or "ascii").lower()
    return encoding.replace("-", "") in ("utf8", "utf16", "utf32")


def printable(text: str) -> str:
    """Return text from elsewhere without control characters.

    A service's name or log line must not move the cursor or set the title
    of the user's terminal.
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in "\t\n"
        else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )
