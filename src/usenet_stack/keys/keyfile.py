"""A key inside an application's own file: read it, put another there.

Only the value changes; the file is never parsed and written anew, because
what the application keeps in it is its own business.
"""

import json
import os
import re
from pathlib import Path

from usenet_stack.transaction.durable import write_durably

Span = tuple[int, int]
_SECTION = re.compile(r"\s*\[(?!\[)([^\]]*)\]\s*$")


def read_element(text: str, format: str, element: str) -> str | None:
    """Return what stands at `element`, None when nothing does.

    Args:
        format: xml, ini, yaml or json, as in the catalogue.
        element: the dotted way: "ApiKey", "misc.api_key".
    """
    if format == "json":
        return _read_json(text, element)
    span = _span(text, format, element)
    if span is None:
        return None
    return text[span[0] : span[1]]


def replace_element(text: str, format: str, element: str, value: str) -> str:
    """Return the text with another value at `element`.

    Args:
        value: letters, digits and _ only: it needs no quotes anywhere.

    Raises:
        ValueError: there is no such element, or the value needs quotes.
    """
    span = _span(text, format, element)
    if span is None:
        raise ValueError(f"no {element}")
    if not re.fullmatch(r"\w+", value):
        raise ValueError("needs quotes")
    return text[: span[0]] + value + text[span[1] :]


def rewrite(path: Path, text: str) -> None:
    """Replace a file's text, durably; owner and mode stay.

    Raises:
        OSError: nothing changed.
    """
    status = path.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    content = text.encode("utf-8", "surrogateescape")
    write_durably(path, content, status.st_mode & 0o7777, owner)


def read_text(path: Path) -> str:
    """Return a file's text with its own line endings."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _span(text: str, format: str, element: str) -> Span | None:
    match format:
        case "xml":
            name = re.escape(element.rpartition(".")[2])
            found = re.search(rf"<{name}>\s*([^<\s]*)\s*</{name}>", text)
            return found.span(1) if found else None
        case "ini":
            return _ini_span(text, *element.split(".", 1))
        case "yaml":
            return _yaml_span(text, *element.split(".", 1))
    return None


def _ini_span(text: str, section: str, name: str) -> Span | None:
    inside, at = False, 0
    wanted = re.compile(rf"\s*{re.escape(name)}\s*=[ \t]*", re.IGNORECASE)
    for line in text.splitlines(keepends=True):
        if heading := _SECTION.match(line):
            inside = heading[1].strip().lower() == section.lower()
        elif line.lstrip().startswith("["):
            inside = False
        elif inside and (found := wanted.match(line)):
            return _value_span(line, found.end(), at)
        at += len(line)
    return None


def _yaml_span(text: str, section: str, name: str) -> Span | None:
    inside, at = False, 0
    wanted = re.compile(rf"[ \t]+{re.escape(name)}:[ \t]*")
    for line in text.splitlines(keepends=True):
        if line[:1] not in (" ", "\t", "#", "\n", "\r", ""):
            inside = line.rstrip() == f"{section}:"
        elif inside and (found := wanted.match(line)):
            return _value_span(line, found.end(), at)
        at += len(line)
    return None


def _value_span(line: str, start: int, at: int) -> Span:
    """Return where the value of a line stands, without quotes."""
    rest = line[start:]
    if rest[:1] in ("'", '"'):
        end = rest.find(rest[0], 1)
        if end > 0:
            return at + start + 1, at + start + end
    length = len(re.split(r"\s+#", rest, maxsplit=1)[0].rstrip())
    return at + start, at + start + length


def _read_json(text: str, element: str) -> str | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    for name in element.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found if isinstance(found, str) else None
