"""Folders and first files that a stack needs before its first start."""

from pathlib import Path
from typing import NamedTuple

from usenet_stack.stack.facts import fact
from usenet_stack.stack.model import Stack
from usenet_stack.stack.placeholders import fill
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Service


class Folder(NamedTuple):
    """A folder that must exist; an existing one keeps owner and mode."""

    path: Path
    uid: int
    gid: int
    mode: int = 0o755


class SeedFile(NamedTuple):
    """A file to write where none is: its text may hold secrets."""

    service: str
    path: Path
    text: SecretValue
    mode: int
    uid: int
    gid: int


def owner(stack: Stack, service: Service) -> tuple[int, int]:
    """Return uid and gid of the files that a service keeps."""
    settings = stack.settings.stack
    if stack.sandbox or service.user in ("puid", "user"):
        return settings.puid, settings.pgid
    uid = service.uid or 0
    return uid, uid


def folders(stack: Stack) -> tuple[Folder, ...]:
    """Return every folder that must exist, parents first."""
    settings = stack.settings.stack
    ids = (settings.puid, settings.pgid)
    found: dict[Path, Folder] = {}
    for path in (
        stack.config_root,
        stack.cache_root,
        stack.data_root,
        stack.media_root,
        stack.downloads_root,
    ):
        _add(found, Folder(path, *ids), _top(stack, path))
    for service in stack.services:
        mine = owner(stack, service)
        for volume in service.volumes:
            if volume.kind not in ("config", "cache"):
                continue
            root = (
                stack.config_root
                if volume.kind == "config"
                else stack.cache_root
            )
            # Config folders hold keys: nobody else needs to look in.
            path = stack.source(service, volume)
            _add(found, Folder(path, *mine, 0o750), root)
        for seed in service.seeds:
            path = (stack.config_folder(service) / seed.path).parent
            _add(found, Folder(path, *mine, 0o750), stack.config_root)
        for text in service.folders:
            path = stack.inside_to_host(_plain(stack, service, text))
            _add(found, Folder(path, *ids), stack.data_root)
    return tuple(found.values())


def _add(found: dict[Path, Folder], folder: Folder, root: Path) -> None:
    for parent in reversed(folder.path.parents):
        if parent.is_relative_to(root):
            found.setdefault(parent, folder._replace(path=parent))
    found.setdefault(folder.path, folder)


def _top(stack: Stack, path: Path) -> Path:
    # A folder elsewhere: its parents are the user's business.
    inside = path.is_relative_to(stack.folder)
    below = path.is_relative_to(stack.data_root)
    if below and not stack.data_root.is_relative_to(stack.folder):
        return stack.data_root
    if not inside:
        return path
    return stack.folder / path.relative_to(stack.folder).parts[0]


def _plain(stack: Stack, service: Service, text: str) -> str:
    return fill(text, lambda name: fact(stack, service, name), str)


def seed_paths(stack: Stack) -> tuple[tuple[str, Path], ...]:
    """Return (service, path) of each file of `seed_files`."""
    return tuple(
        (service.name, stack.config_folder(service) / seed.path)
        for service in stack.services
        for seed in service.seeds
    )


def seed_files(stack: Stack, secrets: Secrets) -> tuple[SeedFile, ...]:
    """Return the files that must be there before the first start.

    Args:
        secrets: of `.env`; every required one that can be made.

    Raises:
        KeyError: a secret is missing: complete `.env` first.
    """
    found: list[SeedFile] = []
    for service in stack.services:
        optional = {s.name for s in service.secrets if s.optional}

        def secret(name: str, free: set[str] = optional) -> str:
            if name in free and name not in secrets:
                return ""
            return secrets[name].reveal()

        for seed in service.seeds:
            text = fill(
                seed.text.lstrip("\n"),
                lambda name, of=service: fact(stack, of, name),  # type: ignore[misc]
                secret,
            )
            found.append(
                SeedFile(
                    service.name,
                    stack.config_folder(service) / seed.path,
                    SecretValue(text),
                    int(seed.mode, 8),
                    *owner(stack, service),
                )
            )
    return tuple(found)
