"""Frames and log lines, taken apart in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_server import answer, engine_server
from usenet_stack.docker.engine import Engine
from usenet_stack.docker.streams import LONGEST_LINE, Block, log_lines
from usenet_stack.errors import UsenetError

STAMP = b"2026-01-02T03:04:05.000000006Z "
TIME = STAMP.decode().strip()


def frame(stream: int, data: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def logs_of(tmp_path: Path, body: bytes, tty: bool) -> list[tuple[str, str]]:
    with engine_server(tmp_path / "a.sock") as server:
        server.answers["/v1.41/containers/c/json"] = answer(
            f'{{"Config":{{"Tty":{str(tty).lower()}}}}}'
        )
        server.answers["/v1.41/containers/c/logs"] = answer(body)
        found = list(Engine(server.path).logs("c"))
    assert all(line.time == TIME for line in found)
    return [(line.stream, line.text) for line in found]


def test_frames_are_lines_of_two_streams(tmp_path: Path) -> None:
    body = (
        frame(1, STAMP + b"one\n")
        + frame(2, STAMP + b"bad\n")
        + frame(1, STAMP + b"in two ")
        + frame(1, b"pieces\n")
        + frame(1, STAMP + "é\n".encode() + STAMP + b"last")
    )
    assert logs_of(tmp_path, body, tty=False) == [
        ("stdout", "one"),
        ("stderr", "bad"),
        ("stdout", "in two pieces"),
        ("stdout", "é"),
        ("stdout", "last"),
    ]


def test_a_terminal_has_no_frames(tmp_path: Path) -> None:
    body = STAMP + b"one\r\n" + STAMP + b"two\r\n"
    found = logs_of(tmp_path, body, tty=True)
    assert found == [("stdout", "one"), ("stdout", "two")]


def test_frame_of_an_unknown_stream_is_nonsense(tmp_path: Path) -> None:
    with pytest.raises(UsenetError) as caught:
        logs_of(tmp_path, frame(77, b"x"), tty=False)
    assert caught.value.code == "docker.garbled"


def test_line_that_never_ends_is_cut() -> None:
    def endless() -> Iterator[Block]:
        yield "stdout", STAMP
        for _ in range(40):
            yield "stdout", b"x" * 65536

    found = list(log_lines(endless()))
    assert len(found) > 1
    assert max(len(line.text) for line in found) <= LONGEST_LINE + 65536
