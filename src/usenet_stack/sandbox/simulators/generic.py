"""Any other service: it answers 200, on the port that it is told."""

from __future__ import annotations

from collections.abc import Iterable

from .application import Application, page
from .place import Place
from .routing import Reply, Request, Route, json_reply, text_reply

# Health answers whose body a client looks at.
_TEXTS = {"/api/healthcheck": "up", "/api/health": "Ok"}
_STATES = {"/actuator/health": "UP", "/ping": "OK"}


class Generic(Application):
    """A service without a simulator of its own."""

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("SIMULATOR_PORT", "80"))

    def routes(self) -> Iterable[Route[Generic]]:
        """Every path answers."""
        yield Route("GET", "/{rest:path}", _answer)
        yield Route("POST", "/{rest:path}", _answer)


def _answer(app: Generic, request: Request) -> Reply:
    path = request.path.rstrip("/")
    if path in _TEXTS:
        return text_reply(_TEXTS[path])
    if not path:
        return page(app.service)
    return json_reply({"status": _STATES.get(path, "ok")})
