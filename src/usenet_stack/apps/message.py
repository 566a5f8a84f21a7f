"""What is sent to an application and what comes back."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

READING = ("GET", "HEAD")
Query = Mapping[str, object]


class Request(NamedTuple):
    """One call of an API.

    Args:
        path: below the URL base; parts that the user chose are quoted.
        query, form: None values are left out; a form goes into the body.
        body: sent as JSON unless it is None; `text`: sent as it is.
        headers: without the key.
        repeatable: it may be sent again after a failure; None: GET and
            HEAD only.
        keyless: the key stays at home.
        limit: the most bytes of an answer; 0: the client's own limit.
        shown: what errors say in place of a path with a secret in it.
    """

    method: str
    path: str
    query: Mapping[str, object] = {}
    body: Any = None
    text: str = ""
    form: Mapping[str, object] | None = None
    headers: Mapping[str, str] = {}
    repeatable: bool | None = None
    keyless: bool = False
    limit: int = 0
    shown: str = ""

    @property
    def safe(self) -> bool:
        """Return whether it may be sent again after a failure."""
        if self.repeatable is None:
            return self.method in READING
        return self.repeatable

    @property
    def label(self) -> str:
        """Return how errors call it: never with its query."""
        return f"{self.method} {self.shown or self.path.partition('?')[0]}"


class Raw(NamedTuple):
    """An answer as it came; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()


def target_of(base: str, request: Request, more: Query) -> str:
    """Return path and query as they are sent.

    Args:
        base: the URL base, "" or "/x".
        more: further parameters, the key among them.
    """
    query = encoded({**request.query, **more})
    if not query:
        return base + request.path
    mark = "&" if "?" in request.path else "?"
    return f"{base}{request.path}{mark}{query}"


def content_of(request: Request) -> tuple[bytes | None, str]:
    """Return body and content type."""
    if request.form is not None:
        form = encoded(request.form).encode()
        return form, "application/x-www-form-urlencoded"
    if request.text:
        return request.text.encode(), ""
    if request.body is not None:
        return json.dumps(request.body).encode(), "application/json"
    return None, ""


def encoded(values: Query) -> str:
    """Return parameters as a URL or a form holds them; lists repeat."""
    plain = {key: _plain(v) for key, v in values.items() if v is not None}
    return urlencode(plain, doseq=True)


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
