"""The JSON of an answer, read with care: nothing about it is certain."""

import json
import math
from collections.abc import Mapping
from typing import Any

from usenet_stack.apps.failures import Place
from usenet_stack.apps.message import Raw
from usenet_stack.errors import UsenetError

_LARGEST = 2**63
_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


class Answer:
    """A successful answer.

    Args:
        data: its JSON; None when the body was empty.
    """

    def __init__(self, raw: Raw, data: Any, place: Place) -> None:
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.data = data
        self.place = place

    @property
    def record(self) -> dict[str, Any]:
        """Return the whole as an object.

        Raises:
            UsenetError: app.unexpected.
        """
        if not isinstance(self.data, dict):
            raise self.wrong("an object", self.data)
        return self.data

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return the whole as a list of objects.

        Raises:
            UsenetError: app.unexpected.
        """
        return self._list_of_objects(self.data, "")

    def list_at(self, way: str) -> list[dict[str, Any]]:
        """Return the list of objects at a dotted way.

        Raises:
            UsenetError: app.unexpected.
        """
        return self._list_of_objects(self.at(way), way)

    def at(self, way: str) -> Any:
        """Return what stands at a dotted way, None when nothing does.

        Raises:
            UsenetError: app.unexpected: on the way there is no object.
        """
        found: Any = self.record
        for name in way.split("."):
            if not isinstance(found, dict):
                raise self.wrong("an object", found, way)
            found = found.get(name)
        return found

    def number(self, way: str) -> int | float:
        """Return the number at a dotted way; a text of digits is one too.

        Raises:
            UsenetError: app.unexpected.
        """
        found = as_number(self.at(way))
        if found is None:
            raise self.wrong("a number", self.at(way), way)
        return found

    def text(self, way: str) -> str:
        """Return the text at a dotted way.

        Raises:
            UsenetError: app.unexpected.
        """
        found = self.at(way)
        if not isinstance(found, str):
            raise self.wrong("a text", found, way)
        return found

    def wrong(self, wanted: str, found: object, way: str = "") -> UsenetError:
        """Return the error for something that has another shape."""
        is_there = _NAMES.get(type(found), "something")
        where = f" at {way}" if way else ""
        why = f"{wanted} was expected{where}, {is_there} came"
        return self.place.error("app.unexpected", why)

    def _list_of_objects(self, data: Any, way: str) -> list[dict[str, Any]]:
        if not isinstance(data, list):
            raise self.wrong("a list", data, way)
        for each in data:
            if not isinstance(each, dict):
                raise self.wrong("a list of objects", each, way)
        return data


def as_number(value: object) -> int | float | None:
    """Return a finite number; SABnzbd sends most of them as texts."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _LARGEST and math.isfinite(value) else None


def read_answer(raw: Raw, place: Place) -> Answer:
    """Return the JSON of a success.

    Raises:
        UsenetError: app.not-json.
    """
    if not raw.body.strip():
        return Answer(raw, None, place)
    try:
        data = json.loads(raw.body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        kind = raw.headers.get("content-type", "")
        page = "html" in kind or raw.body.lstrip()[:1] == b"<"
        why = "a web page came" if page else "it is cut off or garbled"
        raise place.error("app.not-json", why) from None
    return Answer(raw, data, place)


def _refuse(name: str) -> None:
    raise ValueError(name)
