"""Turn raw TOML tables into Structs, with sentences for what is wrong."""

import re
from typing import Any, NamedTuple, TypeVar

import msgspec

from usenet_stack.stack.names import meant
from usenet_stack.stack.toml_lines import KeyPath

T = TypeVar("T")

_AT = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.+)`$")
_MISSING = re.compile(r"^Object missing required field `(.+)`$")


class Problem(NamedTuple):
    """One thing that is wrong: where in the tables, and what."""

    path: KeyPath
    reason: str

    @property
    def key(self) -> str:
        """Return the dotted key, positions counted from 1."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step + 1}]"
            else:
                text += f".{step}" if text else step
        return text


def convert(raw: Any, shape: type[T]) -> T | Problem:
    """Return `raw` as `shape`, or the first thing that forbids it.

    Strict: a number in quotes is no number.
    """
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        return _problem(str(error), raw, shape)


def _problem(message: str, raw: Any, shape: type) -> Problem:
    found = _AT.search(message)
    path = _steps(found[1]) if found else ()
    reason = message[: found.start()] if found else message
    path = _pinned(path, raw, shape, message)
    if unknown := _UNKNOWN.match(reason):
        known = _fields_at(shape, path)
        hint = meant(unknown[1], known)
        path = (*path, unknown[1])
        return Problem(path, f"there is no such key{hint}")
    if missing := _MISSING.match(reason):
        return Problem((*path, missing[1]), "this key is needed")
    return Problem(path, _plain(reason))


def _steps(text: str) -> KeyPath:
    steps: list[str | int] = []
    for name, index in _STEP.findall(text):
        steps.append(name or (int(index) if index.isdigit() else index))
    return tuple(steps)


def _pinned(path: KeyPath, raw: Any, shape: type, message: str) -> KeyPath:
    # msgspec writes "[...]" for "some value of a table whose keys are
    # free": find which one by converting them one at a time.
    if "..." not in path:
        return path
    at = path.index("...")
    table = raw
    for step in path[:at]:
        table = table[step]
    for name in table if isinstance(table, dict) else ():
        alone: Any = {name: table[name]}
        for step in reversed(path[:at]):
            alone = {step: alone}
        reason = _fails(alone, shape)
        if reason is not None and reason == message:
            return (*path[:at], name, *path[at + 1 :])
    return path[:at]


def _fails(raw: Any, shape: type) -> str | None:
    try:
        msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _fields_at(shape: Any, path: KeyPath) -> list[str]:
    info = msgspec.inspect.type_info(shape)
    for step in path:
        info = _inside(info, step)
    fields = getattr(info, "fields", ())
    return [field.encode_name for field in fields]


def _inside(info: Any, step: str | int) -> Any:
    if isinstance(info, msgspec.inspect.StructType):
        for field in info.fields:
            if field.encode_name == step:
                return field.type
    for inner in ("item_type", "value_type"):
        if hasattr(info, inner):
            return getattr(info, inner)
    return info


_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list [...]",
    "object": "a table",
    "null": "nothing",
    "int | object": "a whole number or a table",
}
_TYPES = re.compile(r"^Expected `([^`]+)`, got `([^`]+)`$")
_ENUM = re.compile(r"^Invalid enum value (.+)$")


_LIMIT = re.compile(r"^Expected `\w+` (>=|<=|>|<) (.+)$")
_FORM = re.compile(r"^Expected `\w+` (matching regex .+|of length .+)$")
_BOUNDS = {
    ">=": "at least",
    "<=": "at most",
    ">": "more than",
    "<": "less than",
}


def _plain(reason: str) -> str:
    if found := _LIMIT.match(reason):
        return f"must be {_BOUNDS[found[1]]} {found[2]}"
    if found := _FORM.match(reason):
        return f"must be text {found[1]}"
    if found := _TYPES.match(reason):
        wanted = _WORDS.get(found[1], found[1])
        return f"expected {wanted}, found {_WORDS.get(found[2], found[2])}"
    if found := _ENUM.match(reason):
        return f"{found[1]} is not one of the allowed words"
    return reason[:1].lower() + reason[1:]


def allowed_words(shape: Any, path: KeyPath) -> tuple[str, ...]:
    """Return the words that the key at `path` may be, or ()."""
    info = msgspec.inspect.type_info(shape)
    for step in path:
        info = _inside(info, step)
    if isinstance(info, msgspec.inspect.LiteralType):
        return tuple(str(value) for value in info.values if value)
    return ()
