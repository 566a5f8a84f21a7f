"""`usenet storage status`: the pool, its drives, and who knows of them."""

import shlex
from typing import Any

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.applications import ask_for_folders
from usenet_stack.storage.drives import find_drives
from usenet_stack.storage.layouts import (
    drive_place,
    is_union,
    pool_folder,
    roots,
    union_place,
)
from usenet_stack.storage.mounts import Mount, is_below, read_mounts
from usenet_stack.storage.pool import pool_is_shared
from usenet_stack.storage.registry import Pool, PoolDrive, read_pool
from usenet_stack.storage.rows import Drive
from usenet_stack.storage.sentinel import FILE_NAME, Sentinel, read_sentinels
from usenet_stack.storage.union import branches_of

APPS_WITHIN_S = 3.0
# Below this share a drive counts as nearly full.
LITTLE = 0.02


def pool_status(stack: Stack, seconds: float = APPS_WITHIN_S) -> Result:
    """Return the pool's drives, what is away, and how much is free.

    Args:
        seconds: how long an application may take to tell its folders; one
            that does not is left out with a warning. 0: none is asked.
    """
    pool = read_pool(stack.folder)
    mounts = read_mounts()
    rows = {row.mountpoint: row for row in find_drives(stack, all=True)}
    places = [drive_place(stack, name) for name in pool.drives]
    here = {m.target for m in mounts}
    told = read_sentinels([p if str(p) in here else p.parent for p in places])
    drives = [
        _row(stack, pool, name, drive, mounts, rows, sentinel)
        for (name, drive), sentinel in zip(
            pool.drives.items(), told, strict=True
        )
    ]
    union = _union(stack, mounts)
    data: dict[str, Any] = {
        "pool": {
            "id": pool.id,
            "path": str(pool_folder(stack)),
            "layout": stack.settings.pool.layout,
            "shared": pool_is_shared(stack),
            "free": _free(drives),
        },
        "drives": drives,
        "union": union,
        "applications": {},
    }
    result = Result(data)
    if pool.drives and seconds:
        _add_applications(result, stack, pool, seconds)
    _add_remarks(result, stack, drives)
    return result


def _row(
    stack: Stack,
    pool: Pool,
    name: str,
    drive: PoolDrive,
    mounts: list[Mount],
    rows: dict[str, Drive],
    sentinel: Sentinel | None,
) -> dict[str, Any]:
    place = drive_place(stack, name)
    here = [mount for mount in mounts if mount.target == str(place)]
    row = None
    if here:
        same = [
            row
            for mount in mounts
            if mount.device == here[-1].device
            and (row := rows.get(mount.target))
        ]
        row = same[0] if same else None
    state: str = "away" if not here else row.state if row else "mounted"
    ours = sentinel is not None and (sentinel.pool, sentinel.name) == (
        pool.id,
        name,
    )
    if here and state == "mounted" and not ours:
        state = "another drive"
    return {
        "name": name,
        "source": drive.source,
        "uuid": drive.uuid,
        "mountpoint": str(place),
        "state": state,
        "device": here[-1].device if here else "",
        "fstype": row.fstype if row else drive.fstype,
        "size": row.size if row else None,
        "used": row.used if row else None,
        "free": row.free if row else None,
        "read_only": bool(here and here[-1].read_only),
        "services": list(drive.services),
        "folders": roots(stack, name),
    }


def _union(stack: Stack, mounts: list[Mount]) -> dict[str, Any] | None:
    if not is_union(stack):
        return None
    place = union_place(stack)
    return {
        "path": str(place),
        "mounted": any(mount.target == str(place) for mount in mounts),
        "branches": list(branches_of(place)),
        "create": stack.settings.pool.create,
    }


def _add_applications(
    result: Result, stack: Stack, pool: Pool, seconds: float
) -> None:
    """Note, for each application, which of its folders lie in the pool."""
    try:
        answers = ask_for_folders(stack, seconds)
    except UsenetError as error:
        result.warn(error.message)
        return
    for service, answer in answers.items():
        if isinstance(answer, UsenetError):
            result.warn(f"{service} did not tell its folders: {answer.message}")
            continue
        found = [p for p in answer.paths if is_below(p, stack.media_inside)]
        result.data["applications"][service] = found
        lost = [
            path
            for name, drive in pool.drives.items()
            if not drive.services or service in drive.services
            for media, path in roots(stack, name).items()
            if media in stack.resolve(service).keeps and path not in found
        ]
        if lost:
            missing = ", ".join(dict.fromkeys(lost))
            result.warn(
                f"{service} does not have {missing}. Mend: usenet storage sync"
            )


def _free(drives: list[dict[str, Any]]) -> int:
    # Two folders of one file system share its free space.
    each = {row["device"]: row["free"] for row in drives}
    return sum(free for free in each.values() if isinstance(free, int))


def _add_remarks(
    result: Result, stack: Stack, drives: list[dict[str, Any]]
) -> None:
    quoted = shlex.quote(str(stack.folder))
    for row in drives:
        name, free, size = row["name"], row["free"], row["size"]
        if row["state"] == "away":
            result.warn(
                f"The drive {name} is away. When it is plugged in again: "
                f"sudo usenet storage apply --stack {quoted}"
            )
        elif row["state"] == "not answering":
            result.warn(f"The drive {name} does not answer.")
        elif row["state"] == "another drive":
            result.warn(
                f"What is mounted at {row['mountpoint']} is not the drive "
                f"{name}: its {FILE_NAME} is missing or another's."
            )
        elif row["read_only"]:
            result.warn(f"The drive {name} is read-only.")
        elif size and free is not None and free < LITTLE * size:
            result.warn(f"The drive {name} is nearly full.")
    union = result.data["union"]
    away = [row["name"] for row in drives if row["state"] == "away"]
    if union and away and not union["mounted"]:
        result.warn(
            f"The union {union['path']} waits for {', '.join(away)}: "
            "applications that saw it without would take what lies there "
            "for deleted. To go on without for good: sudo usenet storage "
            f"remove {away[0]} --force --stack {quoted}"
        )
    elif union and drives and not union["mounted"]:
        result.warn(
            f"The union {union['path']} is not mounted. Mend: sudo usenet "
            f"storage apply --stack {quoted}"
        )
    if not pool_is_shared(stack):
        result.warn(
            f"{stack.data_root} is not a shared mount: running containers "
            "will not see drives added later. Mend it: sudo usenet "
            f"validate --fix --stack {quoted}"
        )
