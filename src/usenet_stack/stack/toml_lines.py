"""In which line of a TOML file a key stands, for error sentences."""

import re
import tomllib
from collections import Counter

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')
        (?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""",
    re.VERBOSE,
)
_SYNTAX = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def syntax_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """Return the line and the reason of what tomllib could not read."""
    message = str(error)
    found = _SYNTAX.search(message)
    if found is None:
        return 1, message
    line = int(found[1]) if found[1] else text.count("\n") + 1
    return line, message[: found.start()]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of every table header and key of a valid file.

    Returns:
        ("ports", 0, "host") -> 12: names, and positions in arrays of
        tables. Keys inside inline tables are not listed: `line_of` gives
        the line of what surrounds them.
    """
    lines: dict[KeyPath, int] = {(): 1}
    tables: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
        elif header := _HEADER.match(line):
            table = _table(_names(header[2]), header[1] == "[[", tables)
            lines.setdefault(table, number)
        elif pair := _PAIR.match(line):
            lines[(*table, *_names(pair[1]))] = number
            closing = _left_open(line[pair.end() :])
    return lines


def _left_open(value: str) -> str:
    for quote in ('"""', "'''"):
        if value.count(quote) == 1:
            return quote
    return ""


def _names(dotted: str) -> tuple[str, ...]:
    parts = re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", dotted)
    return tuple(part.strip("\"'") for part in parts)


def _table(
    names: tuple[str, ...], many: bool, counts: "Counter[KeyPath]"
) -> KeyPath:
    path: KeyPath = ()
    for depth, name in enumerate(names, 1):
        path = (*path, name)
        if depth == len(names) and many:
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, or of the nearest thing around it.

    Returns:
        None when only the whole file surrounds it.
    """
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
