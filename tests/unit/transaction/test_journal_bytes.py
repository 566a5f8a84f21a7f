"""What a journal makes of torn tails, flipped bits and inner damage."""

from pathlib import Path
from typing import Any

import pytest
from traced import plan, step

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.journal import (
    Journal,
    decode,
    encode,
    journals,
)

pytestmark = pytest.mark.unit

RECORDS: list[dict[str, Any]] = [
    {"event": "plan", "command": "test", "steps": [], "recovery": "back"},
    {"event": "begin", "at": "2030-01-01T00:00:00Z", "step": 0, "before": {}},
    {
        "event": "done",
        "at": "2030-01-01T00:00:09Z",
        "J*": "-\r\n\x8a é",
        "n": 1,
    },
]
LINES = [encode(record) for record in RECORDS]
WHOLE = b"".join(LINES)
PATH = Path("/s/.usenet/journal/20300101-test.jsonl")


def damaged_record(content: bytes) -> int:
    with pytest.raises(UsenetError) as caught:
        decode(content, PATH)
    assert caught.value.code == "journal.corrupt"
    assert "20300101-test" in caught.value.hint
    found = caught.value.facts["record"]
    assert isinstance(found, int)
    return found


def flips(content: bytes, start: int, end: int) -> list[bytes]:
    return [
        content[:place]
        + bytes([content[place] ^ 1 << bit])
        + content[place + 1 :]
        for place in range(start, end)
        for bit in range(8)
    ]


def test_whole_records() -> None:
    assert decode(WHOLE, PATH) == (RECORDS, len(WHOLE))


@pytest.mark.parametrize("room", [1, 4096])
def test_zeros_behind_the_records_are_room(room: int) -> None:
    assert decode(WHOLE + bytes(room), PATH) == (RECORDS, len(WHOLE))


@pytest.mark.parametrize("room", [0, 100])
def test_every_truncation(room: int) -> None:
    for length in range(len(WHOLE)):
        content = WHOLE[:length] + bytes(room)
        if length < len(LINES[0]):
            assert damaged_record(content) == 1
            continue
        whole = 2 if length >= len(LINES[0] + LINES[1]) else 1
        size = len(b"".join(LINES[:whole]))
        assert decode(content, PATH) == (RECORDS[:whole], size)


def test_every_flipped_bit_of_the_last_record() -> None:
    size = len(LINES[0] + LINES[1])
    found = flips(WHOLE, size, len(WHOLE))
    assert len(found) == 8 * len(LINES[2])
    for content in found:
        if content.count(b"\n") > WHOLE.count(b"\n"):
            # A line feed in a record is no torn tail: two lines are bad.
            assert damaged_record(content) == 3
        else:
            assert decode(content, PATH) == (RECORDS[:2], size)


@pytest.mark.parametrize("number", [1, 2])
def test_every_flipped_bit_of_an_inner_record(number: int) -> None:
    start = len(b"".join(LINES[: number - 1]))
    # Its line feed is left out: without it the next line belongs to it, and
    # when that is the last one, both together look like one torn record.
    for content in flips(WHOLE, start, start + len(LINES[number - 1]) - 1):
        assert damaged_record(content) == number


def test_every_flipped_bit_of_an_only_record() -> None:
    for content in flips(LINES[0], 0, len(LINES[0])):
        assert damaged_record(content) == 1


@pytest.mark.parametrize("content", [b"", b"\n", bytes(4096)])
def test_an_empty_journal_is_damaged(content: bytes) -> None:
    assert damaged_record(content) == 1


def test_a_record_that_is_missing_in_the_middle_leaves_whole_lines() -> None:
    assert decode(LINES[0] + LINES[2], PATH)[0] == [RECORDS[0], RECORDS[2]]


@pytest.mark.parametrize("keep", ["tail", "none"])
def test_append_after_every_torn_tail_repairs_it(
    tmp_path: Path, keep: str
) -> None:
    journal = Journal.create(tmp_path, plan(step(tmp_path / "log", "a")))
    first = journal.path.read_bytes()[: journal.size]
    room = bytes(journal.room) if keep == "tail" else b""
    for length in range(len(LINES[2]) + 1):
        torn = LINES[2][:length]
        if length == len(torn):  # as long, but wrong: never acknowledged
            torn = torn[:-3] + b"??" + torn[-1:]
        journal.path.write_bytes(first + torn + room)
        again = Journal.open(journal.path)
        assert len(again.records) == 1
        again.append("begin", step=0, before={})
        assert [one["event"] for one in Journal.open(journal.path).records] == [
            "plan",
            "begin",
        ]
        again.append("end", outcome="rolled-back")
        again.close()
        content = journal.path.read_bytes()
        assert content.count(b"\n") == 3 and content.endswith(b"\n")
        assert Journal.open(journal.path).outcome == "rolled-back"


def test_a_journal_is_private_and_keeps_room(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, plan(step(tmp_path / "log", "a")))
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700
    assert journal.keep_folder.stat().st_mode & 0o777 == 0o700
    for number in range(60):
        journal.append("begin", step=number, before={"x": "y" * number})
        size = journal.path.stat().st_size
        assert size >= journal.size + journal.room
    journal.append("end", outcome="committed")
    assert journal.path.stat().st_size == size  # nothing grows any more
    journal.close()
    assert journal.path.stat().st_size == journal.size


def test_journals_sort_by_age(tmp_path: Path) -> None:
    made = [
        Journal.create(tmp_path, plan(step(tmp_path / "log", "a"))).path
        for _ in range(5)
    ]
    assert journals(tmp_path) == made
    assert len(set(made)) == 5


def test_there_may_be_no_journal(tmp_path: Path) -> None:
    assert journals(tmp_path) == []
