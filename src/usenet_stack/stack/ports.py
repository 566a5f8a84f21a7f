"""Which ports of the machine a stack takes."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

_FIRST_SPARE = 20000
_LAST_PORT = 65535


class Claim(NamedTuple):
    """One port of the machine that a service wants."""

    service: str
    name: str
    address: str
    port: int
    protocol: Literal["tcp", "udp"]


def claims(stack: Stack) -> tuple[Claim, ...]:
    """Return every port that the services that are on want."""
    return tuple(
        Claim(
            service.name,
            port.name,
            stack.bind,
            stack.host_port(service, port),
            port.protocol,
        )
        for service in stack.services
        for port in service.ports
    )


def refuse_duplicates(stack: Stack) -> None:
    """Check that no two services want the same port.

    Raises:
        UsenetError: port.duplicate, with a number that is free among them.
    """
    seen: dict[tuple[int, str], Claim] = {}
    for claim in claims(stack):
        first = seen.setdefault((claim.port, claim.protocol), claim)
        if first is claim:
            continue
        main = stack.catalog[claim.service].ports[0].name
        key = claim.service
        key += "" if claim.name == main else f".{claim.name}"
        raise UsenetError(
            "port.duplicate",
            first=first.service,
            second=claim.service,
            port=claim.port,
            service=key,
            free=_spare(claim.port, {c.port for c in claims(stack)}),
        )


def reassign(
    stack: Stack, is_free: Callable[[int, Literal["tcp", "udp"]], bool]
) -> dict[str, dict[str, int]]:
    """Choose other ports where the usual ones are taken.

    Args:
        is_free: tells whether a port of the machine can be had; ports of
            this stack's own containers count as free.

    Returns:
        What [ports] needs on top, by service and port name; empty when
        all are free. A number that tcp and udp share stays shared.
    """
    every = claims(stack)
    taken = {claim.port for claim in every}
    moved: dict[tuple[str, int], int] = {}
    for claim in every:
        key = (claim.service, claim.port)
        if key in moved or is_free(claim.port, claim.protocol):
            continue
        number = _spare(claim.port, taken)
        while not (is_free(number, "tcp") and is_free(number, "udp")):
            number = _spare(number, taken | {number})
        moved[key] = number
        taken.add(number)
    chosen: dict[str, dict[str, int]] = {}
    for claim in every:
        if number := moved.get((claim.service, claim.port), 0):
            chosen.setdefault(claim.service, {})[claim.name] = number
    for claim in every:
        # A number alone means the first port; a table takes its place.
        own = stack.settings.ports.get(claim.service)
        if claim.service in chosen and isinstance(own, int):
            chosen[claim.service].setdefault(claim.name, claim.port)
    return chosen


def _spare(port: int, taken: set[int]) -> int:
    # 8989 becomes 28989 where that is a port: easy to remember.
    number = port if port > _FIRST_SPARE else port + _FIRST_SPARE
    while number in taken or number > _LAST_PORT:
        number = number + 1 if number < _LAST_PORT else _FIRST_SPARE
    return number
