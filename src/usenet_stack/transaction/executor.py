"""Runs a plan with its journal, and undoes it in reverse when it fails."""

import errno
import os
import time
from typing import NamedTuple

from usenet_stack.errors import ERRORS, UsenetError
from usenet_stack.transaction.journal import Journal
from usenet_stack.transaction.observer import Observer
from usenet_stack.transaction.operation import Before, Context
from usenet_stack.transaction.plan import Plan, Step


class Failure(NamedTuple):
    """A step that failed, and why."""

    step: Step
    error: UsenetError


class Executor:
    """Carries one journalled plan forward or back; decides nothing.

    The journal alone says how far it got, so that the same code runs a new
    plan, completes one that a crash cut off, and undoes either.

    Args:
        journal: the journal of the plan, new or read back.
        context: what the operations may use.
        observer: is told of every step.
    """

    def __init__(
        self, journal: Journal, context: Context, observer: Observer
    ) -> None:
        self.journal = journal
        self.plan: Plan = journal.plan()
        self.context = context
        self.observer = observer
        self.begun: dict[int, Before] = {}
        self.settled: set[int] = set()
        for record in journal.records:
            self._replay(record)

    def _replay(self, record: dict[str, object]) -> None:
        event, step = record["event"], record.get("step")
        if event == "begin":
            assert isinstance(step, int) and isinstance(record["before"], dict)
            self.begun[step] = record["before"]
        elif event == "done":
            assert isinstance(step, int)
            self.settled.add(step)
        elif event == "undone":
            assert isinstance(step, int)
            del self.begun[step]

    def forward(self) -> list[Failure]:
        """Do every step that is not done yet, then commit.

        Returns: the failures of steps that may fail alone.
        Raises:
            UsenetError: a step failed and the plan was undone (exit 13), or
                the undo failed too (exit 14).
        Undo: `back`, which this calls itself on failure.
        """
        failures: list[Failure] = []
        for index, step in enumerate(self.plan.steps):
            if index in self.settled:
                continue
            try:
                self._run(index, step)
            except (UsenetError, OSError) as problem:
                failure = Failure(step, typed(problem))
                if step.on_failure == "abort":
                    raise self._rolled_back(failure) from problem
                self._note(index, failure)
                failures.append(failure)
            except BaseException:
                # Ctrl-C and bugs: a plan that recovers forward is left for
                # the next run to continue; any other is put back first.
                if self.goes_forward:
                    self.observer.warning(
                        "The next command completes it; or at once: "
                        "usenet journal recover"
                    )
                else:
                    self._put_back("cut off", step)
                raise
        self._commit(failures)
        return failures

    @property
    def goes_forward(self) -> bool:
        """Tell whether the next run completes it rather than undoes it."""
        return self.plan.recovery == "forward" or any(
            self.plan.steps[index].commits for index in self.begun
        )

    def _run(self, index: int, step: Step) -> None:
        started = time.monotonic()
        self.context.step = index
        self.context.progress = self.observer.progress
        self.observer.step_started(index, len(self.plan.steps), step)
        try:
            if index not in self.begun:
                before = step.operation.prepare(self.context)
                self.journal.append("begin", step=index, before=before)
                self.begun[index] = before
            step.operation.do(self.context, self.begun[index])
            if not step.operation.verify(self.context):
                what = step.operation.describe()
                raise UsenetError("transaction.unverified", step=what)
            self.journal.append("done", step=index)
        except BaseException:
            seconds = time.monotonic() - started
            self.observer.step_finished(index, step, "failed", seconds)
            raise
        seconds = time.monotonic() - started
        self.observer.step_finished(index, step, "done", seconds)

    def _note(self, index: int, failure: Failure) -> None:
        error = failure.error.as_dict()
        try:
            self.journal.append("failed", step=index, error=error)
        except OSError as problem:
            raise self._rolled_back(
                Failure(failure.step, typed(problem))
            ) from problem

    def _commit(self, failures: list[Failure]) -> None:
        outcome = "partial" if failures else "committed"
        try:
            self.journal.append("end", outcome=outcome)
        except OSError as problem:
            # Without its end record the next run would undo it: undo now.
            raise self._rolled_back(
                Failure(self.plan.steps[-1], typed(problem))
            ) from problem

    def _rolled_back(self, failure: Failure) -> UsenetError:
        """Undo everything and return the error that tells of it."""
        cause = failure.error
        why = f"{cause.message} {cause.why}".strip()
        self._put_back(why, failure.step, cause.details)
        return UsenetError(
            "transaction.rolled-back",
            why=why,
            details=cause.details,
            step=failure.step.operation.describe(),
            hint=_lasting_hint(cause),
        )

    def _put_back(
        self, why: str, step: Step, details: tuple[str, ...] = ()
    ) -> None:
        manual = self.back(why)
        if manual:
            raise UsenetError(
                "transaction.rollback-failed",
                why=why,
                details=(*details, *manual),
                step=step.operation.describe(),
                manual="; ".join(manual),
                journal=self.journal.id,
            )

    def recover(self) -> list[Failure]:
        """Settle a plan that was cut off: complete it, or undo it.

        Raises:
            UsenetError: as `forward`.
        """
        if self.goes_forward and not self.journal.undoing:
            return self.forward()
        if self.plan.steps:
            self._put_back("recovered after a crash", self.plan.steps[0])
        return []

    def back(self, reason: str) -> list[str]:
        """Undo in reverse every step that was begun.

        Args:
            reason: why, for the journal.
        Returns: what a person must do by hand; empty when all went back.
        """
        self._record("undoing", reason=reason)
        manual: list[str] = []
        for index in sorted(self.begun, reverse=True):
            step = self.plan.steps[index]
            before = self.begun[index]
            self.context.step = index
            started = time.monotonic()
            try:
                step.operation.undo(self.context, before)
            except (UsenetError, OSError) as problem:
                manual.append(step.operation.manual(before))
                self._record("stuck", step=index, why=str(problem))
                continue
            if not manual:
                # Behind a stuck step this may have left something (a folder
                # that is not empty yet): unrecorded, it is undone again.
                self._record("undone", step=index)
            seconds = time.monotonic() - started
            self.observer.step_finished(index, step, "undone", seconds)
            del self.begun[index]
        outcome = "rollback-failed" if manual else "rolled-back"
        if not self._record("end", outcome=outcome) and not manual:
            self._discard(outcome)
        return manual

    def _record(self, event: str, **facts: object) -> bool:
        # Undo must go on when the disk is full; it is idempotent, so a
        # record that could not be written costs only a repetition.
        try:
            self.journal.append(event, **facts)
        except OSError as problem:
            self.observer.warning(f"The journal could not be kept: {problem}")
            return False
        return True

    def _discard(self, outcome: str) -> None:
        try:
            self.journal.discard(outcome)
        except OSError as problem:
            self.observer.warning(f"The next run puts back again: {problem}")


def _lasting_hint(cause: UsenetError) -> str:
    """Return its hint with a folder that is there after the undo as well."""
    folder = cause.facts.get("folder")
    if folder is None:
        return cause.hint
    place = str(folder)
    while place != "/" and not os.path.lexists(place):
        place = place.rpartition("/")[0] or "/"
    facts = cause.facts | {"folder": place}
    return ERRORS[cause.code].hint.format_map(facts)


def typed(problem: UsenetError | OSError) -> UsenetError:
    """Return an operating-system error as the error that the user reads."""
    if isinstance(problem, UsenetError):
        return problem
    path = str(problem.filename or "a file of the stack")
    folder = path.rpartition("/")[0] or "/"
    codes = {
        errno.ENOSPC: "disk.full",
        errno.EDQUOT: "disk.full",
        errno.EIO: "disk.failed",
        errno.ENODEV: "disk.failed",
        errno.ENXIO: "disk.failed",
        errno.EROFS: "disk.read-only",
        errno.EACCES: "file.denied",
        errno.EPERM: "file.denied",
    }
    code = codes.get(problem.errno or 0, "file.failed")
    reason = problem.strerror or str(problem)
    return UsenetError(code, path=path, folder=folder, why=f"{reason}.")
