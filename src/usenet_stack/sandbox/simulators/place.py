"""Where a simulator lives: its folders and its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Place:
    """Folders and environment as the application sees them.

    Args:
        environ: `FILE__NAME=/path` loads NAME from that file, as the
            linuxserver.io images do for secrets.
        root: prefix for every absolute path; "/" in a container.
    """

    def __init__(self, environ: Mapping[str, str], root: Path) -> None:
        self.root = root
        self._environ = dict(environ)
        for name, source in environ.items():
            if name.startswith("FILE__"):
                text = self.path(source).read_text().strip()
                self._environ[name.removeprefix("FILE__")] = text

    def path(self, absolute: str) -> Path:
        """The real place of a path that the application knows."""
        return self.root / absolute.lstrip("/")

    def seen(self, path: Path) -> str:
        """The application's name for a real path."""
        relative = path.relative_to(self.root)
        return "/" + "" if str(relative) == "." else f"/{relative}"

    def env(self, name: str, default: str = "") -> str:
        """A variable; an empty one counts as absent."""
        return self._environ.get(name) or default

    def env_folded(self, name: str) -> str:
        """A variable whose name is compared without letter case."""
        for key, value in self._environ.items():
            if key.upper() == name.upper() and value:
                return value
        return ""

    def forget(self, *names: str) -> None:
        """Drop variables that this application does not understand."""
        for name in names:
            self._environ.pop(name, None)
