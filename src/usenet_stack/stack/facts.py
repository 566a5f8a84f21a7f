"""The values of the ${facts} that service files may use."""

from usenet_stack.stack.model import DATA, Stack
from usenet_stack.stack.service import Service

_LOCAL = ("localhost", "127.0.0.1")


def fact(stack: Stack, service: Service, name: str) -> str:
    """Return the value of one fact; see `placeholders.FACTS`."""
    settings = stack.settings.stack
    if name == "hosts":
        return ",".join(hosts(stack, service))
    if name == "hosts_with_ports":
        return ",".join(_with_ports(stack, service))
    if name == "port":
        if not service.ports:
            return ""
        return str(stack.host_port(service, service.ports[0]))
    return {
        "data": DATA,
        "downloads": stack.downloads_inside,
        "media": stack.media_inside,
        "pgid": str(settings.pgid),
        "puid": str(settings.puid),
        "service": service.name,
        "timezone": settings.timezone,
        "umask": settings.umask,
    }[name]


def hosts(stack: Stack, service: Service) -> tuple[str, ...]:
    """Return the names under which a service may be asked.

    Its own name is what the other containers use, or that of the service
    whose network it uses. When the port is open on every address and no
    names were told, any has to do: "*".
    """
    settings = stack.settings.stack
    everywhere = settings.bind in ("0.0.0.0", "::")
    if everywhere and not settings.hosts:
        return ("*",)
    bound = () if everywhere else (settings.bind,)
    shared = stack.networks.get(service.name)
    inside = (service.name, shared) if shared else (service.name,)
    every = (*inside, *_LOCAL, *bound, *settings.hosts)
    return tuple(dict.fromkeys(every))


def _with_ports(stack: Stack, service: Service) -> list[str]:
    names = hosts(stack, service)
    if names == ("*",) or not service.ports:
        return list(names)
    port = service.ports[0]
    numbers = dict.fromkeys((stack.host_port(service, port), port.container))
    found = [f"{name}:{number}" for name in names for number in numbers]
    # Behind a reverse proxy the browser names no port.
    return [*found, *stack.settings.stack.hosts]
