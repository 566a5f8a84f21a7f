"""The drives that a stack's pool has: `.usenet/pool.json`."""

import os
from pathlib import Path

import msgspec

from usenet_stack.errors import UsenetError


class PoolDrive(msgspec.Struct, frozen=True):
    """One drive of the pool.

    Args:
        source: the folder of the host that it shows; of a drive that we
            mount ourselves its device.
        uuid: of its file system; "" when it has none.
        device: what was mounted there when it was added ("/dev/sdb1").
        by_id: the device's lasting name, for want of a UUID.
        fstype: its file system.
        mounts: we mount the device itself; nobody else does.
        services: whose root folders it becomes; empty: all.
    """

    source: str
    uuid: str = ""
    device: str = ""
    by_id: str = ""
    fstype: str = ""
    mounts: bool = False
    services: tuple[str, ...] = ()


class Pool(msgspec.Struct, frozen=True):
    """What the stack knows of its pool.

    Args:
        id: stands in the sentinel of each drive; "" before the first.
        drives: by name.
        departed: names of drives that have left; what applications that
            were off at the time still have of them is ours to take away.
    """

    id: str = ""
    drives: dict[str, PoolDrive] = {}
    departed: tuple[str, ...] = ()


_KEYS = {"id", "drives", "departed"}


def registry_path(stack_folder: Path) -> Path:
    """Return the file that holds the pool's drives."""
    return stack_folder / ".usenet" / "pool.json"


def read_pool(stack_folder: Path) -> Pool:
    """Return what is known of the pool.

    Raises:
        UsenetError: "storage.registry" when the file is damaged.
    """
    path = registry_path(stack_folder)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Pool()
    try:
        return _pool(msgspec.json.decode(content))
    except msgspec.MsgspecError as problem:
        raise UsenetError(
            "storage.registry", path=path, why=str(problem)
        ) from problem


def _pool(document: object) -> Pool:
    if isinstance(document, dict) and not document.keys() & _KEYS:
        # Version 0.1.0 wrote nothing but the drives by name.
        return Pool(drives=msgspec.convert(document, dict[str, PoolDrive]))
    return msgspec.convert(document, Pool)


def read_registry(stack_folder: Path) -> dict[str, PoolDrive]:
    """Return the drives by name, sorted; none when there is no file.

    Raises:
        UsenetError: "storage.registry" when the file is damaged.
    """
    return read_pool(stack_folder).drives


def write_pool(stack_folder: Path, pool: Pool) -> None:
    """Replace the file; it belongs to the owner of the stack's folder.

    Raises:
        OSError: the old one is still there.
    """
    # Who only reads need not wait for the transaction's modules.
    from usenet_stack.transaction.durable import write_durably

    path = registry_path(stack_folder)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    drives = dict(sorted(pool.drives.items()))
    pool = msgspec.structs.replace(pool, drives=drives)
    content = msgspec.json.format(msgspec.json.encode(pool), indent=2)
    status = stack_folder.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    write_durably(path, content + b"\n", 0o600, owner)


def write_registry(stack_folder: Path, drives: dict[str, PoolDrive]) -> None:
    """Replace the drives and nothing else.

    Raises:
        OSError: the old ones are still there.
    """
    pool = read_pool(stack_folder)
    write_pool(stack_folder, msgspec.structs.replace(pool, drives=drives))
