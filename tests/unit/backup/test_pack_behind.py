"""Pieces that are packed and stored by threads."""

import errno
import threading
import time

import pytest

from usenet_stack.backup.behind import PackBehind

SIZE = 8


def put(behind: PackBehind, content: bytes) -> None:
    room = behind.room()
    room[: len(content)] = content
    behind.put(room, len(content), bytes)


def test_all_is_stored_in_order_whoever_is_first() -> None:
    stored: list[bytes] = []
    behind = PackBehind(stored.append, 3, SIZE)

    def slowly(content: memoryview) -> bytes:
        time.sleep(0.002 if content[-1] % 3 == 0 else 0)
        return bytes(content)

    pieces = [b"%d" % number for number in range(60)]
    for piece in pieces:
        room = behind.room()
        room[: len(piece)] = piece
        behind.put(room, len(piece), slowly)
    behind.finish()
    assert stored == pieces


def test_a_full_disk_is_told_and_nothing_more_is_stored() -> None:
    stored: list[bytes] = []

    def store(piece: bytes) -> None:
        if len(stored) == 2:
            raise OSError(errno.ENOSPC, "full")
        stored.append(piece)

    behind = PackBehind(store, 2, SIZE)
    with pytest.raises(OSError, match="full"):
        for number in range(100):
            put(behind, b"%d" % number)
    with pytest.raises(OSError, match="full"):
        behind.finish()
    assert stored == [b"0", b"1"]


def test_the_last_piece_s_problem_is_told_at_the_end() -> None:
    def store(_: bytes) -> None:
        raise OSError(errno.EIO, "gone")

    behind = PackBehind(store, 2, SIZE)
    put(behind, b"a")
    with pytest.raises(OSError, match="gone"):
        behind.finish()


def test_what_cannot_be_packed_is_told_and_holds_nobody_up() -> None:
    def fail(_: memoryview) -> bytes:
        raise MemoryError

    behind = PackBehind(lambda _: None, 2, SIZE)
    with pytest.raises(MemoryError):
        for _ in range(100):
            behind.put(behind.room(), 1, fail)
    behind.close()


def test_close_leaves_no_thread() -> None:
    before = threading.active_count()
    behind = PackBehind(lambda _: None, 2, SIZE)
    put(behind, b"a")
    behind.close()
    behind.close()
    assert threading.active_count() == before
