"""`usenet journal` on journals that a real transaction wrote."""

from pathlib import Path

import pytest

from cli_process import Cli, Ran
from usenet_stack.transaction import Plan, Step
from usenet_stack.transaction.files import MakeFolder
from usenet_stack.transaction.journal import Journal


@pytest.fixture
def cut_off(stack: Path) -> Journal:
    """A journal of two steps; a crash came while the second one ran."""
    (stack / ".usenet").mkdir(mode=0o700)
    steps = [
        Step(MakeFolder(stack / name), f"{name} is needed")
        for name in ("one", "two")
    ]
    journal = Journal.create(stack, Plan("deploy", tuple(steps)))
    for index, name in enumerate(("one", "two")):
        before = {"missing": [str(stack / name)]}
        journal.append("begin", step=index, before=before)
        (stack / name).mkdir()
        if index == 0:
            journal.append("done", step=index)
    journal.close()
    return journal


def unfolded(ran: Ran) -> str:
    """The output without the folds of long lines."""
    return " ".join(ran.stdout.split())


def test_list_warns_of_a_run_that_was_cut_off(
    usenet: Cli, cut_off: Journal
) -> None:
    ran = usenet("journal", "list")
    assert ran.rc == 0
    assert "unfinished" in ran.stdout
    assert "usenet journal recover" in ran.stderr


def test_show_tells_how_far_it_got_and_what_to_do_by_hand(
    usenet: Cli, stack: Path, cut_off: Journal
) -> None:
    shown = usenet("journal", "show", cut_off.id[:12])
    assert shown.rc == 0, shown.stderr
    assert f"done create folder {stack}/one" in unfolded(shown)
    assert "why: one is needed" in shown.stdout
    assert f"by hand: rmdir {stack}/two" in shown.stdout
    steps = usenet("journal", "show", cut_off.id, "--format=json").json
    states = [s["state"] for s in steps["data"]["journal"]["steps"]]
    assert states == ["done", "begun"]


def test_recover_shows_and_then_settles(
    usenet: Cli, stack: Path, cut_off: Journal
) -> None:
    planned = usenet("journal", "recover", "--dry-run")
    assert f"undo what was begun of {cut_off.id}" in planned.stdout
    assert (stack / "one").exists()
    ran = usenet("journal", "recover", cut_off.id)
    assert ran.rc == 0, ran.stderr
    assert "1 run settled" in ran.stdout
    assert not (stack / "one").exists() and not (stack / "two").exists()
    again = usenet("journal", "recover")
    assert "nothing to recover" in again.stdout


def test_an_unknown_journal_is_an_error(usenet: Cli, stack: Path) -> None:
    ran = usenet("journal", "show", "2020")
    assert ran.rc == 1
    assert "  fix: usenet journal list" in ran.stderr


def test_a_damaged_journal_still_shows_what_it_holds(
    usenet: Cli, stack: Path, cut_off: Journal
) -> None:
    lines = cut_off.path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"begin", b"BEGIN")
    cut_off.path.write_bytes(b"".join(lines))
    assert "damaged" in usenet("journal", "list").stdout
    shown = usenet("journal", "show", cut_off.id)
    assert shown.rc == 1
    assert f"create folder {stack}/two" in unfolded(shown)
    assert "is damaged at record 2" in shown.stderr
