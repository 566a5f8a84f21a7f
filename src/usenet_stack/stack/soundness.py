"""What a service file must keep beyond its types."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from usenet_stack.stack.checks import Problem
from usenet_stack.stack.names import meant
from usenet_stack.stack.placeholders import FACTS, names_in
from usenet_stack.stack.service import Service

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/:-]*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})\Z"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")


def problems(service: Service) -> Iterator[Problem]:
    """Yield everything that is wrong with one service."""
    if not NAME.match(service.name):
        yield Problem((), "the file's name may only hold a-z, 0-9, - and _")
    if not _IMAGE.match(service.image):
        yield Problem(
            ("image",), f"{service.image!r} has no tag, such as :latest"
        )
    if service.deprecated and not service.replacement:
        yield Problem(("replacement",), "a deprecated service needs one")
    yield from _ports(service)
    yield from _volumes(service)
    yield from _secrets(service)
    yield from _placeholders(service)


def _ports(service: Service) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, port in enumerate(service.ports):
        if port.name in seen:
            yield Problem(
                ("ports", index, "name"), f"{port.name!r} is there twice"
            )
        seen.add(port.name)
    health = service.health
    inside = [port.container for port in service.ports]
    if health.kind != "container" and not inside:
        yield Problem(("health", "kind"), "without ports: use container")
    elif health.port and health.port not in inside:
        yield Problem(("health", "port"), "is not one of its ports")


def _volumes(service: Service) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, volume in enumerate(service.volumes):
        at = ("volumes", index)
        if not _absolute(volume.target):
            yield Problem((*at, "target"), "must be a whole path: /...")
        if volume.target in seen:
            yield Problem((*at, "target"), f"{volume.target} is mounted twice")
        seen.add(volume.target)
        if volume.kind == "host" and not _absolute(volume.source):
            yield Problem((*at, "source"), "must be a whole path: /...")
        if volume.kind in ("config", "cache") and not _below(volume.source):
            yield Problem((*at, "source"), "must lie below its own folder")
    for index, seed in enumerate(service.seeds):
        if not seed.path or not _below(seed.path):
            yield Problem(
                ("seeds", index, "path"), "must lie below its own folder"
            )


def _absolute(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.is_absolute() and ".." not in pure.parts


def _below(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def _secrets(service: Service) -> Iterator[Problem]:
    own = [secret.name for secret in service.secrets]
    if service.key.secret and service.key.secret not in own:
        yield Problem(
            ("key", "secret"), f"{service.key.secret} is not in its secrets"
        )
    for index, name in enumerate(own):
        if name in own[:index]:
            yield Problem(("secrets", index, "name"), f"{name} is there twice")


def _placeholders(service: Service) -> Iterator[Problem]:
    known = {*FACTS, *(secret.name for secret in service.secrets)}
    for path, text in _texts(service):
        for name in names_in(text):
            if name not in known:
                yield Problem(
                    path,
                    f"${{{name}}} is neither a secret of this service nor "
                    f"a fact{meant(name, known)}",
                )
    for name in service.environment:
        if not _VARIABLE.match(name):
            yield Problem(("environment", name), "is no variable's name")


def _texts(
    service: Service,
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, value in service.environment.items():
        yield ("environment", name), value
    for index, value in enumerate(service.command):
        yield ("command", index), value
    for index, value in enumerate(service.folders):
        yield ("folders", index), value
    for index, seed in enumerate(service.seeds):
        yield ("seeds", index, "text"), seed.text
