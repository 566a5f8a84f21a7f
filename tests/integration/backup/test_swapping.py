"""Two folders swap, from wherever a crash left them, on any file system."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from usenet_stack.backup.restoring.exchange import (
    Pair,
    identity,
    mark,
    settle,
)

PLACES = ("live", "spare", "aside")


@contextmanager
def united(branch: Path, target: Path) -> Iterator[Path]:
    """Mount a folder by mergerfs, which exchanges nothing."""
    target.mkdir()
    words = ["mergerfs", branch, target]
    subprocess.run(words, check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", "-l", target], check=True)


def folders(top: Path) -> tuple[Pair, str, str]:
    pair = Pair(top / "sonarr", top / ".restore-1-sonarr")
    for path, text in ((pair.live, "old"), (pair.spare, "new")):
        path.mkdir()
        (path / "what").write_text(text)
    mark(pair.spare, "1")
    return pair, identity(pair.live), identity(pair.spare)


def what(path: Path) -> str:
    return (path / "what").read_text() if path.exists() else ""


def check_there_and_back(top: Path) -> None:
    pair, old, new = folders(top)
    for wanted, other, text in ((new, old, "new"), (old, new, "old")):
        for _ in range(2):
            settle(pair, wanted, other)
            assert what(pair.live) == text
            assert what(pair.spare) == {"new": "old", "old": "new"}[text]
            assert not pair.aside.exists()


def test_there_and_back(tmp_path: Path) -> None:
    check_there_and_back(tmp_path)


def test_where_nothing_can_be_exchanged(tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    branch.mkdir()
    with united(branch, tmp_path / "union") as union:
        check_there_and_back(union)


# The states between the renames of the way there and of the way back.
HALF_WAY = [
    (old, new) for old, new in product(PLACES, PLACES[:2]) if old != new
]


@pytest.mark.parametrize(("at_old", "at_new"), HALF_WAY)
@pytest.mark.parametrize("forward", [True, False])
def test_from_every_half_way_state(
    tmp_path: Path, at_old: str, at_new: str, forward: bool
) -> None:
    check_half_way(tmp_path, at_old, at_new, forward)


def check_half_way(top: Path, at_old: str, at_new: str, forward: bool) -> None:
    pair, old, new = folders(top)
    pair.live.rename(top / "1")
    pair.spare.rename(top / "2")
    (top / "1").rename(getattr(pair, at_old))
    (top / "2").rename(getattr(pair, at_new))
    settle(pair, *((new, old) if forward else (old, new)))
    assert what(pair.live) == ("new" if forward else "old")
    assert what(pair.spare) == ("old" if forward else "new")
    assert not pair.aside.exists()


@pytest.mark.parametrize(("at_old", "at_new"), HALF_WAY)
def test_from_every_half_way_state_where_inodes_do_not_last(
    tmp_path: Path, at_old: str, at_new: str
) -> None:
    branch = tmp_path / "branch"
    branch.mkdir()
    with united(branch, tmp_path / "union") as union:
        for forward in (True, False):
            top = union / str(forward)
            top.mkdir()
            check_half_way(top, at_old, at_new, forward)


def test_where_there_was_nothing(tmp_path: Path) -> None:
    pair, _old, new = folders(tmp_path)
    (pair.live / "what").unlink()
    pair.live.rmdir()
    settle(pair, new, "")
    assert (what(pair.live), pair.spare.exists()) == ("new", False)
    settle(pair, "", new)
    assert (pair.live.exists(), what(pair.spare)) == (False, "new")


def test_a_folder_that_is_neither_is_left_alone(tmp_path: Path) -> None:
    pair, old, new = folders(tmp_path)
    pair.live.rename(tmp_path / "elsewhere")
    pair.live.mkdir()
    with pytest.raises(OSError, match="another folder"):
        settle(pair, new, old)
    assert what(pair.spare) == "new"
