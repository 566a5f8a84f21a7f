"""Are the ports of the stack free, and who holds those that are not?"""

import shlex
from collections.abc import Iterator

from usenet_stack.preflight.daemon import Published
from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.listeners import (
    Listener,
    Protocol,
    command_name,
    overlaps,
    owners,
)
from usenet_stack.preflight.site import Site
from usenet_stack.stack.ports import Claim, claims


def check_ports(site: Site) -> Iterator[Finding]:
    """Every port that an enabled service wants."""
    if site.stack is None:
        return
    wanted = claims(site.stack)
    taken = []
    for claim in wanted:
        if holder := _holder(site, claim):
            taken.append(claim)
            main = site.stack.catalog[claim.service].ports[0].name
            key = claim.service
            key += "" if claim.name == main else f".{claim.name}"
            yield _conflict(site, claim, key, holder)
    if not taken:
        yield ok("ports.free", "ports", f"All {len(wanted)} are free or ours.")


def _conflict(site: Site, claim: Claim, key: str, holder: str) -> Finding:
    folder = shlex.quote(str(site.stack.folder if site.stack else "."))
    return Finding(
        "ports.free",
        "fail",
        f"port {claim.port}/{claim.protocol}",
        f"{claim.service} needs it, but {holder} holds it.",
        f"usenet config set ports.{key} {_other(claim.port)} --stack {folder}"
        "   (or stop what holds it; a sandbox: usenet destroy)",
        {"port": claim.port, "service": claim.service},
    )


def _other(port: int) -> int:
    return port + 20000 if port < 40000 else port - 20000


def _holder(site: Site, claim: Claim) -> str:
    """Return who holds a port, or "" when it is free or our own."""
    project = site.stack.project if site.stack else ""
    for port in site.published:
        if _competes(port, claim):
            own = port.project == project
            return "" if own else f"the container {port.container}"
    here = [one.inode for one in site.listeners if _competes(one, claim)]
    if not here:
        return ""
    found = owners(here, site.root)
    for pid in found.values():
        return f"{command_name(pid, site.root)} (process {pid})"
    return "a process of another user (see it: sudo ss -lntup)"


def _competes(held: Listener | Published, claim: Claim) -> bool:
    same = (held.port, held.protocol) == (claim.port, claim.protocol)
    return same and overlaps(held.address, claim.address)


def port_is_free(site: Site, port: int, protocol: Protocol) -> bool:
    """Tell whether the stack can have a port of this machine.

    Args:
        site: its stack's own containers do not count.
    """
    address = site.stack.bind if site.stack else "127.0.0.1"
    claim = Claim("", "", address, port, protocol)
    return not _holder(site, claim)
