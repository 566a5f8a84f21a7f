"""`usenet backup drill`: prove a backup by starting what is in it.

It goes into a folder of its own below `.usenet/`, and each service is started
on what was restored: from the stack's own image on a network that leads
nowhere, or, in a sandbox, as the simulated application of a sandbox of its
own. Afterwards all of it is removed; after a crash the next command does
that, as the journal says.
"""

import os
import time
from pathlib import Path
from typing import ClassVar

import msgspec

from usenet_stack.backup.drill_container import Drill
from usenet_stack.backup.drill_files import WAS, open_again, unpack
from usenet_stack.backup.drill_real import start_real
from usenet_stack.backup.drill_report import Report, Started
from usenet_stack.backup.drill_stack import (
    announce_containers,
    remove_drill,
    start_drill,
    stop_drill,
    write_settings,
)
from usenet_stack.backup.manifest import Manifest
from usenet_stack.backup.reading import open_archive
from usenet_stack.backup.verify import readable
from usenet_stack.docker.engine import PROJECT_LABEL
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack, load_stack, project_name
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
WEEK, SLACK = 7 * 86400.0, 6 * 3600.0


class DrillBackup(Operation, frozen=True):
    """Restore a backup into a throw-away sandbox, start it, remove it.

    Args:
        path: of the backup.
        folder: of the sandbox; it does not exist before and not afterwards.
        identity: opens an encrypted backup.
        simulated: no real application is started.
    """

    kind: ClassVar[str] = "backup.drill"
    path: Path
    folder: Path
    identity: Path | None = None
    simulated: bool = True

    def describe(self) -> str:
        how = "by simulated applications" if self.simulated else "by real ones"
        return (
            f"start what {self.path.name} holds, {how}, in a sandbox of its "
            f"own ({self.folder}), and remove it again"
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
        if self.simulated:
            return f"usenet destroy --stack '{self.folder}'   (then remove it)"
        project = project_name(self.folder.name)
        label = f"--filter label={PROJECT_LABEL}={project}"
        return (
            f"docker rm -fv $(docker ps -aq {label}); "
            f"docker network rm {project}; sudo rm -r '{self.folder}'"
        )


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
    stack: Stack,
    backup: Path,
    identity: Path | None = None,
    *,
    simulated: bool = False,
) -> Plan:
    """Return the drill of a backup as a plan.

    Args:
        simulated: no real application is started. A sandbox has none.
    """
    # Docker's names of networks and containers are made from it.
    folder = stack.state_path / f"drill-{os.urandom(3).hex()}"
    simulated = simulated or stack.sandbox
    drill = DrillBackup(backup, folder, identity, simulated)
    return Plan(DRILL, (Step(drill, "to prove that it works"),), "back")


def drill_backup(
    stack: Stack,
    backup: Path,
    identity: Path | None = None,
    observer: Observer = SILENT,
    *,
    simulated: bool = False,
    wait_s: float = 0.0,
) -> Result:
    """Start what a backup holds in a throw-away sandbox, and tell how it went.

    Args:
        simulated: no real application is started. A sandbox has none.

    Returns: `backup`, `services[]` and `databases[]`, see `drill_report`;
        `rows` that were counted, `seconds`; an error for what failed.
    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.drill-start:
            the sandbox could not be made; docker.not-running; lock.held.
    Effects: a sandbox that is gone afterwards; `.usenet/backup-drill.json`.
    """
    with open_session(stack.folder, DRILL, observer, wait_s=wait_s) as session:
        plan = plan_drill(stack, backup, identity, simulated=simulated)
        session.run(plan)
    report = last_drill(stack)
    assert report is not None
    data = msgspec.to_builtins(report)
    result = Result({**data, "backup": str(backup), "ok": report.ok})
    result.errors += [each.error for each in report.failed]
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
        records = unpack(archive.members(), drill.folder)
    names = _known(stack, manifest)
    if not names:
        raise UsenetError(
            "backup.drill-start", why="No service that is known is in it."
        )
    if drill.simulated:
        services = _simulate(stack, drill, names, context)
    else:
        announce_containers(drill.folder)
        place = Drill(stack, drill.folder, project_name(drill.folder.name))
        services = start_real(place, manifest, names, tell)
    tell("checking the databases", None, None, "")
    databases = tuple(open_again(drill.folder, record) for record in records)
    rows = sum(sum((record.rows or {}).values()) for record in records)
    return Report(str(drill.path), 0.0, services, databases, rows)


def _simulate(
    stack: Stack, drill: DrillBackup, names: list[str], context: Context
) -> tuple[Started, ...]:
    write_settings(stack, drill.folder, names, drill.folder / WAS)
    context.progress("starting the services", None, None, "")
    states = start_drill(drill.folder)
    stop_drill(drill.folder)
    return tuple(
        Started(name, state in RUNS, "" if state in RUNS else (why or state))
        for name in names
        for state, why in [states.get(name, ("", "it was not started"))]
    )


def _known(stack: Stack, manifest: Manifest) -> list[str]:
    return [n for n in manifest.service_names if n in stack.catalog]
