"""The network of a drill: its containers reach each other, and nothing else.

An internal network alone does not do: Docker drops what would be forwarded,
but the bridge is the way to every address of this machine, and some Engines
ask the machine's own name servers for the containers. So the way out leads
to an address that nobody has, and so do questions for names.

Source: Docker Engine API, "Internal"; the bridge driver's reserved auxiliary
address `DefaultGatewayIPv4`.
"""

import socket
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError

Json = dict[str, Any]

TRIES = 3
# What a container is made with, so that no question for a name gets out, and
# an application does not wait long for the answer.
NAMES: Json = {
    "Dns": ["192.0.2.1"],  # reserved for documentation
    "DnsOptions": ["timeout:1", "attempts:1"],
}


def make_network(engine: Engine, project: str) -> bool:
    """Make the network of a drill.

    Args:
        project: of the drill; the network has the same name.

    Returns: whether this machine reaches what is in it. That of a rootless
        Engine, or of one in a virtual machine, is elsewhere.
    Raises:
        UsenetError: the Engine has no room for another, or is gone.
    """
    tries = TRIES
    while True:
        # Which addresses are free only the Engine knows.
        free = engine.create_network(project, project)
        (addresses,) = free["IPAM"]["Config"]
        engine.remove_network(free["Id"])
        subnet = ip_network(addresses["Subnet"])
        gateway = str(addresses.get("Gateway") or subnet[1]).partition("/")[0]
        nobody = {"DefaultGatewayIPv4": str(subnet[-2])}
        wanted = {
            "Subnet": str(subnet),
            "Gateway": gateway,
            "AuxiliaryAddresses": nobody,
        }
        try:
            engine.create_network(project, project, wanted)
            return _is_here(gateway)
        except UsenetError as error:
            # Somebody else was quicker to take the same addresses.
            tries -= 1
            if error.code != "docker.api" or not tries:
                raise


def _is_here(address: str) -> bool:
    """Tell whether an address is one of this machine."""
    with socket.socket() as probe, suppress(OSError):
        probe.bind((address, 0))
        return True
    return False
