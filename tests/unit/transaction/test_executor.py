"""The order of doing and undoing, and what each kind of failure leads to."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from traced import Told, lines, plan, step

from usenet_stack.errors import Exit, UsenetError
from usenet_stack.transaction import (
    SILENT,
    Observer,
    Outcome,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.files import MakeFolder, WriteFile
from usenet_stack.transaction.journal import Journal, journals

pytestmark = pytest.mark.unit


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    folder = tmp_path / "stack"
    folder.mkdir()
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def run(stack: Path, made: Plan, observer: Observer = SILENT) -> Outcome:
    with open_session(stack, "test", observer) as session:
        return session.run(made)


def failing(stack: Path, made: Plan, observer: Any = SILENT) -> UsenetError:
    with pytest.raises(UsenetError) as caught:
        run(stack, made, observer)
    return caught.value


def events(stack: Path) -> list[str]:
    """Return the last journal's events, each with its step or outcome."""
    return [
        " ".join(
            str(record[key])
            for key in ("event", "step", "outcome")
            if key in record
        )
        for record in Journal.open(journals(stack)[-1]).records
    ]


def test_steps_run_in_order_and_are_journalled(stack: Path, log: Path) -> None:
    outcome = run(stack, plan(step(log, "a"), step(log, "b")))
    assert lines(log) == ["do a", "do b"]
    assert outcome == Outcome(journals(stack)[0].stem, [])
    assert events(stack) == [
        *("plan", "begin 0", "done 0", "begin 1", "done 1", "end committed")
    ]


def test_an_empty_plan_leaves_no_journal(stack: Path) -> None:
    assert run(stack, plan()) == Outcome("", [])
    assert journals(stack) == []


@pytest.mark.parametrize("recovery", ["back", "forward"])
def test_a_failed_step_undoes_all_in_reverse(
    stack: Path, log: Path, recovery: str
) -> None:
    made = plan(
        step(log, "a"),
        step(log, "b"),
        step(log, "c", fail=("do",)),
        step(log, "d"),
        recovery=recovery,
    )
    error = failing(stack, made)
    assert lines(log) == ["do a", "do b", "do c", "undo c", "undo b", "undo a"]
    assert error.code == "transaction.rolled-back"
    assert error.exit_code == Exit.ROLLED_BACK
    assert error.message.startswith("trace c failed")
    assert error.why == "There is no journal entry x. It is so."
    assert error.hint == "usenet journal list"
    assert events(stack)[-5:] == [
        *("undoing", "undone 2", "undone 1", "undone 0", "end rolled-back")
    ]


def test_a_step_that_could_not_be_prepared_is_not_undone(
    stack: Path, log: Path
) -> None:
    made = plan(step(log, "a"), step(log, "b", fail=("prepare",)))
    assert failing(stack, made).exit_code == Exit.ROLLED_BACK
    assert lines(log) == ["do a", "undo a"]


def test_a_result_that_is_not_there_is_a_failure(
    stack: Path, log: Path
) -> None:
    error = failing(stack, plan(step(log, "a", fail=("verify",))))
    assert error.code == "transaction.rolled-back"
    assert "trace a reported success" in error.why
    assert error.hint == "usenet validate"
    assert lines(log) == ["do a", "undo a"]


@pytest.mark.parametrize(
    ("raises", "why"),
    [
        ("os", "No permission for /etc/secret/file. Permission denied."),
        ("full", "No space is left for a file of the stack."),
        ("io", "The disk under /dev/x has failed or is gone. Input/output"),
    ],
)
def test_an_error_of_the_system_is_told_as_ours(
    stack: Path, log: Path, raises: str, why: str
) -> None:
    error = failing(stack, plan(step(log, "a", fail=("do",), raises=raises)))
    assert error.exit_code == Exit.ROLLED_BACK
    assert error.why.startswith(why)


def test_a_step_may_fail_alone(stack: Path, log: Path) -> None:
    outcome = run(
        stack,
        plan(step(log, "a", "continue", fail=("do",)), step(log, "b")),
    )
    assert lines(log) == ["do a", "do b"]
    (failure,) = outcome.failures
    assert failure.step.why == "because a"
    assert failure.error.code == "journal.unknown"
    assert events(stack)[-1] == "end partial"
    record = Journal.open(journals(stack)[0]).records[2]
    assert record["event"] == "failed"
    assert record["error"]["code"] == "journal.unknown"


def test_a_step_that_failed_alone_is_undone_with_the_rest(
    stack: Path, log: Path
) -> None:
    made = plan(
        step(log, "a"),
        step(log, "b", "continue", fail=("do",)),
        step(log, "c", fail=("do",)),
    )
    assert failing(stack, made).exit_code == Exit.ROLLED_BACK
    assert lines(log)[3:] == ["undo c", "undo b", "undo a"]


def test_an_undo_that_fails_is_told_kept_and_tried_again(
    stack: Path, log: Path
) -> None:
    stuck = log.with_name("stuck")
    stuck.touch()
    made = plan(
        step(log, "a"),
        step(log, "b", fail=("undo",)),
        step(log, "c", fail=("undo",)),
        step(log, "d", fail=("do",)),
        recovery="forward",
    )
    error = failing(stack, made)
    name = journals(stack)[0].stem
    assert error.code == "transaction.rollback-failed"
    assert error.exit_code == Exit.ROLLBACK_FAILED
    assert error.hint == (
        "Do by hand, in this order: by hand: c; by hand: b; then: "
        f"usenet journal recover {name}"
    )
    assert error.details == ("by hand: c", "by hand: b")
    assert lines(log)[4:] == ["undo d", "undo a"]
    assert events(stack)[-1] == "end rollback-failed"
    # Every session tries again, and stops at it as long as it fails.
    with pytest.raises(UsenetError) as caught, open_session(stack, "next"):
        pytest.fail("it must not open")
    assert caught.value.exit_code == Exit.ROLLBACK_FAILED
    stuck.unlink()
    told = Told()
    with open_session(stack, "next", told) as session:
        assert session.unfinished() == []
    assert lines(log)[-3:] == ["undo c", "undo b", "undo a"]
    assert lines(log).count("undo d") == 1  # nothing was stuck behind it
    assert events(stack)[-1] == "end rolled-back"
    assert told.warnings == ["Settling an interrupted `usenet test`."]


def test_what_a_stuck_file_kept_from_going_goes_with_it_later(
    stack: Path, log: Path
) -> None:
    folder, file = stack / "config" / "app", stack / "config" / "app" / "x"
    stuck = log.with_name("stuck")
    stuck.touch()
    made = plan(
        Step(MakeFolder(folder), "place"),
        step(log, "a", fail=("undo",)),
        step(log, "b", fail=("do",)),
    )

    class Foreign(Told):
        def step_started(self, index: int, total: int, step: Step) -> None:
            if index == 2:
                file.write_text("a container put it there")

    assert failing(stack, made, Foreign()).exit_code == Exit.ROLLBACK_FAILED
    assert file.exists()
    file.unlink()
    stuck.unlink()
    with open_session(stack, "next"):
        assert not folder.exists()


@pytest.mark.parametrize("raises", ["ctrl-c", "bug"])
def test_what_cuts_off_a_back_plan_puts_it_back_at_once(
    stack: Path, log: Path, raises: str
) -> None:
    made = plan(step(log, "a"), step(log, "b", fail=("do",), raises=raises))
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        run(stack, made)
    assert lines(log) == ["do a", "do b", "undo b", "undo a"]
    assert events(stack)[-1] == "end rolled-back"


def test_ctrl_c_leaves_a_forward_plan_for_the_next_run(
    stack: Path, log: Path
) -> None:
    file = stack / "b"
    steps = (
        step(log, "a"),
        Step(WriteFile(file, "new"), "it is new"),
        step(log, "c", fail=("do",), raises="ctrl-c"),
    )
    with pytest.raises(KeyboardInterrupt):
        run(stack, plan(*steps, recovery="forward"))
    assert lines(log) == ["do a", "do c"]
    assert file.read_text() == "new"
    assert events(stack)[-1] == "begin 2"
    # The next run goes on at the step that was cut off, and tells of it.
    told = Told()
    with pytest.raises(KeyboardInterrupt), open_session(stack, "next", told):
        pytest.fail("it must not open")
    assert told.events[:2] == ["plan of 3", "started 2 of 3"]
    assert lines(log) == ["do a", "do c", "do c"]
    assert log.read_text().count("prepare c") == 1


def test_the_observer_is_told_of_every_step(stack: Path, log: Path) -> None:
    told = Told()
    made = plan(
        step(log, "a"), step(log, "b", fail=("verify",)), step(log, "c")
    )
    failing(stack, made, told)
    assert told.events == [
        "plan of 3",
        *("started 0 of 3", "done 0", "started 1 of 3", "failed 1"),
        *("undone 1", "undone 0"),
    ]
    assert told.warnings == []


@pytest.mark.parametrize("commits", [True, False])
def test_ctrl_c_behind_a_step_that_commits_is_completed(
    stack: Path, log: Path, commits: bool
) -> None:
    """Once such a step has begun, the next run goes on and not back."""
    log.write_text("prepare\n")
    swap = msgspec.structs.replace(step(log, "swap"), commits=commits)
    once = step(log, "once", fail=("do",), raises="ctrl-c")
    with pytest.raises(KeyboardInterrupt):
        run(stack, plan(step(log, "stage"), swap, once))
    found = lines(log)
    assert ("undo stage" in found) is not commits
    journal = Journal.open(journals(stack)[-1])
    assert journal.finished is not commits
    assert journal.plan().steps[1].commits is commits


def test_a_step_that_commits_is_undone_when_a_later_one_fails(
    stack: Path, log: Path
) -> None:
    swap = msgspec.structs.replace(step(log, "swap"), commits=True)
    error = failing(stack, plan(swap, step(log, "start", fail=("do",))))
    assert error.exit_code == Exit.ROLLED_BACK
    assert lines(log)[-1] == "undo swap"
