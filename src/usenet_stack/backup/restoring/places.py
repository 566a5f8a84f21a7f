"""Where a restore keeps what: one record, and one folder for each service."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from usenet_stack.backup.restoring.exchange import Pair
from usenet_stack.stack.model import Stack
from usenet_stack.transaction.durable import write_durably

Only = Literal["", "settings", "databases"]
MOST_NAMED = 5
_RECORD = re.compile(r"restore-([0-9TZ.]+-[0-9a-f]+)\.json")


class Restored(msgspec.Struct, frozen=True):
    """What is known of a restore; kept while it can be undone.

    Args:
        id: of the restore; later ones sort behind.
        backup: the archive that it came from.
        services: whose folders it made.
        mapped: what was changed for this machine, for a person.
        later: databases below the folder of each service that are copied
            when nobody writes to them.
        stale: names of secrets of which the backup knows another value.
        keys: who was given which key, and who needs one, for a person.
        done: its services ran on it.
        undone: the old folders are live again.
    """

    id: str
    backup: str
    services: tuple[str, ...]
    mapped: tuple[str, ...] = ()
    later: dict[str, tuple[str, ...]] = {}
    stale: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    done: bool = False
    undone: bool = False


def these(services: Sequence[str]) -> str:
    """Return services by name, or how many, for a person."""
    if len(services) <= MOST_NAMED:
        return ", ".join(services)
    return f"{len(services)} services"


def pair_of(stack: Stack, service: str, id: str) -> Pair:
    """Return the folder of a service and its spare beside it."""
    live = stack.config_folder(stack.catalog[service]).resolve()
    return Pair(live, live.with_name(f".restore-{id}-{service}"))


def record_path(stack: Stack, id: str) -> Path:
    """Return where a restore is noted."""
    return stack.state_path / f"restore-{id}.json"


def write_record(stack: Stack, record: Restored) -> None:
    """Note a restore, durably."""
    text = msgspec.json.encode(record)
    write_durably(record_path(stack, record.id), text, 0o600)


def read_record(stack: Stack, id: str) -> Restored:
    """Return what was noted.

    Raises:
        OSError: there is none.
    """
    content = record_path(stack, id).read_bytes()
    return msgspec.json.decode(content, type=Restored)


def noted_restores(stack: Stack) -> list[Restored]:
    """Return those that came to their end, the newest first."""
    names = (path.name for path in stack.state_path.glob("restore-*.json"))
    ids = sorted(m[1] for m in map(_RECORD.fullmatch, names) if m)
    found: Iterable[Restored] = (read_record(stack, id) for id in ids)
    return [record for record in reversed(list(found)) if record.done]


def kept_restores(stack: Stack) -> list[Restored]:
    """Return those that can be undone, the newest first.

    Each with the services whose old folder is there: one that had none
    before stays as it is.
    """
    found = []
    for record in noted_restores(stack):
        services = tuple(
            name
            for name in record.services
            if name in stack.catalog
            and pair_of(stack, name, record.id).spare.is_dir()
        )
        if services:
            found.append(msgspec.structs.replace(record, services=services))
    return found
