"""`usenet backup drill`: prove a backup by starting what is in it.

It goes into a stack of its own below `.usenet/`: a sandbox with its own
network, its own ports and simulated applications, which open the restored
settings and databases as the real ones do. Afterwards all of it is removed;
after a crash the next command does that, as the journal says.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import msgspec

from usenet_stack.backup.copy_databases import check, count_rows
from usenet_stack.backup.drill_stack import (
    remove_drill,
    start_drill,
    stop_drill,
    write_settings,
)
from usenet_stack.backup.manifest import FileRecord, Manifest
from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import Entry, open_archive
from usenet_stack.backup.verify import readable
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
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
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.operation import Before

DRILL = "backup drill"
RUNS = ("ready", "timer")
WAS = "stack.toml.was"
WEEK, SLACK = 7 * 86400.0, 6 * 3600.0


class Tried(msgspec.Struct, frozen=True):
    """How one service or one database fared.

    Args:
        name: of the service, or of the database in the archive.
        ok: it started, or opened and held what it should.
        why: what is wrong; "" if nothing is.
    """

    name: str
    ok: bool
    why: str = ""


class Report(msgspec.Struct, frozen=True):
    """How a drill went; kept in `.usenet/backup-drill.json`.

    Args:
        began: seconds since 1970.
        seconds: how long it took, with the removal.
    """

    backup: str
    began: float
    services: tuple[Tried, ...] = ()
    databases: tuple[Tried, ...] = ()
    rows: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything started and every database is right."""
        return all(tried.ok for tried in (*self.services, *self.databases))


class DrillBackup(Operation, frozen=True):
    """Restore a backup into a throw-away sandbox, start it, remove it.

    Args:
        path: of the backup.
        folder: of the sandbox; it does not exist before and not afterwards.
        identity: opens an encrypted backup.
    """

    kind: ClassVar[str] = "backup.drill"
    path: Path
    folder: Path
    identity: Path | None = None

    def describe(self) -> str:
        return (
            f"start what {self.path.name} holds in a sandbox of its own "
            f"({self.folder}), and remove it again"
        )

    def do(self, context: Context, before: Before) -> None:
        began = time.time()
        remove_drill(self.folder)
        stack = load_stack(context.stack_folder)
        try:
            report = _drill(stack, self, context)
        finally:
            context.progress("removing the sandbox", None, None, "")
            remove_drill(self.folder)
        report = msgspec.structs.replace(
            report, began=began, seconds=time.time() - began
        )
        text = msgspec.json.encode(report)
        write_durably(report_path(stack), text, 0o600)

    def undo(self, context: Context, before: Before) -> None:
        remove_drill(self.folder)

    def verify(self, context: Context) -> bool:
        return not self.folder.exists()

    def manual(self, before: Before) -> str:
        return f"usenet destroy --stack '{self.folder}'   (then remove it)"


def report_path(stack: Stack) -> Path:
    """Return where the last drill is noted."""
    return stack.state_path / "backup-drill.json"


def last_drill(stack: Stack) -> Report | None:
    """Return how the last drill went; None: there was none."""
    try:
        return msgspec.json.decode(report_path(stack).read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError):
        return None


def drill_is_due(stack: Stack, now: float) -> bool:
    """Tell whether a schedule should drill: every week, and after a failure.

    A schedule that runs weekly is never early by more than its own delay.
    """
    last = last_drill(stack)
    return last is None or not last.ok or now - last.began > WEEK - SLACK


def plan_drill(
    stack: Stack, backup: Path, identity: Path | None = None
) -> Plan:
    """Return the drill of a backup as a plan."""
    # Docker's names of networks and containers are made from it.
    folder = stack.state_path / f"drill-{os.urandom(3).hex()}"
    step = Step(DrillBackup(backup, folder, identity), "to prove that it works")
    return Plan(DRILL, (step,), "back")


def drill_backup(
    stack: Stack,
    backup: Path,
    identity: Path | None = None,
    observer: Observer = SILENT,
    *,
    wait_s: float = 0.0,
) -> Result:
    """Start what a backup holds in a throw-away sandbox, and tell how it went.

    Returns: `backup`, `services[]` and `databases[]` with `name`, `ok`,
        `why`; `rows` that were counted, `seconds`; an error for what failed.
    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.drill-start:
            the sandbox could not be made; docker.not-running; lock.held.
    Effects: a sandbox that is gone afterwards; `.usenet/backup-drill.json`.
    """
    with open_session(stack.folder, DRILL, observer, wait_s=wait_s) as session:
        session.run(plan_drill(stack, backup, identity))
    report = last_drill(stack)
    assert report is not None
    data = msgspec.to_builtins(report)
    result = Result({**data, "backup": str(backup), "ok": report.ok})
    for tried in (*report.services, *report.databases):
        if not tried.ok:
            result.errors.append(
                UsenetError("backup.drill", name=tried.name, why=tried.why)
            )
    return result


# -- the drill itself ------------------------------------------------------


def _drill(stack: Stack, drill: DrillBackup, context: Context) -> Report:
    tell = context.progress
    tell("unpacking", None, None, "")
    with (
        readable(drill.path, drill.identity) as plain,
        open_archive(plain) as archive,
    ):
        manifest = archive.manifest
        records = _unpack(archive.members(), drill.folder)
    names = _known(stack, manifest)
    if not names:
        raise UsenetError(
            "backup.drill-start", why="No service that is known is in it."
        )
    write_settings(stack, drill.folder, names, drill.folder / WAS)
    tell("starting the services", None, None, "")
    states = start_drill(drill.folder)
    tell("checking the databases", None, None, "")
    stop_drill(drill.folder)
    services = tuple(
        Tried(name, state in RUNS, "" if state in RUNS else (why or state))
        for name in names
        for state, why in [states.get(name, ("", "it was not started"))]
    )
    databases = tuple(_open(drill.folder, record) for record in records)
    rows = sum(sum((record.rows or {}).values()) for record in records)
    return Report(str(drill.path), 0.0, services, databases, rows)


def _known(stack: Stack, manifest: Manifest) -> list[str]:
    return [n for n in manifest.service_names if n in stack.catalog]


def _unpack(members: Iterator[Entry], folder: Path) -> list[FileRecord]:
    """Put settings, databases and keys where a stack has them.

    Returns: the databases, after each was compared with the manifest.
    """
    folder.mkdir(mode=0o700)
    (folder / "config").mkdir()
    placer = Placer(folder)
    databases = []
    for member, record, content in members:
        below = _place_of(member.name)
        if below is None or _leads_out(member):
            continue
        if member.type == "hardlink":
            target = _place_of(member.target)
            if target is not None:
                placer.link(below, target)
            continue
        placer.place(below, member, content)
        if record.kind == "database" and below.startswith(b"config/"):
            _compare(folder / os.fsdecode(below), record)
            databases.append(record)
    placer.finish()
    return databases


def _place_of(name: bytes) -> bytes | None:
    """Return where a member goes in the sandbox; None: nowhere."""
    if name.startswith(b"config/"):
        return name
    if name == b"stack/.env" or name.startswith(b"stack/services.d"):
        return name.removeprefix(b"stack/")
    if name == b"stack/stack.toml":
        return WAS.encode()
    return None


def _leads_out(member: Member) -> bool:
    """Tell whether a link could lead a deploy out of its service's folder."""
    if member.type != "link":
        return False
    if member.target.startswith(b"/"):
        return True
    depth = member.name.count(b"/") - 2
    for part in member.target.split(b"/"):
        depth += -1 if part == b".." else part not in (b"", b".")
        if depth < 0:
            return True
    return False


def _compare(path: Path, record: FileRecord) -> None:
    """Open a database that was just unpacked.

    Raises:
        ValueError: it is damaged, or holds other rows than it did.
    """
    try:
        with closing(sqlite3.connect(path)) as database:
            check(database)
            found = count_rows(database)
    except sqlite3.Error as problem:
        raise ValueError(f"the database {record.name}: {problem}") from problem
    if record.rows is not None and found != record.rows:
        raise ValueError(f"{record.name} holds other rows than its manifest")


def _open(folder: Path, record: FileRecord) -> Tried:
    """Tell how a database is after its service ran on it."""
    path = folder / os.fsdecode(record.path)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as base:
            check(base)
            found = count_rows(base)
    except sqlite3.Error as problem:
        return Tried(record.name, False, f"{problem}.")
    for table, rows in (record.rows or {}).items():
        # Services tidy up; one that begins anew has lost what it had.
        if table not in found or (rows and not found[table]):
            why = f"Its service left nothing of the {rows} rows of {table}."
            return Tried(record.name, False, why)
    return Tried(record.name, True)
