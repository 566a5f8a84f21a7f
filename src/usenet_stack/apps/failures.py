"""From an answer that is no success to the error that says so."""

import json
import re
from typing import Any, NamedTuple

from usenet_stack.apps.message import Raw
from usenet_stack.errors import UsenetError

_LINES = 10
_LENGTH = 200
# In URLs and in JSON; the fields of our own requests come back so.
_SECRET = re.compile(
    r"(?i)(\w*(?:api_?key|token|passw(?:or)?d|secret)"
    r"(?:=|%3D|[\"']\s*:\s*[\"']))[^&\s\"']+"
)
_MASK = "********"
_CODES = {
    400: "app.refused",
    401: "app.unauthorised",
    403: "app.forbidden",
    404: "app.not-found",
    405: "app.not-found",
    421: "app.forbidden-host",
    429: "app.busy",
}


class Place(NamedTuple):
    """Where something failed: the service and its call, without a query."""

    service: str
    call: str

    def error(
        self,
        code: str,
        why: str = "",
        details: tuple[str, ...] = (),
        **facts: object,
    ) -> UsenetError:
        """Return an error of this place."""
        return UsenetError(
            code,
            why=why,
            details=details,
            service=self.service,
            call=self.call,
            **facts,
        )


def judged(
    raw: Raw, place: Place, wrong_key: tuple[int, ...] = (401,)
) -> UsenetError | None:
    """Return the error that an answer stands for, None for a success.

    Args:
        wrong_key: statuses by which this application refuses a key.
    """
    status = raw.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        why = "it sends us to another address"
        return place.error("app.unexpected", why)
    messages = messages_of(raw)
    why = messages[0] if messages else ""
    if status in wrong_key:
        return place.error("app.unauthorised", why)
    if status == 400 and "invalid hostname" in raw.text[:2000].lower():
        return place.error("app.forbidden-host", "Invalid Hostname")
    if status >= 500:
        return place.error("app.failing", why, status=status)
    code = _CODES.get(status, "app.refused")
    if code == "app.refused":
        return place.error(code, details=tuple(messages), status=status)
    return place.error(code, why, status=status)


def messages_of(raw: Raw) -> list[str]:
    """Return what the application itself says of a failure.

    Source: the three forms of the Servarr family (a list of validation
        failures, an object with a message, ASP.NET's problem details);
        `error` of Seerr and Mylar, `message` of Portainer.
    """
    try:
        data = json.loads(raw.body)
    except (ValueError, RecursionError):
        return _plain_text(raw)
    found = _spoken(data)
    return [shortened(line) for line in found[:_LINES] if line.strip()]


def _spoken(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    if isinstance(data, list):
        return [_item(each) for each in data if isinstance(each, dict)]
    if not isinstance(data, dict):
        return []
    errors = data.get("errors")
    if isinstance(errors, dict):
        return [
            f"{name}: {each}" if name and name != "$" else str(each)
            for name, texts in errors.items()
            for each in (texts if isinstance(texts, list) else [texts])
        ]
    error = data.get("error")
    if isinstance(error, dict):
        return _spoken(error)
    names = ("message", "errorMessage", "error", "title", "detail")
    texts = [data.get(name) for name in names]
    return [text for text in texts if isinstance(text, str)][:1]


def _item(failure: dict[str, Any]) -> str:
    message = str(failure.get("errorMessage") or failure.get("message") or "")
    name = failure.get("propertyName")
    return f"{name}: {message}" if name and message else message


def _plain_text(raw: Raw) -> list[str]:
    text = raw.text
    if not text or "<" in text[:200]:
        return []
    return [shortened(text.splitlines()[0])]


def shortened(text: str) -> str:
    """Return one printable line of foreign text, without secrets."""
    line = " ".join(text[: 4 * _LENGTH].split())
    line = _SECRET.sub(rf"\1{_MASK}", line)
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"
