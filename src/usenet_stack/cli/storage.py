"""`usenet storage`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return the drives that could hold media."""
    from usenet_stack.cli.context import stack_if_any
    from usenet_stack.storage import list_drives

    return list_drives(all=call.flag("all"), stack=stack_if_any(call))


def add(call: Call) -> Result:
    """Add a drive to the pool while everything runs."""
    from pathlib import Path

    from usenet_stack.cli.context import open_stack, plan_result, progress
    from usenet_stack.storage import add_drive, plan_add

    stack = open_stack(call)
    path, name = Path(call.text("path")), call.text("name") or None
    if call.dry_run:
        return plan_result(plan_add(stack, path, name))
    with progress(call) as observer:
        return add_drive(stack, path, name, observer)


def remove(call: Call) -> Result:
    """Take a drive out of the pool."""
    from usenet_stack.cli.context import (
        confirm,
        open_stack,
        plan_result,
        progress,
    )
    from usenet_stack.storage import plan_remove, remove_drive

    stack, name = open_stack(call), call.text("name")
    if call.dry_run:
        return plan_result(plan_remove(stack, name))
    confirm(
        call,
        f"Take {name} out of the pool? Its files stay on the drive.",
        f"taking {name} out of the pool",
    )
    with progress(call) as observer:
        return remove_drive(stack, name, observer)


def status(call: Call) -> Result:
    """Return the pool and how full each of its drives is."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.storage import pool_status

    return pool_status(open_stack(call))


LIST = Command(
    path="storage list",
    summary="List the drives of this machine",
    run=list_all,
    show="storage:show_drives",
    description="""
        Lists mounted drives that could hold media, with their size, free
        space and what speaks against them. --all adds the system's own.
    """,
    options=(Option(("--all", "-a"), "List the system's own mounts as well"),),
    examples=(
        ("usenet storage list", "Lists the drives."),
        ("usenet storage list --format json", "The same for a program."),
    ),
    errors=("storage.silent",),
    see_also=("storage add", "storage status"),
)

ADD = Command(
    path="storage add",
    summary="Add a drive to the media pool",
    run=add,
    show="storage:show_change",
    description="""
        Makes a mounted drive, or a folder of one, part of the media pool.
        Running services see it at once; none is restarted. Nothing on the
        drive is changed.
    """,
    arguments=(
        Argument(
            "PATH", "The folder where the drive is mounted", complete="drive"
        ),
    ),
    options=(
        Option(
            ("--name",),
            "Its name in the pool, instead of the folder's",
            metavar="NAME",
        ),
    ),
    examples=(
        ("usenet storage add /mnt/disk2", "Adds the drive as disk2."),
        (
            "usenet storage add /mnt/disk2 --name films",
            "Adds it under another name.",
        ),
        (
            "usenet storage add /mnt/disk2 --dry-run",
            "Checks it and prints the steps.",
        ),
    ),
    errors=("storage.path", "storage.unwritable", "storage.taken"),
    see_also=("storage list", "storage remove", "storage status"),
)

REMOVE = Command(
    path="storage remove",
    summary="Take a drive out of the pool",
    run=remove,
    show="storage:show_change",
    description="""
        Takes a drive out of the media pool, so that it can be unplugged. Its
        files stay on it. A drive on which a service has files open is left
        alone, and the service is named.
    """,
    arguments=(
        Argument("NAME", "The drive's name in the pool", complete="pool"),
    ),
    examples=(
        ("usenet storage remove disk2", "Asks, then takes it out."),
        ("usenet storage remove disk2 --yes", "Does not ask."),
    ),
    errors=("storage.unknown", "storage.busy"),
    see_also=("storage status", "storage add"),
)

STATUS = Command(
    path="storage status",
    summary="Show the pool and its drives",
    run=status,
    show="storage:show_pool",
    description="""
        Shows the drives of the pool: where each comes from, how full it is,
        and whether it is there.
    """,
    examples=(("usenet storage status", "Shows the pool."),),
    errors=("stack.not-found", "storage.silent"),
    see_also=("storage list", "validate"),
)

GROUP = Group(
    path="storage",
    summary="Drives and the media pool",
    commands=(LIST, ADD, REMOVE, STATUS),
    description="""
        The pool is the one folder that all services see. Drives are added
        to it and taken out while everything runs.
    """,
    examples=(
        ("usenet storage list", "Lists the drives of this machine."),
        ("usenet storage add /mnt/disk2", "Adds one to the pool."),
    ),
    errors=("storage.path", "storage.busy"),
    see_also=("deploy", "validate", "config set"),
)
