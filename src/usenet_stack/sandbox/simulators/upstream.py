"""Requests that one simulated application sends to another."""

from __future__ import annotations

import encodings.idna  # noqa: F401  needed by connect, after the user change
import http.client
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from .routing import Json

TIMEOUT_S = 5.0
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What the other application said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


def ask(
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: Json = None,
    timeout: float = TIMEOUT_S,
) -> Answer:
    """Send one request.

    Args:
        body: sent as JSON unless it is None.
        timeout: seconds for each step.

    Raises:
        OSError: nobody answered, or what came was no HTTP.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ConnectionError(f"no host in {parts.scheme}://{parts.netloc}")
    connection = http.client.HTTPConnection(
        parts.hostname, parts.port or 80, timeout=timeout
    )
    target = quote(parts.path or "/", safe="/%") + (
        f"?{parts.query}" if parts.query else ""
    )
    sent = None if body is None else json.dumps(body).encode()
    send_headers = (headers or {}) | ({} if sent is None else JSON_TYPE)
    try:
        connection.request(method, target, sent, send_headers)
        response = connection.getresponse()
        found = {key.lower(): text for key, text in response.getheaders()}
        return Answer(response.status, found, response.read())
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def address(
    host: str, port: object, base: str = "", ssl: object = False
) -> str:
    """A base URL without a trailing slash."""
    scheme = "https" if ssl else "http"
    middle = base.strip("/")
    return f"{scheme}://{host}:{port}" + (f"/{middle}" if middle else "")


def with_query(url: str, **arguments: object) -> str:
    """The URL with encoded query arguments."""
    return f"{url}?{urlencode(arguments)}"
