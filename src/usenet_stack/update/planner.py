"""The pure planner: one plan for each image that has a newer one."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from usenet_stack.transaction import Operation, Plan, Step
from usenet_stack.update.candidates import Candidate
from usenet_stack.update.operations import (
    PullImage,
    RecreateService,
    SnapshotConfig,
    StopForUpdate,
)

COMMAND = "services update"


class Unit(NamedTuple):
    """Services that are updated together: they share an image's name."""

    members: tuple[Candidate, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(member.name for member in self.members)


def units(
    candidates: Iterable[Candidate], chosen: Collection[str]
) -> tuple[Unit, ...]:
    """Return what is to be updated, in the order of the services' start.

    A name leads to one image only. So those that share it go forward, and
    back, together, also when only one of them was asked for.
    """
    found: dict[str, list[Candidate]] = {}
    wanted = set()
    for candidate in candidates:
        if candidate.status == "new":
            found.setdefault(candidate.reference, []).append(candidate)
            if candidate.name in chosen:
                wanted.add(candidate.reference)
    return tuple(
        Unit(tuple(members))
        for reference, members in found.items()
        if reference in wanted
    )


def plan_unit(project: str, unit: Unit) -> Plan:
    """Return the steps of one update. All of them, or none."""
    first = unit.members[0]
    awake = [member for member in unit.members if member.awake]
    pull = PullImage(first.reference, first.available)
    steps = [Step(pull, "the registry has a newer image under this name")]
    steps += _stops(project, awake)
    steps += _snapshots(project, awake)
    for member in unit.members:
        new = RecreateService(
            project,
            member.name,
            member.reference,
            first.available,
            member.awake,
            member.service.changelog,
        )
        steps.append(Step(new, "a container never changes its image"))
    record = Operation.from_dict({"kind": "stack.record-images"})
    why = "it tells which image each service runs"
    steps.append(Step(record, why, "continue"))
    return Plan(COMMAND, tuple(steps), recovery="back")


def _stops(project: str, awake: list[Candidate]) -> Iterator[Step]:
    for one in reversed(awake):
        stop = StopForUpdate(project, one.name, one.reference)
        yield Step(stop, "its settings hold still while they are copied")


def _snapshots(project: str, awake: list[Candidate]) -> Iterator[Step]:
    # What is not started writes nothing: its settings stay as they are.
    for one in awake:
        if one.has_config:
            copy = SnapshotConfig(project, one.name, one.reference)
            why = "an older image may not read what a newer one wrote"
            yield Step(copy, why)
