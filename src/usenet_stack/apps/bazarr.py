"""Bazarr: subtitles that are missing.

Source: Bazarr 1.5, bazarr/api.
"""

from collections.abc import Mapping
from typing import Any

from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.message import Request

_SETTINGS = "/api/system/settings"


class Bazarr(Client):
    """Its settings are one form; what is not in it stays."""

    def version(self) -> str:
        """Return its own version; it asks Sonarr and Radarr first."""
        answer = self.http.get("/api/system/status")
        return answer.text("data.bazarr_version")

    def figures(self) -> Figures:
        """Return missing_episodes, missing_movies, warnings: one call."""
        badges = self.http.get("/api/badges")
        found: Figures = {
            "missing_episodes": badges.number("episodes"),
            "missing_movies": badges.number("movies"),
        }
        if badges.at("status") is not None:
            found["warnings"] = badges.number("status")
        return found

    def badges(self) -> dict[str, Any]:
        """Return its counts, and whether Sonarr and Radarr are linked."""
        return self.http.get("/api/badges").record

    def settings(self) -> dict[str, Any]:
        """Return all its settings, secrets in clear."""
        return self.http.get(_SETTINGS).record

    def save_settings(self, form: Mapping[str, object]) -> None:
        """Change settings.

        Args:
            form: names such as settings-sonarr-apikey.

        Raises:
            UsenetError: app.refused: a value is not valid.
        """
        self.http.ask(Request("POST", _SETTINGS, form=form, repeatable=True))
