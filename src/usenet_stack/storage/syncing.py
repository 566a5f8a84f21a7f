"""`usenet storage sync`: the applications know the pool as it is."""

from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.applications import (
    Applications,
    find_applications,
)
from usenet_stack.storage.layouts import (
    UNION,
    drive_place,
    is_union,
    library_place,
    roots,
)
from usenet_stack.storage.mountpoints import covered
from usenet_stack.storage.registry import Pool, read_pool
from usenet_stack.storage.shelving import APP_SECONDS
from usenet_stack.storage.status import pool_status
from usenet_stack.storage.wiring import steps_to_add, steps_to_remove
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session


def plan_sync(stack: Stack, seconds: float = APP_SECONDS) -> Plan:
    """Return what makes the applications equal to the pool.

    Folders of drives that are there are added; those of drives that have
    left are taken away; all others are none of ours and stay. A drive that
    is away keeps what it has.

    Args:
        seconds: how long an application may take to answer.

    Raises:
        UsenetError: one of app.*.
    """
    found = find_applications(stack, (), seconds)
    return _plan(stack, found, seconds)


def _plan(stack: Stack, found: Applications, seconds: float) -> Plan:
    pool = read_pool(stack.folder)
    steps: dict[str, Step] = {}
    for name, drive in pool.drives.items():
        if not covered(library_place(stack, name)):
            continue
        if not covered(drive_place(stack, name)):
            continue
        wanted = [
            app
            for app in found.ready
            if not drive.services or app.service.name in drive.services
        ]
        for step in steps_to_add(wanted, roots(stack, name), seconds):
            # All drives of a union are one folder.
            steps.setdefault(step.operation.describe(), step)
    gone = _departed(stack, pool)
    why = "the drive has left the pool"
    removals = steps_to_remove(found.ready, gone, seconds, why)
    return Plan("storage sync", (*steps.values(), *removals))


def _departed(stack: Stack, pool: Pool) -> list[str]:
    gone = [f"{stack.media_inside}/{name}" for name in pool.departed]
    if pool.departed and is_union(stack) and not pool.drives:
        gone.append(f"{stack.media_inside}/{UNION}")
    return gone


def sync_pool(
    stack: Stack, observer: Observer = SILENT, seconds: float = APP_SECONDS
) -> Result:
    """Make the applications equal to the pool, all or nothing.

    Args:
        seconds: how long an application may take to answer.

    Returns: the pool, and how many steps were taken.
    Raises:
        UsenetError: one of app.*; exit 13 when it was undone.
    Effects: root folders and library folders; no file is touched.
    """
    with open_session(stack.folder, "storage sync", observer) as session:
        found = find_applications(stack, (), seconds)
        plan = _plan(stack, found, seconds)
        session.run(plan)
    result = pool_status(stack)
    result.data["steps"] = len(plan.steps)
    result.data["skipped"] = found.skipped
    for service, why in found.skipped.items():
        result.info(f"{service} was left out: {why}.")
    return result
