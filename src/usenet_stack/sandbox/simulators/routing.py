"""Requests, replies, and the table that leads from one to the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

Json = Any
A = TypeVar("A")
Handler = Callable[[A, "Request"], "Reply"]


@dataclass
class Reply:
    """An HTTP answer before it is put on the wire."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Raised inside a handler to answer with `reply` at once."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(
    data: Json, status: int = 200, *, indent: int | None = None
) -> Reply:
    """Answer with `data` as JSON."""
    body = json.dumps(data, indent=indent, ensure_ascii=False).encode()
    return Reply(status, body, "application/json; charset=utf-8")


def text_reply(text: str, status: int = 200, kind: str = "plain") -> Reply:
    """Answer with text of the media type text/`kind`."""
    return Reply(status, text.encode(), f"text/{kind}; charset=utf-8")


@dataclass
class Request:
    """One HTTP request, read completely.

    Args:
        path: decoded, without the query, always with a leading slash.
        headers: looked up by lower-case name.
        values: what the placeholders of the matched route stood for.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    client: str = "127.0.0.1"
    values: dict[str, str] = field(default_factory=dict)

    def argument(self, name: str, default: str = "") -> str:
        """The first query argument of that name, in any letter case."""
        wanted = name.lower()
        for key, found in self.query.items():
            if key.lower() == wanted:
                return found[0]
        return default

    def has_argument(self, name: str) -> bool:
        """Whether the query holds the argument, even without a value."""
        return any(key.lower() == name.lower() for key in self.query)

    def flag(self, name: str) -> bool:
        """Whether a query argument says true."""
        return self.argument(name).lower() in ("true", "1", "yes")

    def json(self) -> Json:
        """The body as JSON.

        Raises:
            ValueError: the body is no JSON.
        """
        return json.loads(self.body)

    def form(self) -> dict[str, list[str]]:
        """The body as a URL-encoded form."""
        text = self.body.decode("utf-8", "replace")
        return parse_qs(text, keep_blank_values=True)

    def cookie(self, name: str) -> str:
        """The value of a cookie, or an empty text."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return ""

    @property
    def host(self) -> str:
        """The Host header without its port and brackets."""
        header = self.headers.get("host", "")
        if header.startswith("["):
            return header[1:].partition("]")[0]
        return header.partition(":")[0]

    @property
    def number(self) -> int:
        """The placeholder `{id:int}` as a number."""
        return int(self.values["id"])


class Route(Generic[A]):
    """One method and path pattern, and the handler behind it.

    Segments of the pattern: literal text, `{name}`, `{name:int}` (digits
    only, an optional minus sign) or, last, `{name:path}` (all the rest).
    """

    def __init__(self, method: str, pattern: str, handler: Handler[A]) -> None:
        self.method = method
        self.pattern = pattern
        self.handler = handler
        self._segments = pattern.strip("/").split("/")

    @property
    def public_pattern(self) -> str:
        """The pattern as OpenAPI documents write it."""
        return self.pattern.replace(":int}", "}").replace(":path}", "}")

    def match(
        self, segments: list[str], fold: bool = False
    ) -> dict[str, str] | None:
        """The placeholders' values when the path fits, else None."""
        values: dict[str, str] = {}
        for place, pattern in enumerate(self._segments):
            if pattern.endswith(":path}"):
                values[pattern[1:-6]] = "/".join(segments[place:])
                return values
            if place >= len(segments):
                return None
            if not _fits(pattern, segments[place], fold, values):
                return None
        return values if len(segments) == len(self._segments) else None


def _fits(
    pattern: str, segment: str, fold: bool, values: dict[str, str]
) -> bool:
    if pattern.endswith(":int}"):
        values[pattern[1:-5]] = segment
        return segment.removeprefix("-").isdecimal()
    if pattern.startswith("{"):
        values[pattern[1:-1]] = segment
        return segment != ""
    return pattern == segment or (fold and pattern.lower() == segment.lower())


class Routes(Generic[A]):
    """A list of routes that a module declares with decorators."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, str, Handler[A]]] = []

    def on(
        self, methods: str, *patterns: str
    ) -> Callable[[Handler[A]], Handler[A]]:
        """Declare the decorated function as handler of `patterns`.

        Args:
            methods: one or more methods, separated by spaces.
        """

        def declare(handler: Handler[A]) -> Handler[A]:
            for method in methods.split():
                for pattern in patterns:
                    self._entries.append((method, pattern, handler))
            return handler

        return declare

    def under(self, prefix: str = "") -> Iterator[Route[A]]:
        """The routes, each pattern behind `prefix`."""
        for method, pattern, handler in self._entries:
            yield Route(method, prefix + pattern, handler)


class Router(Generic[A]):
    """Finds the route of a request.

    Args:
        fold: whether letter case is ignored, as in ASP.NET applications.
    """

    def __init__(self, routes: Iterable[Route[A]], fold: bool = False) -> None:
        self.routes = list(routes)
        self._fold = fold

    def find(self, request: Request) -> Handler[A] | int:
        """The handler, or the status to answer: 404 or 405.

        Effects: fills `request.values`.
        """
        segments = request.path.strip("/").split("/")
        method = "GET" if request.method == "HEAD" else request.method
        status = 404
        for route in self.routes:
            values = route.match(segments, self._fold)
            if values is None:
                continue
            if route.method in (method, "ANY"):
                request.values = values
                return route.handler
            status = 405
        return status
