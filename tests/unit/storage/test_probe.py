"""Probes of folders that answer."""

import os
from pathlib import Path

from usenet_stack.storage import Request, probe

NOBODY = (65534, 65534)


def test_answers_stand_in_the_order_of_the_requests(tmp_path: Path) -> None:
    found = probe(
        [
            Request("statvfs", str(tmp_path)),
            Request("stat", str(tmp_path / "absent")),
            Request("stat", str(tmp_path), doubtful=True),
            Request("nearest", str(tmp_path / "a/b/c")),
        ]
    )
    assert found[0].data["size"] >= found[0].data["free"] > 0
    assert (found[1].state, found[1].errno) == ("refused", "ENOENT")
    assert found[2].data["inode"] == tmp_path.stat().st_ino
    assert found[3].data == {"exists": False, "path": str(tmp_path)}


def test_no_requests_start_no_worker() -> None:
    assert probe([]) == []


def test_writing_leaves_nothing(tmp_path: Path) -> None:
    (answer,) = probe([Request("write", str(tmp_path))])
    assert answer.ok
    assert list(tmp_path.iterdir()) == []


def test_writing_as_another_user_is_refused(tmp_path: Path) -> None:
    assert os.geteuid() == 0, "this test needs root, as make test has it"
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir(mode=0o755)
    theirs.mkdir()
    os.chown(theirs, *NOBODY)
    found = probe(
        [Request("write", str(mine)), Request("write", str(theirs))],
        identity=NOBODY,
    )
    # tmp_path is 0700: a container enters a bind directly all the same.
    assert tmp_path.stat().st_mode & 0o077 == 0
    assert (found[0].errno, found[1].ok) == ("EACCES", True)


def test_a_hard_link_is_made_and_gone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    request = Request("link", str(tmp_path / "a"), str(tmp_path / "b"))
    (answer,) = probe([request])
    assert answer.data == {"same": True}
    assert not [*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()]


def test_names_that_break_shells_and_encodings(tmp_path: Path) -> None:
    names = ["a b", "-rf", "it's", "new\nline", "ü", os.fsdecode(b"\xff\xfe")]
    for name in names:
        (tmp_path / name).mkdir()
    requests = [Request("stat", str(tmp_path / name)) for name in names]
    assert [answer.ok for answer in probe(requests)] == [True] * len(names)
