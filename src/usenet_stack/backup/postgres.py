"""Services whose data lies in PostgreSQL, which no copy of files holds."""

import re
from collections.abc import Iterator
from typing import Any

from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

_HOST = re.compile(r"postgres.*host|^DB_HOST$", re.IGNORECASE)
_ELEMENT = re.compile(r"<PostgresHost>([^<]+)</PostgresHost>")


def on_postgres(
    stack: Stack, services: tuple[Service, ...], *, dumped: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield service and host of those configured for PostgreSQL.

    Args:
        dumped: also for a server among them, which is dumped.

    Source: the *arr applications take `APP__POSTGRES__HOST` or
        `PostgresHost` in config.xml, Seerr `DB_HOST`.
    """
    override = _override(stack)
    servers = {s.name for s in services if s.backup.postgres is not None}
    for service in services:
        host = _environment(override.get(service.name)) or _file(stack, service)
        if host and (dumped or host not in servers):
            yield service.name, host


def _override(stack: Stack) -> dict[str, Any]:
    try:
        text = stack.override_path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}  # compose itself tells what is wrong with it
    services = found.get("services") if isinstance(found, dict) else None
    return services if isinstance(services, dict) else {}


def _environment(service: Any) -> str:
    found = service.get("environment") if isinstance(service, dict) else None
    if isinstance(found, list):
        found = dict(str(line).partition("=")[::2] for line in found)
    if not isinstance(found, dict):
        return ""
    hosts = (str(v or "") for k, v in found.items() if _HOST.search(str(k)))
    return next((host for host in hosts if host), "")


def _file(stack: Stack, service: Service) -> str:
    if service.key.format != "xml":
        return ""
    try:
        path = stack.config_folder(service) / service.key.file
        found = _ELEMENT.search(path.read_text("utf-8", "replace"))
    except OSError:
        return ""
    return found[1].strip() if found else ""
