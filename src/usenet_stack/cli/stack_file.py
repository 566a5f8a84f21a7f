"""Changes to stack.toml, planned and journalled like every other change."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from usenet_stack.cli import usage
from usenet_stack.cli.call import Call
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.locate import STACK_FILE, deploy_command

if TYPE_CHECKING:
    from usenet_stack.transaction import Plan

Edit = Callable[[Path, str], str]


def change_stack_file(
    call: Call, folder: Path, edit: Edit, *, why: str
) -> Result:
    """Replace stack.toml by what `edit` makes of it, if that is valid.

    Args:
        edit: gets the file's path and text, returns the new text.
        why: the cause, for plan and journal.

    Raises:
        UsenetError: settings.invalid, and nothing was changed; lock.held.
    """
    from usenet_stack.cli.context import plan_result
    from usenet_stack.transaction import open_session

    if call.dry_run:
        return plan_result(_plan(folder, edit, call.topic_path, why))
    with open_session(folder, call.topic_path) as session:
        plan = _plan(folder, edit, call.topic_path, why)
        session.run(plan)
    result = Result({"path": str(folder / STACK_FILE)})
    result.data["changed"] = bool(plan.steps)
    if plan.steps:
        again = deploy_command(folder, os.environ)
        result.info(f"Run {again} to apply it.")
    return result


def _plan(folder: Path, edit: Edit, command: str, why: str) -> "Plan":
    from usenet_stack.stack.settings import parse_settings
    from usenet_stack.transaction import Plan, Step
    from usenet_stack.transaction.files import WriteFile

    path = folder / STACK_FILE
    old = path.read_text("utf-8")
    new = edit(path, old)
    parse_settings(new, path)
    if new == old:
        return Plan(command, ())
    status = path.stat()
    write = WriteFile(
        path, new, status.st_mode & 0o777, status.st_uid, status.st_gid
    )
    return Plan(command, (Step(write, why),))


def edited_text(path: Path, text: str) -> str:
    """Let the user edit a copy of a file and return the new text.

    Raises:
        UsenetError: "usage" without a terminal; the editor failed.
    """
    import shlex
    import subprocess
    import tempfile

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise usage.usage_error(
            "An editor needs a terminal.", "usenet config set KEY VALUE"
        )
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="usenet-") as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, "utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(copy)])
        except FileNotFoundError:
            raise UsenetError("config.editor", editor=editor) from None
        if ended.returncode != 0:
            raise UsenetError("config.editor", editor=editor)
        return copy.read_text("utf-8")
