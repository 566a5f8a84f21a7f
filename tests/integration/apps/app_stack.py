"""A stack whose services are simulators, fakes or nobody at all."""

from pathlib import Path

from usenet_stack.apps.app import App
from usenet_stack.apps.registry import open_app
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import Secrets, SecretValue

KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct-horse-battery"
SECRETS = {
    "JELLYFIN_ADMIN_PASSWORD": PASSWORD,
    "PORTAINER_ADMIN_PASSWORD": PASSWORD,
    "AUDIOBOOKSHELF_PASSWORD": PASSWORD,
    "TRANSMISSION_PASSWORD": PASSWORD,
    **{
        f"{name}_API_KEY": KEY
        for name in (
            "SONARR",
            "RADARR",
            "LIDARR",
            "READARR",
            "WHISPARR",
            "PROWLARR",
            "SABNZBD",
            "SEERR",
            "BAZARR",
            "TDARR",
            "MYLAR3",
        )
    },
}


def stack_with(folder: Path, ports: dict[str, int]) -> Stack:
    """Return a stack whose services listen on ports of 127.0.0.1."""
    folder.mkdir(exist_ok=True, parents=True)
    lines = ['[stack]\nname = "apps"', "[ports]"]
    for name, port in ports.items():
        # Tdarr's API has a port of its own.
        value = f"{{ server = {port} }}" if name == "tdarr" else str(port)
        lines.append(f"{name} = {value}")
    (folder / "stack.toml").write_text("\n".join(lines) + "\n")
    return load_stack(folder)


def secrets(**more: str) -> Secrets:
    """Return the secrets of all services, with some changed."""
    values = {**SECRETS, **more}
    return Secrets({name: SecretValue(v) for name, v in values.items()})


def opened(
    folder: Path,
    service: str,
    port: int,
    seconds: float = 5.0,
    **changed: str,
) -> App:
    """Return the client of a service that listens on a port."""
    stack = stack_with(folder, {service: port})
    known = secrets(**changed)
    app = open_app(stack, stack.catalog[service], known, seconds)
    assert app is not None
    return app
