"""A session: the lock is held, what a crash left is settled, plans run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from usenet_stack.transaction.audit import append_audit
from usenet_stack.transaction.executor import Executor, Failure, typed
from usenet_stack.transaction.journal import Journal, journal_folder, journals
from usenet_stack.transaction.lock import stack_lock
from usenet_stack.transaction.observer import SILENT, Observer
from usenet_stack.transaction.operation import Context
from usenet_stack.transaction.plan import Plan

KEPT_JOURNALS = 100
# In the stack's .usenet: what the last look at its services saw.
HEALTH_CACHE = "health.json"


class Outcome(NamedTuple):
    """How a plan ended: its journal's id ("" if it had no step), failures."""

    journal: str
    failures: list[Failure]


class Session:
    """Runs plans on one stack while its lock is held.

    Args:
        stack_folder: the stack.
        observer: is told of every step.
    """

    def __init__(self, stack_folder: Path, observer: Observer) -> None:
        self.stack_folder = stack_folder
        self.observer = observer

    def run(self, plan: Plan) -> Outcome:
        """Execute a plan, all of it or none of it.

        Returns: the failures of steps that were allowed to fail alone.
        Raises:
            UsenetError: it failed and was undone (exit 13), or the undo
                failed (exit 14), or it was not even begun ("disk.full").
        Effects: those of the plan; one journal; one audit line; what was
            known of the services' health is forgotten.
        """
        self.observer.plan(plan)
        if not plan.steps:
            return Outcome("", [])
        try:
            journal = Journal.create(self.stack_folder, plan)
        except OSError as problem:
            raise typed(problem) from problem
        self._forget_health()
        try:
            return Outcome(journal.id, self._executor(journal).forward())
        finally:
            self._settle(journal)
            self._forget_health()

    def unfinished(self) -> list[Journal]:
        """Return the journals that a crash or a failed undo left."""
        opened = map(Journal.open, journals(self.stack_folder))
        return [journal for journal in opened if not journal.finished]

    def recover(self, journal: Journal) -> list[Failure]:
        """Complete or undo what a crash cut off, as its plan says.

        Raises:
            UsenetError: as `run`.
        """
        self.observer.plan(journal.plan())
        self._forget_health()
        try:
            return self._executor(journal).recover()
        finally:
            self._settle(journal)
            self._forget_health()

    def supersede(self, journal: Journal) -> None:
        """Close a journal whose work the caller is about to plan anew."""
        journal.append("end", outcome="superseded")
        self._settle(journal)

    def _forget_health(self) -> None:
        with suppress(OSError):
            (self.stack_folder / ".usenet" / HEALTH_CACHE).unlink()

    def _executor(self, journal: Journal) -> Executor:
        context = Context(self.stack_folder, journal.keep_folder)
        return Executor(journal, context, self.observer)

    def _settle(self, journal: Journal) -> None:
        journal.close()
        if journal.records[-1]["event"] != "end":
            return
        try:
            append_audit(self.stack_folder, journal)
        except OSError as problem:
            self.observer.warning(f"The audit log could not grow: {problem}")
            return  # the next run tries again
        if journal.finished:
            shutil.rmtree(journal.keep_folder, ignore_errors=True)
            self._prune()

    def tidy(self) -> None:
        """Complete what a crash cut off after a journal's end.

        Effects: audit lines that are missing; kept copies and temporary
            files that nothing needs any more are removed.
        """
        folder = journal_folder(self.stack_folder)
        for kept in folder.glob("*.kept"):
            path = kept.with_suffix(".jsonl")
            if not path.exists():
                shutil.rmtree(kept, ignore_errors=True)
            elif (journal := Journal.open(path)).finished:
                self._settle(journal)
        for temporary in folder.glob(".*.tmp"):
            temporary.unlink()

    def _prune(self) -> None:
        for path in journals(self.stack_folder)[:-KEPT_JOURNALS]:
            if Journal.open(path).finished:
                path.unlink()


@contextmanager
def open_session(
    stack_folder: Path,
    command: str,
    observer: Observer = SILENT,
    *,
    wait_s: float = 0.0,
    supersedes: bool = False,
) -> Iterator[Session]:
    """Lock a stack and settle what a crash left, then hand out a session.

    Args:
        stack_folder: an existing stack folder.
        command: what is going to run, told to others who wait.
        observer: is told of every step.
        wait_s: seconds to wait for another run.
        supersedes: the caller plans the whole stack anew, so an unfinished
            forward plan of the same command is closed and not replayed.

    Raises:
        UsenetError: "lock.held"; a recovery that failed.
    """
    with stack_lock(stack_folder, command, wait_s):
        session = Session(stack_folder, observer)
        session.tidy()
        for journal in session.unfinished():
            plan = journal.records[0]
            again = supersedes and plan["command"] == command
            if again and plan["recovery"] == "forward" and not journal.undoing:
                session.supersede(journal)
            else:
                observer.warning(
                    f"Settling an interrupted `usenet {plan['command']}`."
                )
                session.recover(journal)
        yield session
