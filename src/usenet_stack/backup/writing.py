"""Writes one archive, from what is selected to a file that is durable."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack import __version__
from usenet_stack.backup.container import PIECE, Compression, Container
from usenet_stack.backup.databases import Copied, DatabaseCopier
from usenet_stack.backup.facts import git_state, service_facts
from usenet_stack.backup.manifest import (
    NAME,
    Manifest,
    ServiceFacts,
    head_and_tail,
)
from usenet_stack.backup.members import Member, encode, padding
from usenet_stack.backup.packing import Packed, Packer, Progress
from usenet_stack.backup.postgres_dump import dumps
from usenet_stack.backup.selection import (
    Choice,
    chosen,
    is_sqlite,
    missing_databases,
    named_databases,
    select,
)
from usenet_stack.backup.sizes import guard, measure
from usenet_stack.backup.steady import TRIES
from usenet_stack.stack.model import Stack

END = bytes(1024)


class Words(msgspec.Struct, frozen=True):
    """The user's own words on a backup."""

    name: str = ""
    description: str = ""


def write_archive(
    stack: Stack,
    choice: Choice,
    words: Words,
    staging: Path,
    compression: Compression,
    held: dict[str, Copied],
    progress: Progress,
    *,
    guarded: bool = True,
) -> tuple[Path, Manifest, str]:
    """Write an archive (0600) into the staging folder and make it durable.

    Args:
        held: databases that were copied before, by source.
        progress: called with the number of members that are in.
        guarded: whether it may only be as large as stack.toml says.

    Returns: where it is, what it says of itself, its seal.
    Raises: as `Packer.pack`; backup.too-large before any of it is written.
    """
    listing = staging / "listing"
    services = chosen(stack, choice.services)
    with (
        listing.open("wb", PIECE) as lines,
        DatabaseCopier(staging, stack.settings.backup.busy_seconds) as copier,
    ):
        for _, _, path in named_databases(stack, choice):
            # They take longest; others are found on the way.
            place = str(path.resolve())
            if place not in held and is_sqlite(place):
                copier.ask(place)
        sizes = measure(stack, choice)
        if guarded:
            guard(stack, choice.type, sizes)
        with closing(
            Container(staging / "archive", compression, sizes.room)
        ) as container:
            facts = service_facts(stack, services)
            packer = Packer(container, lines, staging, copier, held)
            items = sizes.items or select(stack, choice)
            packed = packer.pack(items, progress)
            if choice.type != "minimal":
                for dump in dumps(stack, services, staging):
                    packer.pack_dump(dump)
            container.write(END)
            manifest = _manifest(stack, choice, words, packed, facts)
            lines.flush()
            container.finish(_head(manifest, listing))
            return container.path, manifest, container.seal_hex


def _head(manifest: Manifest, listing: Path) -> Iterator[bytes]:
    """Yield the first member: the manifest with its list of files."""
    front, back = head_and_tail(manifest)
    size = len(front) + listing.stat().st_size + len(back)
    now = time.time_ns() // 10**9 * 10**9
    name = NAME.encode()
    ids = os.geteuid(), os.getegid()
    yield encode(Member(name, "file", 0o600, *ids, size, now))
    yield front
    with listing.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
    yield back + bytes(padding(size))


def _manifest(
    stack: Stack,
    choice: Choice,
    words: Words,
    packed: Packed,
    services: tuple[ServiceFacts, ...],
) -> Manifest:
    facts: dict[str, Any] = {
        "tool": __version__,
        "type": choice.type,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": socket.gethostname(),
        "stack": stack.name,
        "project": stack.project,
        "services": services,
        "git": git_state(stack.folder),
        "skipped": tuple(packed.skipped),
        "remarks": tuple(_remarks(stack, choice, packed)),
    }
    return Manifest(
        **facts,
        name=words.name,
        description=words.description,
        partial=bool(choice.services),
        files=packed.files,
        folders=packed.folders,
        databases=packed.databases,
        size=packed.size,
    )


def _remarks(stack: Stack, choice: Choice, packed: Packed) -> Iterator[str]:
    """Yield what a person must know before relying on this backup."""
    bolt = {
        f"config/{service.name}/{database.path}"
        for service in stack.services
        for database in service.backup.databases
        if database.journal == "bolt"
    }
    for name in packed.live:
        if name in bolt:
            continue  # as good as what a power cut leaves; see `Packer`
        yield (
            f"{name} is a database that only its service can copy: it was "
            "taken as a file while the service ran. To be sure, stop the "
            "service first."
        )
    for name in packed.outside:
        yield f"{name} is a link; what it leads to is not in the backup."
    for name in packed.set_id:
        yield f"{name} does not run as another user any more in the backup."
    for name in packed.unsteady:
        yield f"{name} changed while it was read, each of {TRIES} times."
    if choice.type == "minimal":
        return
    for service, database in missing_databases(stack, choice):
        yield f"{service.name} has no {database.path}, if it should have one."
