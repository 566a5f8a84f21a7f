"""Who holds the key of a service: found by looking, never assumed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.keys.addresses import reached_as
from usenet_stack.keys.looking import links_of, may_hold
from usenet_stack.keys.places import Link, Place
from usenet_stack.keys.ways import held_in, secret_name, way_of
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Service

SECONDS = 10.0
# Files that hold keys of others in plain letters, below config/<service>/.
TEXT_FILES = {
    "recyclarr": (
        "recyclarr.yml",
        "secrets.yml",
        "configs/*.yml",
        "includes/*.yml",
    ),
    "homepage": ("*.yaml", "*.yml"),
    "unpackerr": ("*.conf", "*.toml", "*.yaml"),
}


class Seen(NamedTuple):
    """What the applications hold.

    Args:
        links: by service.
        silent: why a service could not be asked, by its name.
    """

    links: Mapping[str, list[Link]]
    silent: Mapping[str, UsenetError]

    def holders(
        self, stack: Stack, service: Service, value: SecretValue | None
    ) -> tuple[Place, ...]:
        """Return the places that hold the key of a service.

        Args:
            value: the key, for places that show what they hold.
        """
        reached = reached_as(stack, service)
        found = [
            link.place
            for name, links in self.links.items()
            for link in links
            if name != service.name and _fits(link, service, reached, value)
        ]
        return (*found, *_in_texts(stack, service, value))


def look_around(
    stack: Stack,
    env: Secrets,
    target: Service | None = None,
    seconds: float = SECONDS,
) -> Seen:
    """Ask all applications of a stack at once what they hold.

    Args:
        target: only those that can hold the key of this service.
        seconds: how long each may take.
    """

    def ask(service: Service) -> list[Link] | UsenetError:
        try:
            return links_of(stack, service, env, seconds)
        except UsenetError as error:
            return error

    asked = [service for service in stack.services if may_hold(service, target)]
    found = ask_all({s.name: partial(ask, s) for s in asked}, seconds + 1)
    links = {n: f for n, f in found.items() if isinstance(f, list)}
    silent = {n: f for n, f in found.items() if isinstance(f, UsenetError)}
    for service in asked:
        if service.name not in found:
            late = UsenetError(
                "app.silent",
                service=service.name,
                seconds=seconds,
                call="what it holds",
            )
            silent[service.name] = late
    ordered = [s.name for s in asked if s.name in links]
    return Seen({name: links[name] for name in ordered}, silent)


def _fits(
    link: Link,
    service: Service,
    reached: frozenset[tuple[str, int]],
    value: SecretValue | None,
) -> bool:
    if link.value is not None and value and link.value == value:
        return True
    if link.value is not None and way_of(service) == "asked":
        return False  # it makes many keys: that is one of its own
    if link.place.kind == "provider" and link.place.field != held_in(service):
        return False
    return (link.host, link.port) in reached


def _in_texts(
    stack: Stack, service: Service, value: SecretValue | None
) -> Iterator[Place]:
    if not value or len(value.reveal()) < 16:
        return  # too short to be told from other text
    wanted = exactly(value)
    for name, patterns in TEXT_FILES.items():
        if not stack.enabled(name) or name == service.name:
            continue
        folder = stack.config_folder(stack.catalog[name])
        paths = {path for each in patterns for path in folder.glob(each)}
        for path in sorted(paths):
            try:
                text = path.read_bytes()
            except OSError as error:
                raise _unreadable(service, name, error) from error
            if wanted.search(text):
                below = str(path.relative_to(folder))
                title = f"{secret_name(service)} in {below}"
                yield Place("text", name, below, title)


def _unreadable(service: Service, holder: str, error: OSError) -> UsenetError:
    return UsenetError(
        "keys.holder-silent",
        holder=holder,
        service=service.name,
        why=f"{error.filename}: {error.strerror}.",
        hint=f"sudo chown -R $(id -u):$(id -g) {error.filename}",
    )


def exactly(value: SecretValue) -> re.Pattern[bytes]:
    """Return what finds a key in a text, and not inside a longer word."""
    letters = re.escape(value.reveal().encode())
    return re.compile(rb"(?<![A-Za-z0-9_])" + letters + rb"(?![A-Za-z0-9_])")


def holding_services(places: Iterable[Place]) -> tuple[str, ...]:
    """Return the names of the services, each once."""
    return tuple(dict.fromkeys(place.service for place in places))
