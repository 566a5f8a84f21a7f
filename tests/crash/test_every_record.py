"""The helper that kills a command after its n-th journal record."""

import os
from itertools import count
from pathlib import Path

import pytest
from killing import Killed, run_killed

from usenet_stack.transaction import open_session
from usenet_stack.transaction.journal import Journal, journals

pytestmark = pytest.mark.crash

RECORDS = 1 + 3 * 2 + 1  # the plan, three steps begun and done, the end


def change(stack: Path, recovery: str, after_record: int | None) -> Killed:
    stack.mkdir(exist_ok=True)
    here = str(Path(__file__).parent)
    return run_killed(
        [str(stack), recovery],
        after_record=after_record,
        env={**os.environ, "PYTHONPATH": here},
        module="small_change",
    )


def test_a_run_that_is_left_alone_is_counted(tmp_path: Path) -> None:
    found = change(tmp_path, "back", None)
    assert found == Killed(False, RECORDS, 0, "changed\n", "")


@pytest.mark.parametrize("recovery", ["back", "forward"])
def test_killed_after_every_record(tmp_path: Path, recovery: str) -> None:
    for number in count(1):
        stack = tmp_path / str(number)
        found = change(stack, recovery, number)
        if not found.killed:
            break
        assert found.records == number, found.stderr
        assert found.stdout == ""
        (path,) = journals(stack)
        assert len(Journal.open(path).records) == number
        with open_session(stack, "next"):
            there = {path.name for path in stack.iterdir()} - {".usenet"}
        new = recovery == "forward" or number == RECORDS
        assert there == (set("abc") if new else set())
    assert number == RECORDS + 1
    assert found.code == 0
