"""Runs one plan over and over, each time with a fault at another syscall.

A program of its own, so that it can wrap the functions of `os` before the
package is imported; nothing inside the package is touched. Every run happens
in a forked child, so that a point costs milliseconds.

    python faults.py SCENARIO MODE FOLDER

SCENARIO is a key of `SCENARIOS`; MODE is "kill", "kill-twice" or a key of
`ERRORS`. FOLDER is scratch space. Prints one JSON object: {"points": number
of runs that met a fault, "calls": syscalls of the undisturbed run, "broken":
what was wrong, one line each}.
"""

import errno
import gc
import json
import os
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

CALLS = (
    *("open", "write", "pwrite", "ftruncate", "fsync", "fdatasync"),
    *("replace", "rename", "unlink", "remove", "mkdir", "rmdir"),
    *("link", "symlink", "chmod", "fchmod", "chown", "fchown", "utime"),
)
# As kill -9 leaves the page cache alone, these change nothing that it shows.
HARMLESS = ("fsync", "fdatasync")
SPACE = ("write", "pwrite")
NAMES = ("open", "mkdir", "link", "symlink")


class Faults:
    """Counts the calls that change the world; strikes at one of them."""

    def __init__(self) -> None:
        self.armed = False
        self.calls: list[str] = []
        self.strike: Callable[[int, str, Any, Any], None] | None = None
        self.after: int | None = None
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if not self.armed or (name == "open" and not args[1] & os.O_CREAT):
                return real(*args, **options)
            number = len(self.calls)
            self.calls.append(name)
            if self.strike is not None:
                self.strike(number, name, real, args)
            try:
                return real(*args, **options)
            finally:
                if number == self.after:
                    die()

        return call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS = Faults()

from usenet_stack.errors import UsenetError  # noqa: E402
from usenet_stack.transaction import (  # noqa: E402
    Context,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.files import MakeFolder, WriteFile  # noqa: E402
from usenet_stack.transaction.journal import Journal, journals  # noqa: E402


class Refuse(Operation, frozen=True):
    """A step that always fails."""

    kind: ClassVar[str] = "crash.refuse"

    def describe(self) -> str:
        return "refuse"

    def do(self, context: Context, before: dict[str, Any]) -> None:
        raise UsenetError("file.failed", path="nothing", folder="/")

    def undo(self, context: Context, before: dict[str, Any]) -> None:
        return


class Scenario(NamedTuple):
    """A plan, and the outcomes that it may end with."""

    recovery: str
    refuse: str  # "", "abort" or "continue"
    outcomes: tuple[str, ...]


SCENARIOS = {
    "back": Scenario("back", "", ("committed", "rolled-back")),
    "forward": Scenario("forward", "", ("committed",)),
    "back-failing": Scenario("back", "abort", ("rolled-back",)),
    "forward-failing": Scenario("forward", "abort", ("rolled-back",)),
    "forward-partial": Scenario("forward", "continue", ("partial",)),
}
NEW_STATE = ("committed", "partial")


def plan(root: Path, scenario: Scenario, small: bool) -> Plan:
    app = root / "config" / "app"
    steps = [
        Step(MakeFolder(app, 0o750, 1000, 1000), "its place"),
        Step(WriteFile(app / "new.conf", "new\n", 0o600), "it is missing"),
        Step(WriteFile(root / "stack.toml", "a = 2\n", 0o644), "it changed"),
        Step(WriteFile(root / "link.toml", "a = 3\n"), "it changed"),
    ]
    if small:
        del steps[3], steps[1]
    if scenario.refuse:
        steps.append(Step(Refuse(), "a test", scenario.refuse))
    return Plan("change", tuple(steps), scenario.recovery)


# -- the world as a value ---------------------------------------------------
Snapshot = dict[str, tuple[Any, ...]]


def snapshot(root: Path) -> Snapshot:
    """Return all that there is below `root`."""
    found: Snapshot = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        facts: tuple[Any, ...] = (status.st_mode, status.st_uid, status.st_gid)
        if path.is_symlink():
            facts += (str(path.readlink()),)
        elif path.is_file():
            facts += (path.read_bytes(), status.st_mtime_ns, status.st_ino)
        found[str(path.relative_to(root))] = facts
    return found


def restore(root: Path, found: Snapshot) -> None:
    """Make `root` what `snapshot` saw, hard links included."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    inodes: dict[int, Path] = {}
    for name, (mode, uid, gid, *rest) in found.items():
        path = root / name
        if stat.S_ISLNK(mode):
            path.symlink_to(rest[0])
        elif stat.S_ISDIR(mode):
            path.mkdir()
        elif rest[2] in inodes:
            path.hardlink_to(inodes[rest[2]])
            continue
        else:
            path.write_bytes(rest[0])
            inodes[rest[2]] = path
        os.chown(path, uid, gid, follow_symlinks=False)
        if not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode))
        if stat.S_ISREG(mode):
            os.utime(path, ns=(rest[1], rest[1]))


def old_world(root: Path) -> None:
    """Make the world that every run begins with."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "stack.toml").write_text("a = 1\n")
    (root / "stack.toml").chmod(0o640)
    if os.geteuid() == 0:
        os.chown(root / "stack.toml", 1234, 5678)
    os.utime(root / "stack.toml", ns=(10**18 + 7, 10**18 + 7))
    (root / "link.toml").symlink_to("stack.toml")


def visible(found: Snapshot, *, times: bool) -> Snapshot:
    """Return what the user sees: no .usenet, no inodes."""
    return {
        name: (*facts[:4], facts[4] if times else 0)
        if len(facts) > 4
        else facts
        for name, facts in found.items()
        if not name.startswith(".usenet")
    }


# -- runs in forked children ------------------------------------------------
class Ended(NamedTuple):
    """How a child ended: exit code (-9: killed), the calls that it made."""

    code: int
    calls: list[str]


def in_child(work: Callable[[], None]) -> Ended:
    """Run `work` in a child with the faults armed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            FAULTS.calls.clear()
            FAULTS.armed = True
            code = _exit_code(work)
        finally:
            FAULTS.armed = False
            os.write(writer, " ".join(FAULTS.calls).encode())
            os._exit(code)
    os.close(writer)
    told = b""
    while part := os.read(reader, 1 << 16):
        told += part
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    return Ended(os.waitstatus_to_exitcode(status), told.decode().split())


def _exit_code(work: Callable[[], None]) -> int:
    try:
        work()
    except UsenetError as problem:
        return int(problem.exit_code)
    except OSError:
        return 98
    except KeyboardInterrupt:
        return 130
    except BaseException:
        traceback.print_exc()
        raise
    return 0


def change(root: Path, scenario: Scenario, small: bool) -> None:
    with open_session(root, "change") as session:
        session.run(plan(root, scenario, small))


def recover(root: Path) -> None:
    with open_session(root, "next"):
        pass


# -- what must hold ---------------------------------------------------------
class Judge:
    """Knows the old and the new state, and says what is wrong."""

    def __init__(self, root: Path, scenario: Scenario, small: bool) -> None:
        self.root, self.scenario = root, scenario
        old_world(root)
        change(root, SCENARIOS["back"], small)  # fills caches for the forks
        old_world(root)
        self.old = snapshot(root)
        accepted = scenario._replace(
            refuse="" if scenario.refuse == "abort" else scenario.refuse
        )
        assert in_child(lambda: change(root, accepted, small)).code == 0
        self.new = visible(snapshot(root), times=False)
        old_world(root)

    def state(self) -> str:
        """Return "old", "new", or what is mixed."""
        found = snapshot(self.root)
        if visible(found, times=True) == visible(self.old, times=True):
            return "old"
        if visible(found, times=False) == self.new:
            return "new"
        return f"mixed {visible(found, times=True)}"

    def verdict(self) -> Iterator[str]:
        """Yield what is wrong once everything is settled."""
        ended = [Journal.open(path) for path in journals(self.root)]
        outcomes = [journal.outcome for journal in ended]
        if not set(outcomes) <= set(self.scenario.outcomes):
            yield f"ended as {outcomes}"
        new = bool(outcomes) and outcomes[0] in NEW_STATE
        if self.state() != ("new" if new else "old"):
            yield f"{outcomes} but {self.state()}"
        yield from self.rubbish()
        audit = self.root / ".usenet" / "audit.jsonl"
        lines = audit.read_text().splitlines() if audit.exists() else []
        told = [json.loads(line) for line in lines]
        if [(line["journal"], line["outcome"]) for line in told] != [
            (journal.id, journal.outcome) for journal in ended
        ]:
            yield f"{outcomes} but audited {told}"

    def rubbish(self) -> Iterator[str]:
        for path in self.root.rglob("*"):
            if path.suffix in (".tmp", ".kept"):
                yield f"left behind {path.relative_to(self.root)}"


# -- enumeration ------------------------------------------------------------
class Point(NamedTuple):
    """Where a child is killed: before, in the middle of, or after a call."""

    number: int
    when: str

    def arm(self) -> None:
        FAULTS.after = self.number if self.when == "after" else None
        FAULTS.strike = None if self.when == "after" else self._strike

    def _strike(self, number: int, name: str, real: Any, args: Any) -> None:
        if number == self.number:
            if self.when == "half":
                real(args[0], args[1][: len(args[1]) // 2], *args[2:])
            die()


def points(calls: list[str], *, distinct: bool) -> Iterator[Point]:
    """Yield every point of a run that makes these calls.

    Args:
        distinct: leave out points that leave the same world as another.
    """
    for number, name in enumerate(calls):
        if not (distinct and number and calls[number - 1] in HARMLESS):
            yield Point(number, "before")
        if name in SPACE:
            yield Point(number, "half")
        if not distinct or number == len(calls) - 1:
            yield Point(number, "after")


def disarm() -> None:
    FAULTS.strike = FAULTS.after = None


class Report:
    """Counts points and collects what is broken."""

    def __init__(self) -> None:
        self.points = 0
        self.calls = 0
        self.broken: list[str] = []

    def add(self, *where: object, wrong: Iterator[str] | list[str]) -> None:
        for line in wrong:
            self.broken.append(" ".join(map(str, (*where, line))))


def settle(judge: Judge, *where: object, report: Report) -> None:
    """Recover undisturbed (no fork: it is quicker); judge what is left."""
    code = _exit_code(lambda: recover(judge.root))
    if code not in (0, 13):
        report.add(*where, wrong=[f"recovery ended with {code}"])
    report.add(*where, wrong=judge.verdict())


def kill(judge: Judge, scenario: Scenario, twice: bool) -> Report:
    """Kill the run at every point; with `twice`, its recovery as well."""
    report = Report()
    root = judge.root
    whole = in_child(lambda: change(root, scenario, twice))
    report.calls = len(whole.calls)
    report.add("undisturbed", wrong=judge.verdict())
    for point in points(whole.calls, distinct=twice):
        old_world(root)
        point.arm()
        if in_child(lambda: change(root, scenario, twice)).code != -9:
            report.add(point, wrong=["was not reached"])
        if twice:
            kill_recovery(judge, point, report)
        else:
            report.points += 1
            settle(judge, point, report=report)
    return report


def kill_recovery(judge: Judge, first: Point, report: Report) -> None:
    crashed = snapshot(judge.root)
    disarm()
    calls = in_child(lambda: recover(judge.root)).calls
    for second in points(calls, distinct=True):
        restore(judge.root, crashed)
        second.arm()
        if in_child(lambda: recover(judge.root)).code != -9:
            report.add(first, second, wrong=["was not reached"])
        report.points += 1
        settle(judge, first, second, report=report)


def fits(descriptor: int, content: bytes, offset: int) -> bool:
    return offset + len(content) <= os.fstat(descriptor).st_size


def once(number: int, problem: BaseException) -> Callable[..., None]:
    def strike(found: int, name: str, real: Any, args: Any) -> None:
        if found == number:
            raise problem

    return strike


def lasting(
    number: int, names: tuple[str, ...], *, in_place: bool = True
) -> Callable[..., None]:
    def strike(found: int, name: str, real: Any, args: Any) -> None:
        room = name == "pwrite" and in_place and fits(*args)
        if found >= number and name in names and not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return strike


ERRORS: dict[str, Callable[[int], Callable[..., None]]] = {
    # one call fails
    "failing": lambda n: once(n, OSError(errno.EIO, os.strerror(errno.EIO))),
    # from here on no data can be written; not even over other data, as
    # where every write is a copy; no name can be made either
    "full": lambda n: lasting(n, SPACE),
    "full-copying": lambda n: lasting(n, SPACE, in_place=False),
    "full-folder": lambda n: lasting(n, (*SPACE, *NAMES)),
    "ctrl-c": lambda n: once(n, KeyboardInterrupt()),
}


def errors(judge: Judge, scenario: Scenario, mode: str) -> Report:
    """Make the run fail at every call, and hold it to what it then says."""
    report = Report()
    root = judge.root
    whole = in_child(lambda: change(root, scenario, False))
    report.calls = len(whole.calls)
    for number in range(len(whole.calls)):
        old_world(root)
        FAULTS.strike = ERRORS[mode](number)
        code = in_child(lambda: change(root, scenario, False)).code
        report.points += 1
        told = judge.state()
        where = (mode, number, whole.calls[number], f"exit {code}")
        if code == 0 and told != "new":
            report.add(*where, wrong=[f"said done, is {told}"])
        if code in (1, 13, 98) and told != "old":
            report.add(*where, wrong=[f"said put back, is {told}"])
        if code not in (0, 1, 13, 14, 98, 130):
            report.add(*where, wrong=["is no way to end"])
        later = _exit_code(lambda: recover(root))
        if later not in (0, 13):
            report.add(*where, wrong=[f"recovery ended with {later}"])
        kept = ("old", "new") if code == 130 else (told,)
        if judge.state() not in (kept if code != 14 else ("old", "new")):
            report.add(*where, wrong=[f"{told}, later {judge.state()}"])
        report.add(*where, wrong=judge.rubbish())
    return report


def main(name: str, mode: str, folder: str) -> None:
    root = Path(folder) / "stack"
    scenario = SCENARIOS[name]
    gc.freeze()
    judge = Judge(root, scenario, mode == "kill-twice")
    if mode in ERRORS:
        report = errors(judge, scenario, mode)
    else:
        report = kill(judge, scenario, mode == "kill-twice")
    print(json.dumps(vars(report)))


if __name__ == "__main__":
    main(*sys.argv[1:])
