"""Which drives can join or leave the pool, and what a choice changes."""

from typing import NamedTuple

from usenet_stack.storage.rows import Drive

LEAST_FREE = 1


class Choice(NamedTuple):
    """One drive as the picker offers it.

    Args:
        drive: the row of the list.
        marked: it is in the pool.
        why_not: why its mark cannot be changed, or "".
    """

    drive: Drive
    marked: bool
    why_not: str = ""


class Changes(NamedTuple):
    """What a choice comes to.

    Args:
        add: the folders or devices that join; `remove` the names that leave.
    """

    add: tuple[str, ...]
    remove: tuple[str, ...]


def choices(drives: list[Drive]) -> list[Choice]:
    """Return what a person can choose from, in the order of the list."""
    return [
        Choice(drive, bool(drive.pool), _why_not(drive))
        for drive in drives
        if not drive.system or drive.pool
    ]


def _why_not(drive: Drive) -> str:
    if drive.state == "not answering":
        return "it does not answer"
    if drive.pool:
        return ""
    if drive.fstype == "crypto_LUKS":
        return "it is locked: unlock and mount it first"
    if drive.state == "not mounted" and drive.fstype == "zfs":
        return "its ZFS pool is not imported"
    if drive.read_only:
        return "it is read-only"
    if drive.free is not None and drive.free < LEAST_FREE:
        return "it is full"
    return ""


def changes(offered: list[Choice], marks: list[bool]) -> Changes:
    """Return what has to change for the pool to be as marked.

    Args:
        marks: one for each of `offered`; where a mark cannot be changed it
            counts as before.
    """
    pairs = [
        (choice, mark)
        for choice, mark in zip(offered, marks, strict=True)
        if mark != choice.marked and not choice.why_not
    ]
    return Changes(
        tuple(
            c.drive.mountpoint or c.drive.source for c, mark in pairs if mark
        ),
        tuple(c.drive.pool for c, mark in pairs if not mark),
    )
