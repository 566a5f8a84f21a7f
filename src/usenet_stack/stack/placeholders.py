"""The little language of the catalogue: ${SECRET} and ${fact}."""

import re
from collections.abc import Callable

FACTS = (
    "data",  # where the one mount is inside: /data
    "downloads",  # the downloads inside it
    "hosts",  # names that a browser may use for this service
    "hosts_with_ports",  # the same, each with the ports
    "media",  # the pool's parent inside it
    "pgid",
    "port",  # the first port that the host publishes for it
    "puid",
    "service",  # its own name
    "timezone",
    "umask",
)

_TOKEN = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(
    text: str,
    fact: Callable[[str], str],
    secret: Callable[[str], str],
    literal: Callable[[str], str] = str,
) -> str:
    """Return `text` with its placeholders replaced.

    Args:
        text: from a service file; "$$" stands for a dollar.
        fact: gives the value of a lower-case name.
        secret: gives what stands for a secret, its value or a reference.
        literal: applied to all the rest and to facts.
    """
    parts: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        parts.append(literal(text[end : found.start()]))
        name = found[1]
        if name is None:
            parts.append(literal("$"))
        elif name.isupper():
            parts.append(secret(name))
        else:
            parts.append(literal(fact(name)))
        end = found.end()
    parts.append(literal(text[end:]))
    return "".join(parts)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of all placeholders in `text`."""
    return tuple(name for name in _TOKEN.findall(text) if name)
