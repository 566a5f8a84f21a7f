"""Pieces that are stored in a thread of its own."""

import errno
import threading

import pytest

from usenet_stack.backup.behind import AHEAD, WriteBehind


def test_all_is_stored_in_order() -> None:
    stored: list[list[bytes]] = []
    behind = WriteBehind(stored.append)
    pieces = [[b"%d" % number] for number in range(5 * AHEAD)]
    for some in pieces:
        behind.write(some)
    behind.write([])
    behind.finish()
    assert stored == pieces


def test_a_full_disk_is_told_and_nothing_more_is_stored() -> None:
    stored: list[bytes] = []

    def store(pieces: list[bytes]) -> None:
        if len(stored) == 2:
            raise OSError(errno.ENOSPC, "full")
        stored.extend(pieces)

    behind = WriteBehind(store)
    with pytest.raises(OSError, match="full"):
        for number in range(10 * AHEAD):
            behind.write([b"%d" % number])
    with pytest.raises(OSError, match="full"):
        behind.finish()
    assert stored == [b"0", b"1"]


def test_the_last_piece_s_problem_is_told_at_the_end() -> None:
    def store(_: list[bytes]) -> None:
        raise OSError(errno.EIO, "gone")

    behind = WriteBehind(store)
    behind.write([b"a"])
    with pytest.raises(OSError, match="gone"):
        behind.finish()


def test_close_leaves_no_thread() -> None:
    before = threading.active_count()
    behind = WriteBehind(lambda _: None)
    behind.write([b"a"])
    behind.close()
    behind.close()
    assert threading.active_count() == before
