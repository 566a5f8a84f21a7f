"""The pure planner of start, stop and restart, and what it has to say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from usenet_stack.services.operations import (
    ReconnectServices,
    StartServices,
    StopServices,
)
from usenet_stack.stack.model import Stack, tiers
from usenet_stack.stack.service import Service
from usenet_stack.transaction import Plan, Step

Services = Sequence[Service]


class Seen(NamedTuple):
    """What runs.

    Args:
        running: services whose container runs.
        awake: the same, and those that Docker starts again and again.
        through: whose network a service uses, by stack.toml or as the
            Engine has it.
        lost: services that hold a network which is no more.
        there: services that have a container.
    """

    running: frozenset[str] = frozenset()
    awake: frozenset[str] = frozenset()
    through: Mapping[str, str] = {}
    lost: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()

    def guests_of(self, names: Iterable[str]) -> list[str]:
        """Return the services that use the network of one of those."""
        hosts = set(names)
        return [guest for guest, host in self.through.items() if host in hosts]

    def runs_well(self, name: str) -> bool:
        """Tell whether a service runs, with a network where it is a guest."""
        host = self.through.get(name, name)
        here = name in self.running and host in self.running
        return here and name not in self.lost


def start_plan(stack: Stack, chosen: Services, seen: Seen) -> Plan:
    """Return the steps that start what does not run.

    A service that has its network from another cannot run without it: that
    one is started as well.
    """
    wanted = [s for s in chosen if s.name not in seen.running]
    lost = [s for s in chosen if not seen.runs_well(s.name)]
    lost = [s for s in lost if s.name in seen.running]
    hosts = _hosts(stack, [*wanted, *lost], seen)
    steps = _starts(stack, hosts, seen, "others use its network")
    steps += _starts(stack, wanted, seen, "it does not run")
    guests = _awake_guests([*hosts, *wanted], seen) | set(_names(lost))
    steps += _reconnects(stack, guests - set(_names(wanted)))
    return Plan("services start", tuple(steps), "forward")


def stop_plan(stack: Stack, chosen: Services, seen: Seen) -> Plan:
    """Return the steps that stop what runs, in reverse order."""
    wanted = [s for s in chosen if s.name in seen.awake]
    steps = _stops(stack, wanted, seen, "you asked for it")
    return Plan("services stop", tuple(steps), "forward")


def restart_plan(stack: Stack, chosen: Services, seen: Seen) -> Plan:
    """Return the steps that stop what runs and start all that was chosen.

    Those that use the network of one of them get new containers.
    """
    stopping = [s for s in chosen if s.name in seen.awake]
    hosts = _hosts(stack, chosen, seen)
    steps = _stops(stack, stopping, seen, "it starts again afterwards")
    steps += _starts(stack, hosts, seen, "others use its network")
    steps += _starts(stack, chosen, seen, "you asked for it")
    guests = _awake_guests([*hosts, *chosen], seen) - set(_names(chosen))
    steps += _reconnects(stack, guests)
    return Plan("services restart", tuple(steps), "forward")


def _hosts(stack: Stack, wanted: Services, seen: Seen) -> list[Service]:
    """Return what must be started for others to have a network."""
    names = {seen.through.get(service.name) for service in wanted}
    there = {*seen.running, *_names(wanted)}
    return [s for s in stack.services if s.name in names - there]


def _awake_guests(starting: Services, seen: Seen) -> set[str]:
    guests = seen.guests_of(_names(starting))
    return {guest for guest in guests if guest in seen.awake}


def _starts(stack: Stack, wanted: Services, seen: Seen, why: str) -> list[Step]:
    return [
        Step(StartServices(stack.project, _names(batch)), why, "continue")
        for batch in tiers(wanted, set(seen.through.values()))
    ]


def _stops(stack: Stack, wanted: Services, seen: Seen, why: str) -> list[Step]:
    batches = tiers(wanted, set(seen.through.values()))
    return [
        Step(StopServices(stack.project, _names(batch)), why, "continue")
        for batch in reversed(batches)
    ]


def _reconnects(stack: Stack, names: Iterable[str]) -> list[Step]:
    wanted = tuple(sorted(names))
    if not wanted:
        return []
    why = "the network that they use is another one now"
    reconnect = ReconnectServices(stack.project, wanted)
    return [Step(reconnect, why, "continue")]


def _names(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(service.name for service in services)


def remarks_on_start(
    stack: Stack, chosen: Services, seen: Seen
) -> Iterator[str]:
    """Yield what a user should know who starts these."""
    names = set(_names(chosen))
    for service in chosen:
        absent = [
            need
            for need in service.needs
            if stack.enabled(need) and need not in seen.running | names
        ]
        if absent:
            do = "does" if len(absent) == 1 else "do"
            yield (
                f"{service.name} needs {', '.join(absent)}, which {do} not "
                f"run: usenet services start {' '.join(absent)}"
            )


def remarks_on_stop(
    stack: Stack, chosen: Services, seen: Seen
) -> Iterator[str]:
    """Yield which of the services that go on running miss these."""
    names = set(_names(chosen))
    staying = [
        service
        for service in stack.services
        if service.name in seen.running and service.name not in names
    ]
    for service in chosen:
        guests = [g for g in seen.guests_of([service.name]) if g not in names]
        guests = [guest for guest in guests if guest in seen.running]
        if guests:
            has = "has" if len(guests) == 1 else "have"
            yield (
                f"{', '.join(guests)} {has} no network until {service.name} "
                f"runs again: usenet services stop {' '.join(guests)}"
            )
        users = [
            other.name
            for other in staying
            if service.name in other.needs and other.name not in guests
        ]
        if users:
            needs = "needs" if len(users) == 1 else "need"
            yield (
                f"{', '.join(users)} {needs} {service.name}, which is "
                "stopped now."
            )


def already(verb: str, chosen: Services, seen: Seen) -> str:
    """Return which of the chosen were as they should be, "" for none."""
    if verb == "start":
        same = [s.name for s in chosen if seen.runs_well(s.name)]
        return f"Ran already: {', '.join(same)}." if same else ""
    if verb == "stop":
        same = [s.name for s in chosen if s.name in seen.there - seen.awake]
        return f"Stopped already: {', '.join(same)}." if same else ""
    return ""
