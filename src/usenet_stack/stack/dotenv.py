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


class _Setting(NamedTuple):
    """Where a setting stands: lines `first` to `end`, without the last."""

    name: str
    first: int
    end: int
    head: str
    value: str


def parse(text: str) -> Iterator[Entry]:
    """Yield the settings; a later one of the same name counts.

    Raises:
        Unreadable: with the line, and without its content.
    """
    for setting in _settings(text.splitlines()):
        yield Entry(setting.name, _value(setting.value))


def replaced(text: str, name: str, value: str) -> str | None:
    """Return `text` with one value replaced, all else byte for byte.

    Args:
        name: of the setting; where it is there twice the last one counts.

    Returns: None when there is no such setting.
    Raises:
        Unreadable: as `parse`.
    """
    lines = text.splitlines()
    found = [s for s in _settings(lines) if s.name == name]
    if not found:
        return None
    setting = found[-1]
    kept = text.splitlines(keepends=True)
    last = setting.end - 1
    ending = kept[last][len(lines[last]) :]
    tail = setting.value[_length(setting.value) :]
    new = f"{setting.head}{quote(value)}{tail}{ending}"
    return "".join([*kept[: setting.first], new, *kept[setting.end :]])


def _settings(lines: list[str]) -> Iterator[_Setting]:
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _BARE.match(line):
            continue  # "take it from the shell": not a value of this file
        found = _LINE.match(line)
        if found is None:
            raise Unreadable(number)
        rest = found[2].lstrip()
        head = line[: len(line) - len(rest)]
        if rest[:1] in ("'", '"'):
            while not _closed(rest):
                if number == len(lines):
                    raise Unreadable(first + 1)
                rest += "\n" + lines[number]
                number += 1
        yield _Setting(found[1], first, number, head, rest)


def _length(rest: str) -> int:
    """Return how much of what follows the = sign is the value."""
    if rest[:1] in ("'", '"'):
        return _end(rest) + 1
    return len(re.split(r"\s+#", rest, maxsplit=1)[0].rstrip())


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
