"""The drives that a stack's pool has: `.usenet/pool.json`."""

from pathlib import Path

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.durable import write_durably


class PoolDrive(msgspec.Struct, frozen=True):
    """One drive of the pool.

    Args:
        source: the folder of the host that it shows.
        uuid: of its file system; "" when it has none.
        device: what was mounted there when it was added ("/dev/sdb1").
    """

    source: str
    uuid: str = ""
    device: str = ""


def registry_path(stack_folder: Path) -> Path:
    """Return the file that holds the pool's drives."""
    return stack_folder / ".usenet" / "pool.json"


def read_registry(stack_folder: Path) -> dict[str, PoolDrive]:
    """Return the drives by name, sorted; none when there is no file.

    Raises:
        UsenetError: "storage.registry" when the file is damaged.
    """
    path = registry_path(stack_folder)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return msgspec.json.decode(content, type=dict[str, PoolDrive])
    except msgspec.MsgspecError as problem:
        raise UsenetError(
            "storage.registry", path=path, why=str(problem)
        ) from problem


def write_registry(stack_folder: Path, drives: dict[str, PoolDrive]) -> None:
    """Replace the file; the folder is the stack's own.

    Raises:
        OSError: the old one is still there.
    """
    path = registry_path(stack_folder)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    content = msgspec.json.encode(dict(sorted(drives.items())))
    write_durably(path, msgspec.json.format(content, indent=2) + b"\n", 0o600)
