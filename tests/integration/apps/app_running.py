"""Simulators that run as processes, and clients of them."""

from pathlib import Path
from typing import Any

from app_stack import KEY, PASSWORD, opened
from simulator_process import Simulator

# What each simulator takes its key or password from.
ENVIRONMENT: dict[str, dict[str, str]] = {
    "transmission": {"USER": "admin", "PASS": PASSWORD},
    "seerr": {"API_KEY": KEY},
    "tdarr": {"auth": "true", "seededApiKey": KEY},
    "audiobookshelf": {"PORT": "0"},
    **{
        name: {f"{name.upper()}__AUTH__APIKEY": KEY}
        for name in ("sonarr", "radarr", "lidarr", "readarr", "prowlarr")
    },
}
# What they find in their folders at the first start.
FILES = {
    "sabnzbd": ("config/sabnzbd.ini", f"[misc]\napi_key = {KEY}\n"),
    "bazarr": ("config/config/config.yaml", f"auth:\n  apikey: '{KEY}'\n"),
    "mylar3": (
        "config/mylar/config.ini",
        f"[API]\napi_enabled = True\napi_key = {KEY}\n",
    ),
}


class Running:
    """Simulators, and clients of them."""

    def __init__(self, base: Path, folder: Path) -> None:
        self._base = base
        self._folder = folder
        self.simulators: list[Simulator] = []
        self.clients: list[Any] = []

    def simulator(
        self, service: str, arguments: tuple[str, ...] = (), **env: str
    ) -> Simulator:
        """Start one."""
        root = self._base / f"{service}-{len(self.simulators)}"
        root.mkdir()
        if service in FILES:
            name, text = FILES[service]
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text(text)
        env = {**ENVIRONMENT.get(service, {}), **env}
        found = Simulator(service, root, env, arguments)
        self.simulators.append(found)
        return found

    def client(self, simulator: Simulator, **changed: str) -> Any:
        """Open the client that the catalogue names for it."""
        folder = self._folder / f"stack-{len(self.clients)}"
        app = opened(folder, simulator.service, simulator.port, **changed)
        self.clients.append(app)
        return app

    def both(self, service: str, **changed: str) -> tuple[Simulator, Any]:
        """Start a simulator and open its client."""
        simulator = self.simulator(service)
        return simulator, self.client(simulator, **changed)
