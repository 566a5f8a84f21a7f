"""Under which names and ports the others reach an application."""

from urllib.parse import urlsplit

from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

Reached = frozenset[tuple[str, int]]
_OUTSIDE = ("localhost", "127.0.0.1", "::1", "host.docker.internal")


def reached_as(stack: Stack, service: Service) -> Reached:
    """Return every (host, port) that leads to a service.

    Inside: its names in the stack's network and the container's ports.
    From outside: the names of this machine and the published ports.
    """
    inside = {
        service.name,
        *service.aliases,
        f"{stack.project}-{service.name}-1",
    }
    inside |= {service.hostname} if service.hostname else set()
    if owner := stack.networks.get(service.name):
        # In the network of a VPN it is reached under the VPN's name.
        inside |= {owner, f"{stack.project}-{owner}-1"}
    outside = {stack.bind, *stack.settings.stack.hosts, *_OUTSIDE}
    found = set()
    for port in service.ports:
        if port.protocol != "tcp":
            continue
        number = stack.container_port(service, port)
        found |= {(name.lower(), number) for name in inside}
        number = stack.host_port(service, port)
        found |= {(name.lower(), number) for name in outside}
    return frozenset(found)


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of a URL; ("", 0) when it is none."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return "", 0
    return (parts.hostname or "").lower(), port
