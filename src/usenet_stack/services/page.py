"""The page of a service, for a browser."""

from typing import Any

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service


def page_of(stack: Stack, name: str) -> dict[str, Any]:
    """Return `name` and `url` of a service that is on.

    Raises:
        UsenetError: service.unknown, service.off, service.no-page.
    """
    service = enabled_service(stack, name)
    url = stack.url(service)
    if url is None:
        raise UsenetError("service.no-page", name=service.name)
    return {"name": service.name, "url": url}


def enabled_service(stack: Stack, name: str) -> Service:
    """Return the service of that name or alias, which must be on.

    Raises:
        UsenetError: service.unknown, service.off.
    """
    service = stack.resolve(name)
    if not stack.enabled(service.name):
        raise UsenetError("service.off", name=service.name)
    return service
