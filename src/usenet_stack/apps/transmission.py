"""Transmission: remote procedure calls with a session id.

Source: Transmission 4.1, docs/rpc-spec.md (the classic protocol).
"""

from typing import Any

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.failures import shortened
from usenet_stack.apps.message import Raw, Request

_PATH = "/transmission/rpc"
_SESSION = "X-Transmission-Session-Id"
_CHANGING = ("session-set", "session-close", "torrent-add")


class Transmission(Client):
    """The session id that it wants is asked for when it is needed."""

    _session = ""

    def version(self) -> str:
        """Return the application's own version."""
        return self._call("session-get").text("arguments.version")

    def session_get(self) -> dict[str, Any]:
        """Return its settings, with the names that it uses."""
        return self._arguments("session-get")

    def session_set(self, **settings: object) -> None:
        """Change settings; `_` in a name stands for its `-`.

        Raises:
            UsenetError: app.refused.
        """
        named = {name.replace("_", "-"): v for name, v in settings.items()}
        self._call("session-set", named)

    def stats(self) -> dict[str, Any]:
        """Return counts, rates and totals."""
        return self._arguments("session-stats")

    def figures(self) -> Figures:
        """Return active, torrents and rates, in one call.

        The first one needs two: it has to learn the session id.
        """
        with self.http.together():
            answer = self._call("session-stats")
        return {
            "active": answer.number("arguments.activeTorrentCount"),
            "torrents": answer.number("arguments.torrentCount"),
            "down_bytes_s": answer.number("arguments.downloadSpeed"),
            "up_bytes_s": answer.number("arguments.uploadSpeed"),
        }

    def torrents(self, *fields: str) -> list[dict[str, Any]]:
        """Return its torrents with these fields."""
        wanted = list(fields or ("id", "name", "status", "percentDone"))
        answer = self._call("torrent-get", {"fields": wanted})
        return answer.list_at("arguments.torrents")

    def set_location(self, torrent: str, folder: str) -> None:
        """Let a torrent use files that are elsewhere now; move none.

        Args:
            torrent: its hash.
            folder: as Transmission sees it.

        Raises:
            UsenetError: app.refused.
        """
        wanted = {"ids": [torrent], "location": folder, "move": False}
        self._call("torrent-set-location", wanted)

    def _arguments(self, method: str) -> dict[str, Any]:
        answer = self._call(method)
        found = answer.at("arguments")
        if not isinstance(found, dict):
            raise answer.wrong("an object", found, "arguments")
        return found

    def _call(
        self, method: str, arguments: dict[str, Any] | None = None
    ) -> Answer:
        body = {"method": method, "arguments": arguments or {}}
        request = Request(
            "POST", _PATH, body=body, repeatable=method not in _CHANGING
        )
        raw = self._exchange(request)
        session = raw.headers.get(_SESSION.lower(), "")
        if raw.status == 409 and session:
            self._session = session
            raw = self._exchange(request)
        answer = self.http.read(request, raw)
        result = answer.text("result")
        if result != "success":
            told = shortened(result)
            error = answer.place.error("app.refused", told, (told,))
            raise self.http.veiled(error)
        return answer

    def _exchange(self, request: Request) -> Raw:
        if self._session:
            headers = {_SESSION: self._session}
            request = request._replace(headers=headers)
        return self.http.exchange(request)
