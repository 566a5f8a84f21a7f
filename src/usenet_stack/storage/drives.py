"""Every place that could hold media, none of them waited for."""

import os
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from usenet_stack.storage.blockdevices import (
    Asked,
    Identity,
    ask_for_devices,
    devices_told,
)
from usenet_stack.storage.clouds import synced_folders
from usenet_stack.storage.faults import worst
from usenet_stack.storage.mounts import Mount, read_mounts
from usenet_stack.storage.probe import SILENT, Answer, Request, probe
from usenet_stack.storage.remembered import (
    Memory,
    hangs_still,
    hung_lately,
    note_silence,
    open_memory,
)
from usenet_stack.storage.rows import (
    Devices,
    Drive,
    cloud_row,
    group_mounts,
    hidden,
    mounted_row,
    unmounted_rows,
)

if TYPE_CHECKING:
    from usenet_stack.stack.model import Stack
    from usenet_stack.storage.registry import PoolDrive

PATIENCE_S = 0.8
# For a mount that gave no answer within the last minute.
SHORT_PATIENCE_S = 0.25


def find_drives(
    stack: "Stack | None" = None,
    *,
    all: bool = False,
    recall: bool = True,
    asked: Asked | None = None,
) -> list[Drive]:
    """Return the drives of this machine and of a stack's pool.

    Args:
        all: system and pseudo mounts as well.
        recall: their health as the last `check_health` found it as well.
        asked: what was asked for the devices already.

    Returns: the mounted ones in the order of their paths, then those plugged
        but not mounted, then those that the pool knows and misses.
    """
    asked = asked or ask_for_devices()
    mounts = read_mounts()
    known = _registry(stack)
    pool = None if stack is None else str(stack.media_root)
    groups = group_mounts(mounts, pool)
    if not all:
        groups = [group for group in groups if not hidden(group[0])]
    memory = open_memory(os.environ)
    clouds = synced_folders(Path.home()) if "HOME" in os.environ else []
    folders = [Request("statvfs", c.path, doubtful=True) for c in clouds]
    heads = [group[0] for group in groups]
    answers = _ask(heads, folders, memory, not asked.names_too)
    names = _pool_names(mounts, pool)
    devices = Devices(devices_told(asked, _identities(heads, answers)))
    rows = [
        mounted_row(group, answer, devices, names)
        for group, answer in zip(groups, answers, strict=False)
    ]
    rows += [
        cloud_row(cloud.service, cloud.path, answer)
        for cloud, answer in zip(clouds, answers[len(groups) :], strict=True)
        if answer.state != "refused"
    ]
    rows.sort(key=lambda row: PurePath(row.mountpoint))
    rows += unmounted_rows(devices, mounts)
    memory.save()
    rows = [_in_pool(row, known) for row in rows]
    if recall:
        rows = [_remembered(row, memory) for row in rows]
    return rows + _away(known, rows)


def _registry(stack: "Stack | None") -> "dict[str, PoolDrive]":
    if stack is None:
        return {}
    from usenet_stack.storage.registry import read_registry

    return read_registry(stack.folder)


def _ask(
    mounts: list[Mount],
    folders: list[Request],
    memory: Memory,
    names_too: bool,
) -> list[Answer]:
    """Ask each mount how full it is; those known to hang are left alone."""
    keys = [f"{m.id} {m.device} {m.target}" for m in mounts]
    answers: dict[int, Answer] = {}
    patient: list[int] = []
    short: list[int] = []
    for number, key in enumerate(keys):
        if hangs_still(memory, key):
            answers[number] = SILENT
        else:
            (short if hung_lately(memory, key) else patient).append(number)
    for chosen, more, seconds in (
        (patient, folders, PATIENCE_S),
        (short, [], SHORT_PATIENCE_S),
    ):
        questions = [_question(mounts[number], names_too) for number in chosen]
        found = probe(questions + more, deadline_s=seconds)
        answers.update(zip([*chosen, *_beyond(keys, more)], found, strict=True))
    for number in (*patient, *short):
        note_silence(memory, keys[number], answers[number].worker)
    return [answers[number] for number in sorted(answers)]


def _beyond(keys: list[str], more: list[Request]) -> range:
    return range(len(keys), len(keys) + len(more))


def _question(mount: Mount, names_too: bool) -> Request:
    doubtful = mount.kind in ("network", "fuse") or mount.fstype == "fuseblk"
    ask = names_too and mount.kind == "disk" and not doubtful
    return Request(
        "identify" if ask else "statvfs", mount.target, doubtful=doubtful
    )


def _identities(
    mounts: list[Mount], answers: list[Answer]
) -> dict[str, Identity]:
    """Return what file systems say of themselves, by device number."""
    return {
        mount.device: Identity(
            mount.fstype,
            answer.data["label"].partition(b"\0")[0].decode(errors="replace"),
            _uuid(answer.data["uuid"]),
        )
        for mount, answer in zip(mounts, answers, strict=False)
        if "label" in answer.data and "uuid" in answer.data
    }


def _uuid(told: bytes) -> str:
    """Return a UUID in words; the first byte is its length."""
    digits = told[1:17].hex()
    words = [digits[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32))]
    return "-".join(words) if any(told[1:]) else ""


def _pool_names(mounts: list[Mount], pool: str | None) -> dict[str, str]:
    """Return, for each device mounted right in the pool, its name there."""
    if pool is None:
        return {}
    return {
        mount.device: PurePath(mount.target).name
        for mount in mounts
        if str(PurePath(mount.target).parent) == pool
    }


def _remembered(row: Drive, memory: Memory) -> Drive:
    """Return a row with what the last `storage health` found."""
    note = memory.get("health", row.key)
    if not note or row.state in ("away", "not answering"):
        return row
    verdict = worst([row.health, note.get("verdict", "unknown")])
    faults = dict.fromkeys([*row.faults, *note.get("faults", ())])
    return row._replace(
        health=verdict,
        faults=tuple(faults),
        mend=row.mend or note.get("mend", ""),
    )


def _in_pool(row: Drive, known: "dict[str, PoolDrive]") -> Drive:
    if row.pool or not row.uuid:
        return row
    for name, drive in known.items():
        if drive.uuid == row.uuid and row.state == "not mounted":
            return row._replace(pool=name)
    return row


def _away(known: "dict[str, PoolDrive]", rows: list[Drive]) -> list[Drive]:
    here = {row.pool for row in rows}
    return [
        Drive(
            name=name,
            mountpoint="",
            source=drive.device or drive.source,
            fstype="",
            medium="other",
            uuid=drive.uuid,
            pool=name,
            state="away",
        )
        for name, drive in known.items()
        if name not in here
    ]
