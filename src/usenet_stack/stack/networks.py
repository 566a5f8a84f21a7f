"""Services that use the network of another one, such as a VPN's."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from usenet_stack.errors import UsenetError
from usenet_stack.stack.service import Port, Service

if TYPE_CHECKING:
    from usenet_stack.stack.model import Stack


def shared_networks(stack: "Stack") -> dict[str, str]:
    """Return whose network each service uses that has none of its own.

    Those that are off are left out.

    Raises:
        UsenetError: service.unknown; network.off: the other one is off;
            network.chain: it uses a third one's, or its own; network.ports:
            two in one network want the same port there.
    """
    found: dict[str, str] = {}
    for name, other in stack.settings.services.network.items():
        service, host = stack.resolve(name).name, stack.resolve(other).name
        if stack.enabled(service):
            found[service] = host
    for service, host in found.items():
        if host == service or host in found:
            raise UsenetError(
                "network.chain",
                service=service,
                host=host,
                other=found[host],
            )
        if not stack.enabled(host):
            raise UsenetError("network.off", service=service, host=host)
    for host in dict.fromkeys(found.values()):
        _refuse_same_ports(stack, host, found)
    return found


def users_of(networks: Mapping[str, str], host: str) -> tuple[str, ...]:
    """Return the services that use the network of `host`."""
    return tuple(name for name, other in networks.items() if other == host)


def _refuse_same_ports(
    stack: "Stack", host: str, networks: Mapping[str, str]
) -> None:
    holders: dict[tuple[int, str], str] = {}
    for service, port in _ports(stack, (host, *users_of(networks, host))):
        number = stack.container_port(service, port)
        holder = holders.setdefault((number, port.protocol), service.name)
        if holder != service.name:
            raise UsenetError(
                "network.ports",
                first=holder,
                second=service.name,
                port=number,
                host=host,
            )


def _ports(
    stack: "Stack", names: tuple[str, ...]
) -> Iterator[tuple[Service, Port]]:
    for name in names:
        service = stack.catalog[name]
        for port in service.ports:
            yield service, port
