"""A stack, and an Engine with the containers that a test puts there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine_server import EngineServer, answer
from usenet_stack.docker.engine import Engine
from usenet_stack.services.health import Health, probe_services
from usenet_stack.stack.model import Stack, load_stack


class World:
    """A stack, and an Engine with the containers that a test puts there."""

    def __init__(self, folder: Path, server: EngineServer) -> None:
        self.folder = folder
        self.server = server
        self.engine = Engine(server.path)
        self.listed: list[dict[str, Any]] = []
        self.ports: dict[str, int] = {}
        self._publish()

    def put(
        self,
        service: str,
        state: str = "running",
        *,
        status: str = "Up 2 minutes",
        age: float = 3600,
        port: int | None = None,
        restarts: int = 0,
        **known: Any,
    ) -> None:
        """Put a container there; `port` is what it publishes."""
        started = datetime.now(UTC) - timedelta(seconds=age)
        labels = {
            "com.docker.compose.project": "usenet",
            "com.docker.compose.service": service,
        }
        self.listed.append(
            {
                "Id": service,
                "State": state,
                "Status": status,
                "Labels": labels,
                "Image": f"image-of-{service}",
            }
        )
        details = {
            "StartedAt": started.isoformat().replace("+00:00", "789Z"),
            "ExitCode": 0,
            "OOMKilled": False,
            "Error": "",
        }
        self.server.answers[f"/v1.41/containers/{service}/json"] = answer(
            json.dumps({"State": details | known, "RestartCount": restarts})
        )
        self.server.answers[f"/v1.41/containers/{service}/stats"] = answer(
            json.dumps({"memory_stats": {"usage": 1000}})
        )
        if port is not None:
            self.ports[service] = port
        self._publish()

    def _publish(self) -> None:
        target = "/v1.41/containers/json"
        self.server.answers[target] = answer(json.dumps(self.listed))

    @property
    def stack(self) -> Stack:
        lines = [f"{name} = {port}" for name, port in self.ports.items()]
        text = "\n".join(['[stack]\nname = "default"', "[ports]", *lines])
        (self.folder / "stack.toml").write_text(text)
        return load_stack(self.folder)

    def whole(self, service: str) -> Health:
        return probe_services(self.stack, self.engine, [service], 1)[service]

    def health(self, service: str) -> Health:
        """Return state, reason and restarts; the rest is told elsewhere."""
        return Health(*self.whole(service)[:3])

    def key(self, service: str, value: str) -> None:
        """Write a key into `.env`."""
        name = f"{service.upper()}_API_KEY"
        (self.folder / ".env").write_text(f"{name}={value}\n")
