"""write_durably under failures that the kernel itself brings about."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.transaction.durable import remove_leftovers, write_durably

pytestmark = pytest.mark.unit


def failure(path: Path, prepare: Callable[[], None]) -> str:
    """Write in a child that `prepare` has limited; return what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        told = "nothing"
        try:
            prepare()
            write_durably(path, b"new" * 4000, 0o644, (0, 0))
        except OSError as problem:
            told = f"{type(problem).__name__} {problem.filename}"
        finally:
            os.write(writer, told.encode())
            os._exit(0)
    os.close(writer)
    told = os.read(reader, 4096).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return told


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def nobody() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (small_files, "OSError"),  # write: EFBIG, after a part of it
        (few_descriptors, "OSError"),  # open: EMFILE
        (nobody, "PermissionError"),  # fchown or open: EPERM, EACCES
    ],
)
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, prepare: Callable[[], None], error: str, mode: int
) -> None:
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        if parent.stat().st_uid == os.getuid():
            parent.chmod(0o755)
    tmp_path.chmod(mode)  # 0o777: nobody may open, and fails at fchown
    path = tmp_path / "f"
    path.write_text("old")
    assert failure(path, prepare) == f"{error} {path}"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_rename_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_durably(path, b"new")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "no" / "f"
    with pytest.raises(FileNotFoundError) as caught:
        write_durably(path, b"new")
    assert caught.value.filename == str(path)


def test_the_temporary_file_of_a_living_writer_is_left_alone(
    tmp_path: Path,
) -> None:
    # A writer that waits in the middle of its write, in a real process: the
    # content comes through a pipe that is still open.
    path = tmp_path / "f"
    reader, writer = os.pipe()
    ready_reader, ready = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        from usenet_stack.transaction import durable

        with durable.replacing(path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT)
            durable.fcntl.flock(descriptor, durable.fcntl.LOCK_EX)
            os.write(ready, b".")
            os.write(descriptor, os.read(reader, 100))
            temporary.replace(path)
        os._exit(0)
    os.close(reader)
    assert os.read(ready_reader, 1) == b"."
    write_durably(path, b"second")
    remove_leftovers(path)
    assert len(list(tmp_path.iterdir())) == 2
    os.write(writer, b"first")
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    contents = [bytes([65 + number]) * 50_000 for number in range(4)]
    children = []
    for content in contents:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for _ in range(50):
                    write_durably(path, content)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    ended = [os.waitpid(child, 0)[1] for child in children]
    assert ended == [0, 0, 0, 0]
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]
