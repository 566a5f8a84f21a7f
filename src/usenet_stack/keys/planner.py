"""The plan of a rotation, from what was observed. No I/O."""

from collections.abc import Sequence
from typing import NamedTuple

from usenet_stack.keys.operations import (
    ChangeEnvKey,
    ChangeFileKey,
    ChangeLiveKey,
    DropJellyfinKey,
    MakeJellyfinKey,
    TellHolder,
)
from usenet_stack.keys.places import Place
from usenet_stack.keys.ways import Way
from usenet_stack.transaction import Operation, Plan, Step

COMMAND = "keys rotate"


class Observed(NamedTuple):
    """What a rotation has to know.

    Args:
        service: whose key it is; `secret` its name in `.env`.
        way: how it gets a new one; not "".
        others: services that get it with their environment.
        places: where applications hold it.
        unproven: those of them that cannot use even the old key.
        first: there is no old key.
    """

    service: str
    secret: str
    way: Way
    others: Sequence[str] = ()
    places: Sequence[Place] = ()
    unproven: Sequence[Place] = ()
    first: bool = False


def plan_rotation(seen: Observed) -> Plan:
    """Return the plan: the application first, then all who hold its key.

    It is undone when it fails or is cut off. Not so where the application
    makes its keys itself: there the next run completes it, because a key
    that was deleted cannot come back.
    """
    names = (seen.service, seen.secret)
    steps = [Step(_change(seen), "you asked for a new key")]
    steps += [
        Step(
            TellHolder(*names, place, place not in seen.unproven),
            "it holds the old one",
        )
        for place in seen.places
    ]
    if seen.way != "asked" or seen.first:
        return Plan(COMMAND, tuple(steps), "back")
    why = "nobody needs it any more"
    steps.append(Step(DropJellyfinKey(*names), why))
    return Plan(COMMAND, tuple(steps), "forward")


def _change(seen: Observed) -> Operation:
    kinds = {
        "env": ChangeEnvKey,
        "file": ChangeFileKey,
        "live": ChangeLiveKey,
        "asked": MakeJellyfinKey,
    }
    others = tuple(seen.others)
    return kinds[seen.way](seen.service, seen.secret, others)
