"""kill -9 at every call of a schedule that is made, changed and ended.

Afterwards there is the old schedule with its clock, or the new one with its
clock: never a schedule that nobody keeps, nor a clock without a schedule.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from struck_runs import struck_runs

from cli_process import Cli
from usenet_stack.backup.clock import clock_runs, read_schedule, stop_clock

NONE = "--remove"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "stack"
    folder.mkdir()
    text = '[stack]\nname = "struckclock"\nsandbox = true\n'
    (folder / "stack.toml").write_text(text)
    yield folder
    (folder / ".usenet/schedule.json").unlink(missing_ok=True)
    stop_clock(folder)


def kept(folder: Path) -> str:
    """Return how often backups are made; fail if nobody makes them."""
    found = read_schedule(folder)
    assert clock_runs(folder) == (found is not None)
    return found.when if found else NONE


def words_of(often: str) -> list[str]:
    return [NONE] if often == NONE else ["--when", often]


@pytest.mark.parametrize(
    ("old", "new"), [(NONE, "daily"), ("daily", "weekly"), ("daily", NONE)]
)
def test_every_call(usenet: Cli, folder: Path, old: str, new: str) -> None:
    there = f"--stack={folder}"
    asked = ["backup", "schedule"]

    def make_old() -> None:
        if kept(folder) != old:
            made = usenet(*asked, *words_of(old), there)
            assert made.rc == 0, made
        assert kept(folder) == old

    make_old()
    seen = []
    words = [*asked, *words_of(new)]
    for _number in struck_runs(usenet, there, words, ready=make_old):
        seen.append(kept(folder))
    assert kept(folder) == new
    assert len(seen) > 12
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=[old, new].index)
