"""`usenet storage add|remove|status|apply|sync`: the pool and its drives."""

from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from usenet_stack.transaction import Plan

SECONDS = 30


def add(call: Call) -> Result:
    """Add a drive to the pool while everything runs."""
    from usenet_stack.cli.context import open_stack, plan_result, progress
    from usenet_stack.storage import add_drive, plan_add

    stack = open_stack(call)
    path, name = call.text("path"), call.text("name") or None
    seconds = _seconds(call)
    services = call.names("services")
    if call.dry_run:
        return plan_result(plan_add(stack, path, name, seconds, services))

    def work() -> Result:
        with progress(call) as observer:
            return add_drive(stack, path, name, observer, seconds, services)

    return _as_root(call, work)


def remove(call: Call) -> Result:
    """Take a drive out of the pool."""
    from usenet_stack.cli.context import (
        confirm,
        open_stack,
        plan_result,
        progress,
    )
    from usenet_stack.storage import (
        inhabitants,
        move_content,
        plan_move,
        plan_remove,
        remove_drive,
    )

    stack, name = open_stack(call), call.text("name")
    force, seconds = call.flag("force"), _seconds(call)
    goal = call.text("move_to")
    if call.dry_run:
        moves = plan_result(plan_move(stack, name, goal)) if goal else Result()
        plan = plan_remove(
            stack, name, force=force or bool(goal), limit_s=seconds
        )
        steps = [*moves.data.get("plan", ()), *plan_result(plan).data["plan"]]
        return Result({"plan": steps})

    def work() -> Result:
        if not (call.yes or call.json):
            lives = "; ".join(map(str, inhabitants(stack, name)))
            told = f" On it lives: {lives}." if lives else ""
            files = f"All files move to {goal}." if goal else "Its files stay."
            question = f"Take {name} out of the pool? {files}{told}"
            confirm(call, question, f"taking {name} out of the pool")
        elif not call.yes:
            confirm(call, "", f"taking {name} out of the pool")
        moved = Result()
        if goal:
            with progress(call) as observer:
                moved = move_content(stack, name, goal, observer)
            if not moved.ok:
                return moved  # a drive with files on it stays
        with progress(call) as observer:
            result = remove_drive(
                stack, name, observer, force=force, limit_s=seconds
            )
        result.data.update(moved.data)
        result.messages[:0] = moved.messages
        return result

    return _as_root(call, work)


def status(call: Call) -> Result:
    """Return the pool and how full each of its drives is."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.storage import pool_status

    return pool_status(open_stack(call))


def apply(call: Call) -> Result:
    """Mount the pool as it was recorded."""
    from usenet_stack.cli.context import open_stack, plan_result, progress
    from usenet_stack.storage import (
        apply_pool,
        install_unit,
        plan_apply,
        plan_unit,
        unit_text,
    )

    stack = open_stack(call)
    if call.flag("show_unit"):
        return Result({"text": unit_text(stack)})
    install = call.flag("install")
    if call.dry_run:
        return plan_result(plan_unit(stack) if install else plan_apply(stack))

    def work() -> Result:
        with progress(call) as observer:
            if install:
                return install_unit(stack, observer)
            return apply_pool(stack, observer)

    return _as_root(call, work)


def sync(call: Call) -> Result:
    """Make the applications equal to the pool, after showing the plan."""
    from usenet_stack.cli.context import (
        confirm,
        open_stack,
        plan_result,
        progress,
    )
    from usenet_stack.storage import plan_sync, pool_status, sync_pool

    stack = open_stack(call)
    plan = plan_sync(stack)
    if call.dry_run:
        return plan_result(plan)
    if not plan.steps:
        result = pool_status(stack)
        result.data["steps"] = 0
        return result
    _show(call, plan)
    confirm(call, "Take these steps?", "changing the applications")
    with progress(call) as observer:
        return sync_pool(stack, observer)


def _show(call: Call, plan: "Plan") -> None:
    import sys

    if not (call.json or call.quiet):
        for number, step in enumerate(plan.steps, 1):
            sys.stderr.write(f"{number:>3}. {step.operation.describe()}\n")
            sys.stderr.write(f"     why: {step.why}\n")


def _seconds(call: Call) -> float:
    return float(max(1, call.number("timeout", SECONDS)))


def _as_root(call: Call, work: "Callable[[], Result]") -> Result:
    """Do what takes root; another user is offered `sudo` for it.

    Without a terminal nothing is asked: the error has the exact command.
    """
    from usenet_stack.cli.context import ask

    try:
        return work()
    except UsenetError as error:
        if error.code != "storage.root-needed":
            raise
        if call.json or not ask(call, f"{error.message} Run {error.hint}?"):
            raise
        return _with_sudo(error.hint)


def _with_sudo(line: str) -> Result:
    import os
    import shlex
    import subprocess
    import sys

    from usenet_stack.cli.context import ended_with

    words = shlex.split(line)
    # The very program that runs now: root may have another one, or none.
    words[1:2] = [sys.executable, os.path.realpath(sys.argv[0])]
    return ended_with(subprocess.run(words, check=False).returncode)


_TIMEOUT = Option(
    ("--timeout",),
    f"Seconds for the containers to follow (default {SECONDS})",
    metavar="SECONDS",
    kind="number",
)

ADD = Command(
    path="storage add",
    summary="Add a drive to the pool and to the applications",
    run=add,
    show="storage:show_change",
    description="""
        Makes a drive part of the media pool while everything runs: mounts
        it, waits until every container sees it and can write to it, makes a
        folder for each kind of media on it, and adds these to the root
        folders and libraries of the applications. No container is
        restarted. If anything fails, all is put back.

        A folder, a device that nothing mounts yet, or a UUID can be named.
    """,
    arguments=(
        Argument("PATH", "A folder, a device or a UUID", complete="drive"),
    ),
    options=(
        Option(
            ("--name",),
            "Its name in the pool, instead of its own",
            metavar="NAME",
        ),
        Option(
            ("--services",),
            "Only these applications get it",
            metavar="NAMES",
            kind="list",
            complete="service",
        ),
        _TIMEOUT,
    ),
    examples=(
        ("usenet storage add /mnt/disk2", "Adds the drive as disk2."),
        (
            "usenet storage add /dev/sdb1 --name films",
            "Mounts a drive and adds it under a name.",
        ),
        (
            "usenet storage add /mnt/disk2 --services radarr",
            "Only Radarr gets a root folder on it.",
        ),
        (
            "usenet storage add /mnt/disk2 --dry-run",
            "Checks it and prints the steps.",
        ),
    ),
    errors=("storage.path", "storage.unwritable", "storage.taken"),
    see_also=("storage list", "storage remove", "storage sync"),
)

REMOVE = Command(
    path="storage remove",
    summary="Take a drive out of the pool",
    run=remove,
    show="storage:show_change",
    description="""
        Says what lives on a drive, takes its folders away from the
        applications, unmounts it and makes sure that nothing holds it, so
        that it can be unplugged. Its files stay on it.

        With --move-to all files move to another drive of the pool first:
        copied, read back and compared, and deleted here only then. The
        applications are told where they are. Cut off, the same command
        goes on where it was.

        A drive on which applications have media is left alone without
        --force; one with open files always, and who holds them is named.
    """,
    arguments=(
        Argument("NAME", "The drive's name in the pool", complete="pool"),
    ),
    options=(
        Option(
            ("--force",),
            "Even if applications have media on it or do not answer",
        ),
        Option(
            ("--move-to",),
            "Move its files to another drive of the pool first",
            metavar="DRIVE",
            complete="pool",
        ),
        _TIMEOUT,
    ),
    examples=(
        ("usenet storage remove disk2", "Asks, then takes it out."),
        ("usenet storage remove disk2 --yes", "Does not ask."),
        (
            "usenet storage remove disk2 --move-to disk3",
            "Moves all that is on it to disk3 first.",
        ),
    ),
    errors=(
        "storage.unknown",
        "storage.inhabited",
        "storage.busy",
        "storage.move-conflict",
        "storage.move-room",
    ),
    see_also=("storage status", "storage add"),
)

APPLY = Command(
    path="storage apply",
    summary="Mount the pool again, as it was",
    run=apply,
    show="storage:show_applied",
    description="""
        Mounts all drives of the pool that are plugged in, as after a
        reboot. Run twice it does nothing more. Drives that are away are
        told; their places stay empty.

        --install makes a systemd unit that does it before Docker starts.
    """,
    options=(
        Option(("--install",), "Do it at every boot, before Docker starts"),
        Option(("--show-unit",), "Print that systemd unit"),
    ),
    examples=(
        ("usenet storage apply", "Mounts what is missing."),
        ("usenet storage apply --install", "Does so at every boot."),
    ),
    errors=("storage.root-needed", "storage.unit"),
    see_also=("storage status", "storage add"),
)

SYNC = Command(
    path="storage sync",
    summary="Make the applications equal to the pool",
    run=sync,
    show="storage:show_synced",
    description="""
        Adds root folders and library folders that applications lack, and
        takes away those of drives that have left the pool. It shows the
        steps first. Folders that are none of the pool's stay.
    """,
    examples=(
        ("usenet storage sync --dry-run", "Shows what differs."),
        ("usenet storage sync", "Shows it, asks, and mends it."),
    ),
    errors=("app.unreachable", "app.unauthorised"),
    see_also=("storage status", "storage add"),
)

STATUS = Command(
    path="storage status",
    summary="Show the pool and its drives",
    run=status,
    show="storage:show_pool",
    description="""
        Shows the drives of the pool: where each comes from, how full it is,
        whether it is there, and which applications know its folders.
    """,
    examples=(("usenet storage status", "Shows the pool."),),
    errors=("stack.not-found", "storage.silent"),
    see_also=("storage list", "validate"),
)
