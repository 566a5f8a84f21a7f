"""Moves a tree over and over, with a fault at another syscall each time.

    python moving_faults.py MODE FOLDER

MODE is "kill", "kill-twice", "many" (2000 files, killed 20 times by chance)
or a key of `faults.ERRORS`. Prints one JSON object as faults.py does.

What must hold: at no moment is a file nowhere, or half under its name.
"""

import json
import os
import random
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults import (
    ERRORS,
    FAULTS,
    Report,
    _exit_code,
    die,
    disarm,
    in_child,
    points,
    recover,
)

from usenet_stack.storage.moving.operations import (
    CopyContent,
    DeleteOriginals,
)
from usenet_stack.transaction import Plan, Step, open_session
from usenet_stack.transaction.journal import Journal, journals

MANY, KILLS, SEED = 2000, 20, 4
PART = ".usenet-part"
Facts = dict[str, tuple[Any, ...]]


def move(root: Path) -> None:
    source, target = root / "a", root / "b"
    steps = (
        Step(CopyContent(source, target), "a test"),
        Step(DeleteOriginals(source, target), "a test", "continue"),
    )
    with open_session(root, "storage move") as session:
        # What a killed run left was completed by the session itself.
        if any((source / "tv").iterdir()):
            session.run(Plan("storage move", steps, "forward"))


def tiny_tree(source: Path) -> None:
    show = source / "tv" / "Show"
    show.mkdir(parents=True)
    (show / "1.mkv").write_bytes(b"first episode" * 999)
    (show / "1.mkv").chmod(0o640)
    (show / "2.mkv").hardlink_to(show / "1.mkv")
    (show / "link").symlink_to("1.mkv")
    with (source / "tv" / "holes").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"end")


def smallest_tree(source: Path) -> None:
    (source / "tv" / "Show").mkdir(parents=True)
    (source / "tv" / "Show" / "1.mkv").write_bytes(b"episode" * 99)


def large_tree(source: Path) -> None:
    chance = random.Random(SEED)
    for number in range(MANY):
        folder = source / "tv" / f"Show {number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        size = chance.choice((0, 1, 100, 4096, 50_000))
        (folder / f"{number}.mkv").write_bytes(chance.randbytes(size))


def clone(model: Path, copy: Path) -> None:
    """Copy a tree with its hard links; quicker than cp(1) for a small one."""
    copied: dict[int, Path] = {}
    for path in (model, *sorted(model.rglob("*"))):
        status = path.lstat()
        to = copy / path.relative_to(model)
        if stat.S_ISLNK(status.st_mode):
            to.symlink_to(path.readlink())
        elif stat.S_ISDIR(status.st_mode):
            to.mkdir()
            to.chmod(status.st_mode)
        elif status.st_ino in copied:
            to.hardlink_to(copied[status.st_ino])
        else:
            shutil.copy2(path, to)
            copied[status.st_ino] = to


def facts(root: Path) -> Facts:
    """Return all below `root`: kind, owner, content, time, other names."""
    found: Facts = {}
    inodes: dict[int, str] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        told: tuple[Any, ...] = (status.st_mode, status.st_uid, status.st_gid)
        if path.is_symlink():
            told += (str(path.readlink()),)
        elif path.is_file():
            first = inodes.setdefault(status.st_ino, name)
            told += (path.read_bytes(), status.st_mtime_ns, first)
        found[name] = told
    return found


class Case:
    """A tree to move, what it was, and what is wrong with what it is."""

    def __init__(self, root: Path, make: Callable[[Path], None]) -> None:
        self.root, self.model = root, root.with_name("model")
        make(self.model)
        self.new()
        self.old = facts(self.source)

    @property
    def source(self) -> Path:
        return self.root / "a"

    @property
    def target(self) -> Path:
        return self.root / "b"

    def new(self) -> None:
        """Begin again: all is on the source."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        self.target.mkdir()
        clone(self.model, self.source)

    def lost(self) -> Iterator[str]:
        """Yield each file that is nowhere whole, or torn under its name."""
        here, there = facts(self.source), facts(self.target)
        for name, told in self.old.items():
            if len(told) == 3:
                continue
            found = [side[name][3] for side in (here, there) if name in side]
            if told[3] not in found:
                yield f"{name} is nowhere"
            if any(content != told[3] for content in found):
                yield f"{name} is torn"

    def state(self) -> str:
        """Return "old", "new", or what is mixed."""
        here, there = facts(self.source), facts(self.target)
        files = [name for name, told in here.items() if len(told) > 3]
        if there == self.old and not files:
            return "new"
        if here == self.old and not there:
            return "old"
        return f"mixed {sorted(here)} {sorted(there)}"

    def rubbish(self) -> Iterator[str]:
        for path in self.root.rglob("*"):
            if path.name.endswith((PART, ".tmp", ".kept")):
                yield f"left behind {path.relative_to(self.root)}"


def settled(case: Case, wanted: str = "new") -> Iterator[str]:
    code = _exit_code(lambda: recover(case.root))
    if code != 0:
        yield f"recovery ended with {code}"
    if case.state() != wanted:
        yield case.state()
    outcomes = [Journal.open(path).outcome for path in journals(case.root)]
    if outcomes not in (["committed"], []):
        yield f"ended as {outcomes}"
    yield from case.rubbish()


def begun(case: Case) -> str:
    """Return the state that the next run makes: no journal, nothing to do."""
    return "new" if journals(case.root) else "old"


def kill(case: Case, twice: bool) -> Report:
    report = Report()
    whole = in_child(lambda: move(case.root))
    report.calls = len(whole.calls)
    report.add("undisturbed", wrong=settled(case))
    for point in points(whole.calls, distinct=twice):
        case.new()
        point.arm()
        if in_child(lambda: move(case.root)).code != -9:
            report.add(point, wrong=["was not reached"])
        report.add(point, wrong=case.lost())
        if twice:
            kill_recovery(case, point, report)
        else:
            report.points += 1
            disarm()
            report.add(point, wrong=settled(case, begun(case)))
    return report


def kill_recovery(case: Case, first: Any, report: Report) -> None:
    crashed = case.root.with_name("crashed")
    shutil.rmtree(crashed, ignore_errors=True)
    clone(case.root, crashed)
    disarm()
    # The copy, as all that follow: its inodes are not those in the notes.
    shutil.rmtree(case.root)
    clone(crashed, case.root)
    calls = in_child(lambda: recover(case.root)).calls
    # Of the pairs each third: every point of a recovery still is met.
    for second in list(points(calls, distinct=True))[first.number % 3 :: 3]:
        shutil.rmtree(case.root)
        clone(crashed, case.root)
        second.arm()
        if in_child(lambda: recover(case.root)).code != -9:
            report.add(first, second, wrong=["was not reached"])
        report.points += 1
        report.add(first, second, wrong=case.lost())
        disarm()
        report.add(first, second, wrong=settled(case, begun(case)))


def errors(case: Case, mode: str) -> Report:
    """Make the move fail at every call; run it again without faults."""
    report = Report()
    whole = in_child(lambda: move(case.root))
    report.calls = len(whole.calls)
    for number in range(len(whole.calls)):
        case.new()
        FAULTS.strike = ERRORS[mode](number)
        code = in_child(lambda: move(case.root)).code
        report.points += 1
        where = (mode, number, whole.calls[number], f"exit {code}")
        report.add(*where, wrong=case.lost())
        if code == 13 and case.state() != "old":
            report.add(*where, wrong=[f"said put back, is {case.state()}"])
        if code not in (0, 1, 13, 14, 98, 130):
            report.add(*where, wrong=["is no way to end"])
        disarm()
        later = _exit_code(lambda: move(case.root))
        if later != 0 or case.state() != "new":
            report.add(*where, wrong=[f"again {later}: {case.state()}"])
        report.add(*where, wrong=case.rubbish())
    return report


def many(case: Case) -> Report:
    """Kill it by chance, many times; count only what gets it further."""
    report = Report()
    chance = random.Random(SEED)
    stages = set()
    for number in range(KILLS):
        left = chance.randrange(1, 2 * MANY * 2 // KILLS)

        def strike(_: int, name: str, real: Any, args: Any) -> None:
            nonlocal left
            further = name == "unlink" and not str(args[0]).endswith(PART)
            if name == "fsync":
                further = stat.S_ISREG(os.fstat(args[0]).st_mode)
            left -= further
            if left <= 0:
                die()

        FAULTS.strike = strike
        if in_child(lambda: move(case.root)).code != -9:
            report.add(number, wrong=["was not killed"])
        report.points += 1
        report.add(number, wrong=case.lost())
        stages.add(len(facts(case.source)) == len(case.old))
    disarm()
    if stages != {True, False}:
        report.add(wrong=[f"was never killed while deleting: {stages}"])
    code = _exit_code(lambda: move(case.root))
    if code != 0 or case.state() != "new":
        report.add(wrong=[f"the last run: {code}, {case.state()}"])
    report.add(wrong=case.rubbish())
    report.calls = len(case.old)
    return report


def main(mode: str, folder: str) -> None:
    root = Path(folder) / "stack"
    if mode == "many":
        report = many(Case(root, large_tree))
    elif mode in ERRORS:
        report = errors(Case(root, tiny_tree), mode)
    else:
        twice = mode == "kill-twice"
        case = Case(root, smallest_tree if twice else tiny_tree)
        report = kill(case, twice)
    print(json.dumps(vars(report)))


if __name__ == "__main__":
    main(*sys.argv[1:])
