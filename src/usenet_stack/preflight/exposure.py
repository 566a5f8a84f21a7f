"""Who else can reach what the stack opens?"""

import ipaddress
from collections.abc import Iterator

from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.site import Site
from usenet_stack.stack.model import Stack

_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


def _local(stack: Stack) -> bool:
    return ipaddress.ip_address(stack.bind).is_loopback


def check_socket_exposure(site: Site) -> Iterator[Finding]:
    """Services that hold Docker's socket are as mighty as root."""
    if site.stack is None:
        return
    for service in site.stack.services:
        if not any(v.source in _SOCKETS for v in service.volumes):
            continue
        code = "exposure.socket"
        if _local(site.stack):
            text = "It controls Docker; only this machine reaches it."
            yield ok(code, service.name, text)
            continue
        yield Finding(
            code,
            "warn",
            service.name,
            f"It controls Docker, as root, and {site.stack.bind} opens it "
            "to the network: set its password at once.",
            f"usenet config set services.disable '[\"{service.name}\"]'   "
            "(or: usenet config set stack.bind 127.0.0.1)",
        )


def check_open_services(site: Site) -> Iterator[Finding]:
    """Pages without a login, when the network can reach them."""
    if site.stack is None:
        return
    code, stack = "exposure.bind", site.stack
    if _local(stack):
        yield ok(code, stack.bind, "Only this machine reaches the services.")
        return
    bare = [
        service.name
        for service in stack.services
        if service.web is not None and service.key.where == "none"
    ]
    if not bare:
        yield ok(code, stack.bind, "All services ask for a login.")
        return
    yield Finding(
        code,
        "warn",
        stack.bind,
        "The network reaches these, and they ask for no login by "
        f"themselves: {', '.join(bare)}.",
        "usenet config set stack.bind 127.0.0.1   (or set their passwords)",
    )
    if "ENABLED=yes" in _ufw(site):
        yield Finding(
            "exposure.firewall",
            "warn",
            "ufw",
            "UFW does not filter the ports that Docker publishes.",
            "usenet config set stack.bind 127.0.0.1",
        )


def _ufw(site: Site) -> str:
    try:
        return (site.root / "etc/ufw/ufw.conf").read_text(errors="replace")
    except OSError:
        return ""
