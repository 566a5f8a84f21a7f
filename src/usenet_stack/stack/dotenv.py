"""Read and write `.env` files the way that Compose understands them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(
    r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*[=:](.*)", re.S
)
_BARE = re.compile(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.]*\s*\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_./+:@%,=-]*\Z")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Entry(NamedTuple):
    """One setting of an environment file."""

    name: str
    value: str


class Unreadable(ValueError):
    """A line that is neither a setting nor a comment."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def parse(text: str) -> Iterator[Entry]:
    """Yield the settings; a later one of the same name counts.

    Raises:
        Unreadable: with the line, and without its content.
    """
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _BARE.match(line):
            continue  # "take it from the shell": not a value of this file
        found = _LINE.match(line)
        if found is None:
            raise Unreadable(number)
        rest = found[2].lstrip()
        if rest[:1] in ("'", '"'):
            start = number
            while not _closed(rest):
                if number == len(lines):
                    raise Unreadable(start)
                rest += "\n" + lines[number]
                number += 1
        yield Entry(found[1], _value(rest))


def _closed(text: str) -> bool:
    return _end(text) > 0


def _end(text: str) -> int:
    quote = text[0]
    position = 1
    while position < len(text):
        if text[position] == "\\" and quote == '"':
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    return 0


def _value(text: str) -> str:
    if text[:1] == "'":
        return text[1 : _end(text)]
    if text[:1] == '"':
        inner = text[1 : _end(text)]
        return re.sub(
            r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner, flags=re.DOTALL
        )
    return re.split(r"\s+#", text, maxsplit=1)[0].strip()


def quote(value: str) -> str:
    """Return `value` as it must stand after the = sign."""
    if _PLAIN.match(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = re.sub(r'([\\"$])', r"\\\1", value).replace("\n", "\\n")
    return f'"{escaped}"'
