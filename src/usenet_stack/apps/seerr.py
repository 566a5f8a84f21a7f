"""Seerr, which was Overseerr and Jellyseerr.

Source: Seerr 3.1, its OpenAPI document and server/routes.
"""

from collections.abc import Mapping
from typing import Any, Literal

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import SETUP_PENDING, Client, Figures
from usenet_stack.apps.message import Request
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue

_ROOT = "/api/v1"
Kind = Literal["radarr", "sonarr"]


class Seerr(Client):
    """It refuses every key until its first administrator exists."""

    def public(self) -> dict[str, Any]:
        """Return what it tells everybody: `initialized` and its title."""
        return self._public().record

    def version(self) -> str:
        """Return the application's own version."""
        return self._ask("GET", "settings/about").text("version")

    def figures(self) -> Figures:
        """Return requests, pending and version, in two calls."""
        with self.http.together():
            try:
                count = self._ask("GET", "request/count")
                found: Figures = {
                    "requests": count.number("total"),
                    "pending": count.number("pending"),
                }
                about = self._ask("GET", "settings/about")
            except UsenetError as error:
                if error.code != "app.setup-pending":
                    raise
                return dict(SETUP_PENDING)
            return found | {"version": about.text("version")}

    def main_settings(self) -> dict[str, Any]:
        """Return its main settings; apiKey is in clear."""
        return self._ask("GET", "settings/main").record

    def regenerate_key(self) -> SecretValue:
        """Let it make a new key and return it.

        Effects: in force at once, unless API_KEY in its environment says
            otherwise: that wins again at its next start.
        """
        answer = self._ask("POST", "settings/main/regenerate")
        made = SecretValue(answer.text("apiKey"))
        self.http.keep_secret(made)
        return made

    def servers(self, kind: Kind) -> list[dict[str, Any]]:
        """Return the Radarr or Sonarr servers that it uses."""
        return self._ask("GET", f"settings/{kind}").records

    def add_server(
        self, kind: Kind, server: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Add a server; nothing is checked, so use `test_server` first.

        Undo: delete_server with the id.
        """
        return self._ask("POST", f"settings/{kind}", dict(server)).record

    def update_server(
        self, kind: Kind, server: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Put a whole server back, by its id (the first one is 0)."""
        path = f"settings/{kind}/{int(server['id'])}"
        # The document has the id read-only: it comes from the path.
        body = {name: v for name, v in server.items() if name != "id"}
        return self._ask("PUT", path, body).record

    def delete_server(self, kind: Kind, number: int) -> None:
        """Remove a server."""
        self._ask("DELETE", f"settings/{kind}/{number}")

    def test_server(
        self, kind: Kind, server: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the server's profiles and root folders.

        Raises:
            UsenetError: app.failing: Seerr cannot use it.
        """
        path = f"settings/{kind}/test"
        return self._ask("POST", path, dict(server)).record

    def jellyfin(self) -> dict[str, Any]:
        """Return how it reaches Jellyfin; apiKey is in clear."""
        return self._ask("GET", "settings/jellyfin").record

    def update_jellyfin(self, **settings: object) -> None:
        """Change some of these; it tries to reach Jellyfin first.

        Raises:
            UsenetError: app.failing: it cannot.
        """
        self._ask("POST", "settings/jellyfin", settings)

    def _public(self) -> Answer:
        path = f"{_ROOT}/settings/public"
        return self.http.ask(Request("GET", path, keyless=True))

    def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        request = Request(method, f"{_ROOT}/{path}", body=body)
        raw = self.http.exchange(request)
        if raw.status == 403 and self._waits():
            raise UsenetError("app.setup-pending", service=self.name)
        return self.http.read(request, raw)

    def _waits(self) -> bool:
        return self._public().at("initialized") is not True
