"""Look for updates, and make them: each in a transaction of its own."""

import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import Exit, UsenetError
from usenet_stack.result import Result
from usenet_stack.services import config_hashes, probe_services, select
from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import (
    SILENT,
    Observer,
    Plan,
    Session,
    open_session,
)
from usenet_stack.transaction.journal import journals
from usenet_stack.update.candidates import Candidate, observe
from usenet_stack.update.planner import COMMAND, Unit, plan_unit, units
from usenet_stack.update.snapshot import check_snapshot

Names = Sequence[str]


def check_updates(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Result:
    """Tell what an update would change; change nothing.

    Args:
        names, group, all: which; none of them means all.

    Returns: `services`: a row for each, see `Candidate.as_row`. A registry
        that does not answer is told in its row, and is no error.
    Raises:
        UsenetError: service.unknown, service.off, group.unknown, or the
            Engine does not answer.
    """
    chosen = _select(stack, names, group, all)
    found = observe(stack, chosen)
    return Result({"services": _rows(found, chosen)})


def plan_update(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return the steps of all updates, one after the other."""
    chosen = _select(stack, names, group, all)
    found = units(observe(stack, chosen), chosen)
    plans = [plan_unit(stack.project, unit) for unit in found]
    steps = tuple(step for plan in plans for step in plan.steps)
    return Plan(COMMAND, steps)


def update_services(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
    observer: Observer = SILENT,
) -> Result:
    """Let services run from the newest image of the name that they have.

    Each is a transaction of its own: it is stopped, its settings are kept,
    its container made anew, and when that does not get well, image and
    settings are put back. One that fails does not keep the others from it.

    Args:
        names, group, all: which; one of the three.

    Returns: as `check_updates`, with `outcome` ("updated", "rolled-back",
        "refused", "failed" or "") and `state` in each row, and `journals`.
        Exit 13 when one was put back and none was updated, 3 when one was.
    Raises:
        UsenetError: as `check_updates`; lock.held.
    Effects: new images and containers; the image before keeps the name
        `usenet-previous:PROJECT.SERVICE`. A service that was stopped stays
        stopped, with a new container.
    Undo: done by itself on failure, or by the next run after a crash.
    """
    chosen = _select(stack, names, group, all)
    with open_session(stack.folder, COMMAND, observer) as session:
        found = observe(stack, chosen)
        todo = units(found, chosen)
        done = _Done(config_hashes(stack, Engine()) if todo else {}, {}, [], [])
        for unit in todo:
            if not _update(stack, session, unit, done):
                break
    rows = _rows(found, {*chosen, *done.outcomes})
    _add_states(stack, rows, done)
    named = chosen if names and not all else ()
    errors = [*done.errors, *_unknown(found, chosen), *_absent(found, named)]
    data = {"services": rows, "journals": done.journals}
    updated = "updated" in done.outcomes.values()
    stuck = any(e.exit_code == Exit.ROLLBACK_FAILED for e in errors)
    return Result(data, errors=errors, partial=updated and not stuck)


class _Done(NamedTuple):
    hashes: dict[str, str]
    outcomes: dict[str, str]
    errors: list[UsenetError]
    journals: list[str]


def _select(
    stack: Stack, names: Names, group: str | None, all: bool
) -> tuple[str, ...]:
    chosen = select(stack, names, group, all)
    return tuple(service.name for service in chosen)


def _update(stack: Stack, session: Session, unit: Unit, done: _Done) -> bool:
    """Update one unit; tell whether the next one may be tried."""
    outcome = "updated"
    try:
        _check(stack, unit, done.hashes)
    except UsenetError as error:
        done.errors.append(error)
        done.outcomes.update(dict.fromkeys(unit.names, "refused"))
        return True
    try:
        ended = session.run(plan_unit(stack.project, unit))
        done.journals.append(ended.journal)
        done.errors.extend(failure.error for failure in ended.failures)
    except UsenetError as error:
        rolled = error.code == "transaction.rolled-back"
        if error.code.startswith("transaction."):
            done.journals.append(journals(stack.folder)[-1].stem)
        outcome = "rolled-back" if rolled else "failed"
        # What cannot be put back comes first, and nothing comes after it.
        done.errors.insert(len(done.errors) if rolled else 0, error)
    done.outcomes.update(dict.fromkeys(unit.names, outcome))
    return outcome != "failed"


def _check(stack: Stack, unit: Unit, hashes: dict[str, str]) -> None:
    """Refuse before anything is pulled or stopped."""
    for member in unit.members:
        known = member.config_hash
        if known and known != hashes.get(member.name):
            # A new container would bring more than an image, and the way
            # back could not take that out again.
            raise UsenetError(
                "update.not-deployed",
                service=member.name,
                deploy=deploy_command(stack.folder, os.environ),
            )
        if member.awake and member.has_config:
            check_snapshot(stack, member.service, stack.state_path)


def _rows(
    found: Sequence[Candidate], names: Collection[str]
) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [c.as_row(now) for c in found if c.name in names]


def _add_states(stack: Stack, rows: list[dict[str, Any]], done: _Done) -> None:
    touched = [row["name"] for row in rows if row["name"] in done.outcomes]
    states = probe_services(stack, Engine(), touched) if touched else {}
    for row in rows:
        row["outcome"] = done.outcomes.get(row["name"], "")
        health = states.get(row["name"])
        row["state"] = health.state if health else ""


def _unknown(
    found: Sequence[Candidate], chosen: Sequence[str]
) -> list[UsenetError]:
    return [
        UsenetError(
            "update.registry",
            service=candidate.name,
            reference=candidate.reference,
            why=candidate.problem,
        )
        for candidate in found
        if candidate.name in chosen and candidate.status == "unknown"
    ]


def _absent(found: Sequence[Candidate], named: Names) -> list[UsenetError]:
    """Return an error for each that was named and is not deployed."""
    return [
        UsenetError("service.absent", name=candidate.name)
        for candidate in found
        if candidate.status == "absent" and candidate.name in named
    ]
