"""Sessions: the audit log, kept copies, what is settled and what is pruned."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from traced import Told, lines, plan, step

from usenet_stack.errors import UsenetError
from usenet_stack.transaction import Plan, Step, open_session
from usenet_stack.transaction.audit import append_audit
from usenet_stack.transaction.files import MakeFolder, WriteFile
from usenet_stack.transaction.journal import Journal, journals
from usenet_stack.transaction.session import KEPT_JOURNALS

pytestmark = pytest.mark.unit

SECRET = "correct-horse-battery-staple"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    folder = tmp_path / "stack"
    folder.mkdir()
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def run(stack: Path, made: Plan, told: Told | None = None) -> None:
    with open_session(stack, made.command, told or Told()) as session:
        session.run(made)


def audited(stack: Path) -> list[dict[str, Any]]:
    text = (stack / ".usenet" / "audit.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def replace_secret(stack: Path) -> Plan:
    (stack / ".env").write_text(SECRET)
    (stack / ".env").chmod(0o600)
    change = WriteFile(stack / ".env", "KEY=\n", 0o600)
    return Plan("rotate", (Step(change, "it is old"),))


# -- the audit log ----------------------------------------------------------
def test_an_audit_line_tells_who_when_what_and_how(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    steps = (
        Step(MakeFolder(stack / "config"), "place"),
        Step(WriteFile(stack / "config" / "a", "content"), "new"),
    )
    run(stack, Plan("deploy --lan", steps))
    (line,) = audited(stack)
    journal = Journal.open(journals(stack)[0])
    assert line == {
        "at": journal.records[0]["at"],
        "who": pwd.getpwuid(os.getuid()).pw_name,
        "command": "deploy --lan",
        "plan": [
            f"create folder {stack}/config",
            f"write {stack}/config/a",
        ],
        "outcome": "committed",
        "ended": journal.records[-1]["at"],
        "journal": journal.id,
    }
    assert journal.id.endswith("-deploy-lan")


def test_the_audit_log_names_the_caller_of_sudo(
    stack: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    run(stack, plan(step(log, "a")))
    assert audited(stack)[0]["who"].startswith("ada (sudo ")


def test_every_outcome_is_audited_once(stack: Path, log: Path) -> None:
    stuck = log.with_name("stuck")
    stuck.touch()
    run(stack, plan(step(log, "a")))
    run(stack, plan(step(log, "a", "continue", fail=("do",))))
    with pytest.raises(UsenetError):
        run(stack, plan(step(log, "a", fail=("do",))))
    with pytest.raises(UsenetError):
        run(stack, plan(step(log, "a", fail=("do", "undo"))))
    stuck.unlink()
    run(stack, plan(step(log, "b")))
    assert [line["outcome"] for line in audited(stack)] == [
        *("committed", "partial", "rolled-back", "rollback-failed"),
        *("rolled-back", "committed"),
    ]


def test_the_audit_log_is_private_and_holds_no_content(stack: Path) -> None:
    run(stack, replace_secret(stack))
    path = stack / ".usenet" / "audit.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert SECRET not in path.read_text()
    assert SECRET not in journals(stack)[0].read_text()


def test_an_audit_line_is_not_repeated(stack: Path, log: Path) -> None:
    run(stack, plan(step(log, "a")))
    journal = Journal.open(journals(stack)[0])
    before = audited(stack)
    append_audit(stack, journal)
    assert audited(stack) == before


def test_a_torn_audit_line_is_cut(stack: Path, log: Path) -> None:
    run(stack, plan(step(log, "a")))
    path = stack / ".usenet" / "audit.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    run(stack, plan(step(log, "b")))
    assert path.read_bytes().startswith(whole)
    assert [line["plan"] for line in audited(stack)] == [
        ["trace a"],
        ["trace b"],
    ]


def test_an_audit_log_that_cannot_grow_is_a_warning(
    stack: Path, log: Path
) -> None:
    path = stack / ".usenet" / "audit.jsonl"
    path.mkdir(parents=True)
    told = Told()
    run(stack, plan(step(log, "a")), told)
    assert told.warnings[0].startswith("The audit log could not grow")
    path.rmdir()
    with open_session(stack, "next"):
        pass
    assert [line["outcome"] for line in audited(stack)] == ["committed"]


# -- kept copies ------------------------------------------------------------
def test_a_kept_copy_is_private_and_goes_with_the_commit(stack: Path) -> None:
    seen: list[tuple[str, int, int, int, str]] = []

    class Peeping(Told):
        def step_finished(
            self, index: int, step: Step, outcome: str, seconds: float
        ) -> None:
            (kept,) = (stack / ".usenet" / "journal").glob("*.kept")
            (copy,) = kept.iterdir()
            seen.append(
                (
                    outcome,
                    kept.parent.stat().st_mode & 0o777,
                    kept.stat().st_mode & 0o777,
                    copy.stat().st_mode & 0o777,
                    copy.read_text(),
                )
            )

    run(stack, replace_secret(stack), Peeping())
    assert seen == [("done", 0o700, 0o700, 0o600, SECRET)]
    assert [path.suffix for path in (stack / ".usenet/journal").iterdir()] == [
        ".jsonl"
    ]


def test_kept_copies_stay_while_an_undo_is_stuck(
    stack: Path, log: Path
) -> None:
    log.with_name("stuck").touch()
    change = replace_secret(stack).steps[0]
    with pytest.raises(UsenetError) as caught:
        run(stack, plan(step(log, "a", fail=("undo", "verify")), change))
    assert caught.value.exit_code == 14
    run_again = stack / ".usenet" / "journal"
    assert len(list(run_again.glob("*.kept"))) == 1


def test_leftovers_of_a_crash_after_the_end_are_removed(
    stack: Path, log: Path
) -> None:
    run(stack, plan(step(log, "a")))
    ended = Journal.open(journals(stack)[0])
    audit = stack / ".usenet" / "audit.jsonl"
    audit.unlink()
    orphan = ended.path.with_name("20200101-lost.kept")
    for kept in (ended.keep_folder, orphan):
        kept.mkdir()
        (kept / "0-.env").write_text(SECRET)
    ended.path.with_name(".x.jsonl.01234567.tmp").write_text("half")
    with open_session(stack, "next"):
        assert list(ended.path.parent.iterdir()) == [ended.path]
    assert [line["journal"] for line in audited(stack)] == [ended.id]


# -- what is settled --------------------------------------------------------
def interrupted(stack: Path, log: Path) -> None:
    made = plan(
        step(log, "a"),
        step(log, "b", fail=("do",), raises="ctrl-c"),
        recovery="forward",
    )
    with pytest.raises(KeyboardInterrupt):
        run(stack, made)


def test_a_new_plan_of_the_same_command_supersedes(
    stack: Path, log: Path
) -> None:
    interrupted(stack, log)
    with open_session(stack, "test", supersedes=True) as session:
        assert session.unfinished() == []
        session.run(plan(step(log, "c")))
    assert lines(log) == ["do a", "do b", "do c"]
    assert [line["outcome"] for line in audited(stack)] == [
        "superseded",
        "committed",
    ]


def test_another_command_does_not_supersede(stack: Path, log: Path) -> None:
    interrupted(stack, log)
    other = open_session(stack, "restart", supersedes=True)
    with pytest.raises(KeyboardInterrupt), other:
        pytest.fail("it must settle first")
    assert lines(log)[-1] == "do b"


def test_old_journals_are_pruned(stack: Path, log: Path) -> None:
    with open_session(stack, "test") as session:
        made = [
            session.run(plan(step(log, str(number)))).journal
            for number in range(KEPT_JOURNALS + 5)
        ]
    assert [path.stem for path in journals(stack)] == made[5:]


def test_a_stuck_journal_is_not_pruned(stack: Path, log: Path) -> None:
    log.with_name("stuck").touch()
    with open_session(stack, "test") as session:
        with pytest.raises(UsenetError):
            session.run(plan(step(log, "a", fail=("do", "undo"))))
        (stuck,) = session.unfinished()
        for number in range(KEPT_JOURNALS + 2):
            session.run(plan(step(log, str(number))))
        assert session.unfinished()[0].id == stuck.id
        log.with_name("stuck").unlink()
        session.recover(stuck)
        assert session.unfinished() == []
