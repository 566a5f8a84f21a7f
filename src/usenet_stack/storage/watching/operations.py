"""What `usenet storage watch` does to the pool and to the applications."""

from pathlib import Path
from typing import Any, ClassVar

import msgspec

from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage.mounting import unmount_lazily
from usenet_stack.storage.mounts import read_mounts
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.operation import Before, Context, Operation

SECONDS = 10.0


def mounted(place: Path) -> bool:
    """Tell whether something is mounted on a folder."""
    return any(mount.target == str(place) for mount in read_mounts())


class FenceDrive(Operation, frozen=True):
    """Take a drive that is gone out of the pool, whoever has it open.

    The bare mountpoint appears, which is empty and takes no file: so the
    applications know that the drive is away, and keep what they know of it.

    Args:
        place: its mountpoint in the pool.
    """

    kind: ClassVar[str] = "watching.fence"
    place: Path

    def describe(self) -> str:
        return f"unmount {self.place}, whose drive is gone"

    def do(self, context: Context, before: Before) -> None:
        while mounted(self.place):
            unmount_lazily(self.place)

    def undo(self, context: Context, before: Before) -> None:
        """A drive that is gone cannot be put back."""

    def verify(self, context: Context) -> bool:
        return not mounted(self.place)


class Paused(msgspec.Struct):
    """What was switched off while drives are away: `.usenet/paused.json`.

    Args:
        away: the drives.
        realtime: libraries of Jellyfin that watched their folders.
        triggers: when Jellyfin scanned by itself; None: not known.
    """

    away: list[str] = []
    realtime: list[str] = []
    triggers: list[dict[str, Any]] | None = None


def paused_path(stack_folder: Path) -> Path:
    """Return the file that tells what is switched off."""
    return stack_folder / ".usenet" / "paused.json"


def read_paused(stack_folder: Path) -> Paused | None:
    """Return what is switched off, None when nothing is."""
    try:
        content = paused_path(stack_folder).read_bytes()
        return msgspec.json.decode(content, type=Paused)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _write(stack_folder: Path, paused: Paused) -> None:
    content = msgspec.json.encode(paused)
    write_durably(paused_path(stack_folder), content + b"\n", 0o600)


class PauseScans(Operation, frozen=True):
    """Keep Jellyfin from scanning by itself while a drive is away.

    It drops what it does not find, and with it who has seen what.

    Args:
        service: its name; `drive` the drive's in the pool.
    """

    kind: ClassVar[str] = "watching.pause"
    service: str
    drive: str

    def describe(self) -> str:
        return f"pause the scans of {self.service} while {self.drive} is away"

    def prepare(self, context: Context) -> Before:
        paused = read_paused(context.stack_folder)
        return {"paused": paused is not None and self.drive in paused.away}

    def do(self, context: Context, before: Before) -> None:
        paused = read_paused(context.stack_folder)
        with _jellyfin(context, self.service) as app:
            if paused is None:
                paused = Paused([], app.realtime(), app.scan_triggers())
            if self.drive not in paused.away:
                paused.away.append(self.drive)
            # First what it was: a crash must not leave it off for ever.
            _write(context.stack_folder, paused)
            app.stop_scan()
            if paused.triggers is not None:
                app.set_scan_triggers([])
            for library in paused.realtime:
                app.set_realtime(library, False)

    def undo(self, context: Context, before: Before) -> None:
        if not before["paused"]:
            ResumeScans(self.service, self.drive).do(context, before)


class ResumeScans(Operation, frozen=True):
    """Let Jellyfin scan again as before, when the last drive is back.

    Args:
        service, drive: as `PauseScans` has them.
    """

    kind: ClassVar[str] = "watching.resume"
    service: str
    drive: str

    def describe(self) -> str:
        return f"let {self.service} scan as before {self.drive} was away"

    def do(self, context: Context, before: Before) -> None:
        paused = read_paused(context.stack_folder)
        if paused is None:
            return
        left = [name for name in paused.away if name != self.drive]
        if left:
            paused.away = left
            _write(context.stack_folder, paused)
            return
        with _jellyfin(context, self.service) as app:
            there = {str(each.get("ItemId")) for each in app.libraries()}
            for library in paused.realtime:
                if library in there:
                    app.set_realtime(library, True)
            if paused.triggers is not None:
                app.set_scan_triggers(paused.triggers)
        paused_path(context.stack_folder).unlink(missing_ok=True)

    def undo(self, context: Context, before: Before) -> None:
        """It may scan: the drive is there."""


def _jellyfin(context: Context, name: str) -> Jellyfin:
    stack = load_stack(context.stack_folder)
    service = stack.catalog[stack.resolve(name).name]
    app = open_app(stack, service, read_env(stack.folder), SECONDS)
    if not isinstance(app, Jellyfin):
        raise UsenetError("app.unreachable", service=name, why="no port")
    return app
