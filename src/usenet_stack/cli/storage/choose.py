"""`usenet storage select`: mark drives on a full screen."""

import os
from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

if TYPE_CHECKING:
    from usenet_stack.render.picker import Picker
    from usenet_stack.stack.model import Stack
    from usenet_stack.storage.selection import Changes, Choice


def select(call: Call) -> Result:
    """Let a person mark the pool's drives, then make it so."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.render.keyboard import can_pick, run_picker
    from usenet_stack.storage import changes, choices, find_drives

    if call.json or not can_pick(os.environ):
        raise UsenetError("storage.no-terminal")
    stack = open_stack(call)
    offered = choices(find_drives(stack))
    if not offered:
        return _said("No drive that could hold media is mounted.")
    picker = _picker(offered, str(stack.media_root))
    if not run_picker(picker):
        return _said("Left as it was.")
    wanted = changes(offered, picker.marks)
    if not (wanted.add or wanted.remove):
        return _said("Nothing to change.")
    return (
        _planned(stack, wanted) if call.dry_run else _apply(call, stack, wanted)
    )


def _said(text: str) -> Result:
    result = Result()
    result.info(text)
    return result


def _picker(offered: "list[Choice]", pool: str) -> "Picker":
    from usenet_stack.render.picker import Picker
    from usenet_stack.render.storage import CHOICE_HEADINGS, choice_line

    lines = [choice_line(choice) for choice in offered]
    return Picker(f"Drives of the pool {pool}", CHOICE_HEADINGS, lines)


def _planned(stack: "Stack", wanted: "Changes") -> Result:
    from pathlib import Path

    from usenet_stack.cli.context import plan_result
    from usenet_stack.storage import plan_add, plan_remove

    plans = [plan_add(stack, Path(path)) for path in wanted.add]
    plans += [plan_remove(stack, name) for name in wanted.remove]
    steps = [step for plan in plans for step in plan_result(plan).data["plan"]]
    return Result({"plan": steps})


def _apply(call: Call, stack: "Stack", wanted: "Changes") -> Result:
    """Make each change; those that succeeded stay when a later one fails."""
    from pathlib import Path

    from usenet_stack.cli.context import confirm, progress
    from usenet_stack.storage import add_drive, pool_status, remove_drive

    if wanted.remove:
        names = ", ".join(wanted.remove)
        question = f"Take {names} out of the pool? The files stay on it."
        confirm(call, question, f"taking {names} out of the pool")
    added: list[str] = []
    removed: list[str] = []
    result = Result()
    try:
        with progress(call) as observer:
            for path in wanted.add:
                result = add_drive(stack, Path(path), None, observer)
                added.append(path)
            for name in wanted.remove:
                result = remove_drive(stack, name, observer)
                removed.append(name)
    except UsenetError as error:
        if not (added or removed):
            raise
        result = pool_status(stack)
        result.errors.append(error)
        result.partial = True
    result.data.update(added=", ".join(added), removed=", ".join(removed))
    return result


SELECT = Command(
    path="storage select",
    summary="Mark the pool's drives on a full screen",
    run=select,
    show="storage:show_change",
    description="""
        Shows all drives on a full screen: space marks one for the pool or
        takes its mark away, enter applies, q leaves everything as it was.
        Arrows and j, k move. Works over ssh, from 40 columns and 8 lines.

        Each change is that of storage add or storage remove, with all their
        checks. A drive that cannot be chosen says why.
    """,
    examples=(
        ("usenet storage select", "Opens the screen."),
        ("usenet storage select --dry-run", "Prints the steps instead."),
    ),
    errors=("storage.no-terminal", "storage.busy"),
    see_also=("storage list", "storage add", "storage remove"),
)
