"""Follows the drives of a pool: fences the lost, attaches those back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage.applying import plan_apply
from usenet_stack.storage.layouts import drive_place, is_union, union_place
from usenet_stack.storage.moving.applications import running
from usenet_stack.storage.privilege import need_root
from usenet_stack.storage.registry import read_registry
from usenet_stack.storage.watching.events import DeviceEvent, KernelEvents
from usenet_stack.storage.watching.operations import (
    FenceDrive,
    PauseScans,
    ResumeScans,
    mounted,
    read_paused,
)
from usenet_stack.storage.watching.sights import (
    SETTLE_S,
    Patience,
    Sight,
    look,
)
from usenet_stack.transaction import Context, Plan, Step, open_session

COMMAND = "storage watch"
AGAIN_S = 1.0
TOGETHER_S = 0.05

What = Literal["watching", "fenced", "noted", "attached", "failed"]


class Notice(NamedTuple):
    """One line of what happened.

    Args:
        time: RFC 3339, in UTC.
        drive: its name in the pool, or "".
        journal: of what was done, or "".
        error: code of what failed, or "".
    """

    time: str
    event: What
    drive: str
    text: str
    journal: str = ""
    error: str = ""
    hint: str = ""


def watch_pool(
    stack: Stack, *, once: bool = False, settle_s: float = SETTLE_S
) -> Iterator[Notice]:
    """Yield what happens to the drives of the pool, and act on it.

    A drive that is lost is taken out of the pool at once, its place kept;
    one that is back is attached when it has been there for a while.

    Args:
        once: do what is called for now, and end.
        settle_s: how long a drive must be back before it is attached.

    Effects: mounts in the pool; what `add_drive` does; one journal entry
        for each drive that goes or comes.
    """
    need_root("unmounting drives that are gone", COMMAND, [], stack)
    with KernelEvents() as events:
        watch = _Watch(stack, 0.0 if once else settle_s)
        if once:
            yield from watch.step()
            return
        yield _notice("watching", "", _greeting(stack, events))
        wait_s: float | None = 0.0
        while True:
            watch.hear(events.wait(wait_s))
            # A drive, or a container that starts, makes several at once.
            time.sleep(TOGETHER_S)
            watch.hear(events.wait(0))
            yield from watch.step()
            wait_s = watch.wait_s


def _greeting(stack: Stack, events: KernelEvents) -> str:
    count = len(read_registry(stack.folder))
    text = f"Watching {count} drives of {stack.media_root}."
    if not events.hears_devices:
        text += " Device events cannot be heard here: only mounts are."
    return text


def plan_watch(stack: Stack) -> Plan:
    """Return what `watch_pool` would do at once; nothing is changed."""
    steps: list[Step] = []
    for name, sight in look(stack, frozenset()).items():
        if sight.state == "lost":
            steps += _steps_to_fence(stack, name)
        elif sight.state == "back":
            steps += _steps_to_attach(stack, name)
    return Plan(COMMAND, tuple(steps), "forward")


def _steps_to_fence(stack: Stack, name: str) -> list[Step]:
    why = f"{name} is gone without a word"
    return [
        *(Step(FenceDrive(place), why) for place in _fenced(stack, name)),
        *(
            Step(
                PauseScans(service, name),
                "it drops what it does not find",
                "continue",
            )
            for service in _jellyfins(stack)
        ),
    ]


def _fenced(stack: Stack, name: str) -> list[Path]:
    """Return the places that are unmounted when a drive is lost.

    A union goes first and whole: the *arr applications keep what they know
    of a root folder that is empty, and drop what is missing in one that
    still holds the files of other drives.
    """
    union = [union_place(stack)] if is_union(stack) else []
    return [*union, drive_place(stack, name)]


def _steps_to_attach(stack: Stack, name: str) -> list[Step]:
    steps = list(plan_apply(stack, (name,)).steps)
    paused = read_paused(stack.folder)
    if steps and paused is not None and name in paused.away:
        steps += _steps_to_resume(stack, name)
    return steps


def _steps_to_resume(stack: Stack, name: str) -> list[Step]:
    return [
        Step(
            ResumeScans(service, name),
            "no file of its is missing any more",
            "continue",
        )
        for service in _jellyfins(stack)
    ]


def _jellyfins(stack: Stack) -> list[str]:
    alive = running(stack)
    return [
        service.name
        for service in stack.services
        if service.api == "jellyfin" and service.name in alive
    ]


class _Watch:
    def __init__(self, stack: Stack, settle_s: float) -> None:
        self.stack = stack
        self.wait_s: float | None = 0.0
        self._patience = Patience(settle_s)
        self._gone: set[str] = set()
        self._journal = ""
        self._busy = False
        # Fenced, and not in the journal yet: another run held the lock.
        self._unwritten: set[str] = set()

    def hear(self, events: list[DeviceEvent]) -> None:
        for event in events:
            if event.action == "remove":
                self._gone.add(event.device)
            elif event.action == "add":
                self._gone.discard(event.device)

    def step(self) -> Iterator[Notice]:
        """Look, and do what is called for."""
        self._busy = False
        sights = look(self.stack, frozenset(self._gone))
        wishes = self._patience.decide(sights, time.monotonic())
        for name in wishes.fence:
            yield self._fence(name)
        for name in sorted(self._unwritten):
            yield from self._write_down(name)
        for name in wishes.attach:
            yield from self._attach(name, sights[name])
        self.wait_s = wishes.wait_s
        if not wishes.attach:
            yield from self._resume(sights)
        if self._unwritten or self._busy:
            self.wait_s = min(AGAIN_S, wishes.wait_s or AGAIN_S)

    def _fence(self, name: str) -> Notice:
        # Before the journal and without the lock, which a move of hours
        # may hold: each moment that a dead drive stays in the pool, an
        # application may take its files for deleted. It is idempotent.
        place = drive_place(self.stack, name)
        folder = self.stack.folder
        try:
            for each in _fenced(self.stack, name):
                FenceDrive(each).do(Context(folder, folder), {})
        except OSError as problem:
            error = UsenetError(
                "storage.watch-fence", name=name, path=place, why=str(problem)
            )
            return _failure(name, error)
        text = (
            f"{name} is gone. Its place in the pool is empty and closed; "
            "the applications keep what they know of it."
        )
        if is_union(self.stack):
            text += (
                " So is the whole union until it is back, or is given up: "
                f"usenet storage remove {name} --force"
            )
        self._unwritten.add(name)
        return _notice("fenced", name, text)

    def _write_down(self, name: str) -> Iterator[Notice]:
        """Journal a fence, and pause what would take files for deleted."""
        try:
            steps = _steps_to_fence(self.stack, name)
            yield from self._run(name, tuple(steps))
        except UsenetError as error:
            if error.code != "lock.held":
                self._unwritten.discard(name)
                yield _failure(name, error)
            return
        self._unwritten.discard(name)
        text = f"The loss of {name} is in the journal."
        yield _notice("noted", name, text, self._journal)

    def _attach(self, name: str, sight: Sight) -> Iterator[Notice]:
        try:
            steps = _steps_to_attach(self.stack, name)
            yield from self._run(name, tuple(steps))
            if not mounted(drive_place(self.stack, name)):
                raise UsenetError("storage.watch-attach", name=name)
        except UsenetError as error:
            now = look(self.stack, frozenset(self._gone)).get(name)
            if error.code == "lock.held" or now != sight:
                self._patience.again(name)
                self._busy = True
                return
            self._patience.refuse(name, sight.token)
            yield _failure(name, error)
            return
        text = f"{name} is back, and in the pool again."
        yield _notice("attached", name, text, self._journal)

    def _resume(self, sights: dict[str, Sight]) -> Iterator[Notice]:
        """End a pause whose drive came back, or left, by another hand."""
        paused = read_paused(self.stack.folder)
        for name in paused.away if paused else ():
            if name in sights and sights[name].state != "here":
                continue
            try:
                steps = _steps_to_resume(self.stack, name)
                yield from self._run(name, tuple(steps))
            except UsenetError as error:
                if error.code != "lock.held":
                    yield _failure(name, error)
                self._busy = error.code == "lock.held"

    def _run(self, name: str, steps: tuple[Step, ...]) -> Iterator[Notice]:
        with open_session(self.stack.folder, COMMAND) as session:
            outcome = session.run(Plan(COMMAND, steps, "forward"))
        self._journal = outcome.journal
        for failure in outcome.failures:
            # One that was never set up has nothing to lose.
            if failure.error.code not in ("app.setup-pending", "app.no-key"):
                yield _failure(name, failure.error)


def _notice(event: What, drive: str, text: str, journal: str = "") -> Notice:
    return Notice(_now(), event, drive, text, journal)


def _failure(drive: str, error: UsenetError) -> Notice:
    text = f"{error.message} {error.why}".strip()
    return Notice(
        _now(), "failed", drive, text, error=error.code, hint=error.hint
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
