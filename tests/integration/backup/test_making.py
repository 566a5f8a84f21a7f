"""Files that other processes make while an archive is read."""

import hashlib
import os
import signal
from pathlib import Path

import pytest

from usenet_stack.backup.crew import BATCH, Crew
from usenet_stack.backup.manifest import shown
from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import Content, Whole

MANY = 3 * BATCH // 500
MOMENT_NS = 1_700_000_000 * 10**9


class Read(Content):
    """What was read of a file, without an archive."""

    def __init__(self, name: bytes, content: bytes, sha256: str) -> None:
        self._whole = Whole(name, content, sha256)

    def whole(self) -> Whole:
        return self._whole


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def give(crew: Crew, placer: Placer, number: int, sha256: str = "") -> None:
    name, content = b"file-%d" % number, b"%d" % number * 9
    member = Member(
        *(name, "file", 0o640, os.getuid(), os.getgid()),
        *(len(content), MOMENT_NS + number),
        xattrs=((b"user.number", content),),
    )
    read = Read(b"config/" + name, content, sha256 or digest(content))
    crew.place(placer, name, member, read)


def test_all_are_there_with_all_they_had(tmp_path: Path) -> None:
    with Crew() as crew:
        for number in range(MANY):
            give(crew, Placer(tmp_path), number)
        crew.wait()
        assert len(list(tmp_path.iterdir())) == MANY
    for number in range(MANY):
        path, content = tmp_path / f"file-{number}", b"%d" % number * 9
        found = path.stat()
        assert path.read_bytes() == content
        assert os.getxattr(path, "user.number") == content
        assert (found.st_mode, found.st_mtime_ns) == (
            0o100640,
            MOMENT_NS + number,
        )


@pytest.mark.parametrize("more", [0, MANY])
def test_one_that_is_not_what_was_packed(tmp_path: Path, more: int) -> None:
    name = shown(b"config/file-1")
    with Crew() as crew:
        give(crew, Placer(tmp_path), 1, digest(b"something else"))
        with pytest.raises(ValueError, match=f"{name} is not what was packed"):
            for number in range(2, more):
                give(crew, Placer(tmp_path), number)
            crew.wait()
    assert not (tmp_path / "file-1").exists()


def test_one_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file-5").touch()
    with Crew() as crew:
        give(crew, Placer(tmp_path), 5)
        with pytest.raises(FileExistsError) as caught:
            crew.wait()
    assert caught.value.filename == str(tmp_path / "file-5")


def test_a_time_that_is_none(tmp_path: Path) -> None:
    read = Read(b"config/file", b"", digest(b""))
    with Crew() as crew:
        member = Member(b"file", "file", mtime_ns=2**100)
        crew.place(Placer(tmp_path, owners=False), b"file", member, read)
        with pytest.raises(ValueError, match="an owner or a time"):
            crew.wait()


@pytest.mark.parametrize("more", [1, MANY])
def test_a_process_that_was_killed(tmp_path: Path, more: int) -> None:
    with Crew() as crew:
        for maker in crew._makers:
            os.kill(maker._process.pid, signal.SIGKILL)
        with pytest.raises(ChildProcessError, match="has ended"):
            for number in range(more):
                give(crew, Placer(tmp_path), number)
            crew.wait()


def test_none_is_left(tmp_path: Path) -> None:
    with Crew() as crew:
        pids = [maker._process.pid for maker in crew._makers]
        give(crew, Placer(tmp_path), 1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert list(tmp_path.iterdir()) == []
