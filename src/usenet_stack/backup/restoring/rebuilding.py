"""`usenet backup restore` where there is no stack: make one of a backup.

The folder becomes a stack when `stack.toml` comes into it, last of all.
"""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import open_archive
from usenet_stack.backup.restoring.checks import check_room
from usenet_stack.backup.restoring.operations import unpack
from usenet_stack.backup.restoring.places import these
from usenet_stack.backup.restoring.planning import (
    RESTORE,
    Held,
    RestoreRequest,
    look_into,
)
from usenet_stack.backup.selection import POOL, STACK
from usenet_stack.backup.verify import readable
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.locate import STACK_FILE, deploy_command
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.durable import sync_file_system, sync_folder
from usenet_stack.transaction.operation import Before

STATE, HALF = ".usenet", ".rebuild"
TOP = f"{STACK}/".encode()


class StageStack(Operation, frozen=True):
    """Unpack a backup in a folder that is to be a stack, and prove it.

    Args:
        services: those that the backup holds something of.
        identity: opens an encrypted backup.
    """

    kind: ClassVar[str] = "backup.stage-stack"
    path: Path
    services: tuple[str, ...]
    identity: Path | None = None

    def describe(self) -> str:
        return (
            f"unpack {self.path.name}, with the settings of "
            f"{these(self.services)}, and check it"
        )

    def prepare(self, context: Context) -> Before:
        _check_empty(context.stack_folder)
        return {}

    def do(self, context: Context, before: Before) -> None:
        half = context.stack_folder / HALF
        self.undo(context, before)
        half.mkdir(mode=0o700)
        context.progress("unpacking", None, None, "")
        self._place_stack(half)
        stack = self._loaded(half)
        tops = self._tops(stack)
        for top in tops.values():
            top.parent.mkdir(parents=True, exist_ok=True)
        unpack(stack, self.path, tops, "", identity=self.identity)
        sync_file_system(half)

    def _place_stack(self, half: Path) -> None:
        placer = Placer(half)
        with (
            readable(self.path, self.identity) as plain,
            open_archive(plain) as archive,
        ):
            for entry in archive.members():
                below = entry.member.name.removeprefix(TOP)
                if below != entry.member.name:
                    if entry.member.type == "hardlink":
                        placer.link(below, entry.member.target[len(TOP) :])
                    else:
                        placer.place(below, entry.member, entry.content)
        placer.finish()

    def _loaded(self, half: Path) -> Stack:
        if not (half / STACK_FILE).is_file():
            raise UsenetError("backup.no-stack", backup=self.path.name)
        stack = load_stack(half)
        config = Path(os.path.normpath(stack.config_root))
        if half not in config.parents:
            raise UsenetError(
                "backup.config-elsewhere", path=config, backup=self.path
            )
        return stack

    def _tops(self, stack: Stack) -> dict[str, Path]:
        return {
            name: stack.config_folder(stack.catalog[name])
            for name in self.services
            if name in stack.catalog
        }

    def undo(self, context: Context, before: Before) -> None:
        half = context.stack_folder / HALF
        if half.exists():
            shutil.rmtree(half)

    def verify(self, context: Context) -> bool:
        return (context.stack_folder / HALF / STACK_FILE).is_file()

    def manual(self, before: Before) -> str:
        return f"rm -r {HALF}"


class PlaceStack(Operation, frozen=True):
    """Move what was unpacked to its place; doing it twice is doing it once."""

    kind: ClassVar[str] = "backup.place-stack"

    def describe(self) -> str:
        return "make a stack of it"

    def do(self, context: Context, before: Before) -> None:
        folder, half = context.stack_folder, context.stack_folder / HALF
        if not half.exists():
            return
        pool = half / Path(POOL).name
        if pool.exists():
            pool.rename(folder / POOL)
        names = sorted(path.name for path in half.iterdir())
        for name in sorted(names, key=STACK_FILE.__eq__):
            (half / name).rename(folder / name)
            sync_folder(folder)
        half.rmdir()
        sync_folder(folder)

    def undo(self, context: Context, before: Before) -> None:
        folder, half = context.stack_folder, context.stack_folder / HALF
        half.mkdir(mode=0o700, exist_ok=True)
        for path in list(folder.iterdir()):
            if path.name not in (STATE, HALF):
                path.rename(half / path.name)
        (folder / POOL).unlink(missing_ok=True)

    def verify(self, context: Context) -> bool:
        return (context.stack_folder / STACK_FILE).is_file()

    def manual(self, before: Before) -> str:
        return "remove the folder, and run it again"


def plan_rebuild(
    request: RestoreRequest, folder: Path, held: Held | None = None
) -> Plan:
    """Return the plan that makes a stack of a backup.

    Args:
        folder: of the stack; it does not exist, or is empty.
        held: what `look_into` found, where that is known already.

    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.no-room,
            backup.in-the-way.
    """
    held = held or look_into(request)
    if not (folder / HALF).exists():  # else the next session clears it
        _check_empty(folder)
    check_room(held.manifest, folder)
    stage = StageStack(request.path, held.services, request.identity)
    steps = (
        Step(stage, "there is no stack yet"),
        Step(PlaceStack(), "from here on a crash completes it", commits=True),
    )
    return Plan(RESTORE, steps)


def rebuild_stack(
    request: RestoreRequest,
    folder: Path,
    observer: Observer = SILENT,
    held: Held | None = None,
) -> Result:
    """Make a stack of a backup: its settings, secrets, services' folders.

    Args:
        folder, held: as in `plan_rebuild`.

    Returns: `backup`, `services`, `path` of the stack.
    Raises:
        UsenetError: as `plan_rebuild`; backup.no-stack: the backup has no
            stack.toml; backup.config-elsewhere; transaction.rolled-back.
    Effects: a stack that `usenet deploy` starts.
    """
    held = held or look_into(request)
    plan = plan_rebuild(request, folder, held)
    folder.mkdir(parents=True, exist_ok=True)
    with open_session(folder, RESTORE, observer) as session:
        # Else one that was cut off was completed just now.
        if not (folder / STACK_FILE).exists():
            session.run(plan)
    data = {
        "backup": str(request.path),
        "services": list(held.services),
        "path": str(folder),
    }
    result = Result(data)
    result.info(f"Start it: {deploy_command(folder, os.environ)}")
    return result


def _check_empty(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir() or any(p.name != STATE for p in folder.iterdir()):
        raise UsenetError("backup.in-the-way", path=folder)
