"""`usenet backup restore` and `undo`: run the plan, tell what happened."""

from datetime import datetime
from typing import Any

from usenet_stack.backup.restoring.closing_operations import NoteRestore
from usenet_stack.backup.restoring.folder_operations import SwapFolders
from usenet_stack.backup.restoring.operations import UnpackBackup
from usenet_stack.backup.restoring.places import read_record
from usenet_stack.backup.restoring.planning import (
    RESTORE,
    UNDO,
    Held,
    RestoreRequest,
    plan_restore,
    plan_undo,
)
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import SILENT, Observer, Plan, open_session

# When a container that has never ended did so, as the Engine says it.
NEVER = "0002"


def restore_backup(
    stack: Stack,
    request: RestoreRequest,
    observer: Observer = SILENT,
    held: Held | None = None,
) -> Result:
    """Put services back to what a backup holds, all of them or none.

    Args:
        held: as in `plan_restore`.

    Returns: `backup`, `services`, `downtime`: seconds by service,
        `mapped`: what was changed for this machine; with a target only
        `backup`, `services` and `path`.
    Raises:
        UsenetError: as `plan_restore`; transaction.rolled-back (exit 13):
            the old state is back, what ran runs; lock.held.
    Effects: folders of the services are swapped, the old ones are kept.
    """
    with open_session(stack.folder, RESTORE, observer) as session:
        plan = plan_restore(stack, request, held)
        outcome = session.run(plan)
    found = _told(stack, plan, outcome.journal)
    found.data["backup"] = str(request.path)
    return found


def undo_restore(
    stack: Stack, observer: Observer = SILENT, *, redo: bool = False
) -> Result:
    """Swap the folders back that the last restore replaced.

    Args:
        redo: take the last undo back instead.

    Returns: as `restore_backup`.
    Raises:
        UsenetError: as `plan_undo` and `restore_backup`.
    """
    with open_session(stack.folder, UNDO, observer) as session:
        plan = plan_undo(stack, redo=redo)
        outcome = session.run(plan)
    return _told(stack, plan, outcome.journal)


def _told(stack: Stack, plan: Plan, journal: str) -> Result:
    data: dict[str, Any] = {"journal": journal}
    result = Result(data)
    for step in plan.steps:
        operation = step.operation
        if isinstance(operation, UnpackBackup):
            data |= {"path": str(operation.folder)}
            data |= {"services": list(operation.services)}
        elif isinstance(operation, SwapFolders):
            data["services"] = list(operation.services)
            data["downtime"] = _downtime(stack, plan)
        elif isinstance(operation, NoteRestore):
            record = read_record(stack, operation.id)
            data["mapped"] = [*record.mapped, *record.keys]
            data["backup"] = record.backup
            data["undone"] = record.undone
            stayed = set(record.services) - set(data["services"])
            for name in sorted(stayed) if record.undone else ():
                result.info(f"{name} had no files before: its new ones stay.")
            redo = " --redo" if record.undone else ""
            result.info(f"Take it back: usenet backup undo{redo}")
    return result


def _downtime(stack: Stack, plan: Plan) -> dict[str, float]:
    """Return for how long each service was down, as the Engine saw it."""
    stopped = {
        name
        for step in plan.steps
        if step.operation.kind == "service.stop"
        for name in getattr(step.operation, "services", ())
    }
    if not stopped:
        return {}
    found = {}
    engine = Engine()
    try:
        for container in engine.containers(stack.project):
            name = container["Labels"].get(SERVICE_LABEL)
            if name in stopped:
                state = engine.inspect(container["Id"])["State"]
                if state["FinishedAt"] > NEVER:  # else a new container
                    found[name] = _between(
                        state["FinishedAt"], state["StartedAt"]
                    )
    except UsenetError:
        return found
    return dict(sorted(found.items()))


def _between(finished: str, started: str) -> float:
    # The Engine writes nanoseconds, Python reads microseconds.
    first, last = (
        datetime.fromisoformat(f"{text[:19]}.{text[20:].rstrip('Z'):0<6.6}")
        for text in (finished, started)
    )
    return round(max((last - first).total_seconds(), 0.0), 3)
