"""Where an application keeps the key of another one."""

from typing import Literal, NamedTuple

from msgspec import Struct

from usenet_stack.stack.secrets import SecretValue

Kind = Literal[
    "provider",
    "bazarr",
    "seerr-server",
    "seerr-jellyfin",
    "mylar-provider",
    "ini",
    "text",
]


class Place(Struct, frozen=True):
    """One place that holds a key; no secret itself, so it may be journalled.

    Args:
        kind: how the key is put there: provider: a resource of the Servarr
            family; ini: a setting in a file, while the application is
            stopped; text: the key's own letters in a file.
        service: whose place it is.
        resource: such as "applications", "downloadclient", "sonarr"; the
            path of a file below `config/<service>/`.
        number: the id of the resource.
        field: the setting that holds the key.
        title: what a person calls it: 'application "Sonarr"'.
    """

    kind: Kind
    service: str
    resource: str
    title: str
    number: int = 0
    field: str = ""


class Link(NamedTuple):
    """A place, and what tells whose key it holds.

    Args:
        host, port: where the holder reaches the application; "" and 0 when
            it does not say.
        value: the key itself, where the holder shows it.
    """

    place: Place
    host: str = ""
    port: int = 0
    value: SecretValue | None = None
