"""Output of containers: the Engine's frames, and lines with their time.

Source: Docker Engine API, "Stream format" of POST /containers/{id}/attach.
"""

import struct
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from typing import Literal, NamedTuple, Protocol

StreamName = Literal["stdout", "stderr"]
Block = tuple[StreamName, bytes]

BLOCK = 64 * 1024
# Docker cuts lines at 16 KiB itself; programs without newlines exist.
LONGEST_LINE = 256 * 1024


class LogLine(NamedTuple):
    """One line of a container's log.

    Args:
        time: RFC 3339 in UTC with nanoseconds, as the Engine has it.
        stream: where the container wrote it.
        text: without the newline.
    """

    time: str
    stream: StreamName
    text: str


class Readable(Protocol):
    """What output comes from: an answer, or a connection taken over."""

    def read1(self, size: int, /) -> bytes:
        """Return what is there, b"" at the end."""


def demultiplex(response: Readable, terminal: bool) -> Iterator[Block]:
    """Return the pieces of a container's output as they come.

    Args:
        terminal: the container has a terminal, so there are no frames.

    Raises:
        http.client.HTTPException: a frame that is none.
    """
    if terminal:
        while block := response.read1(BLOCK):
            yield "stdout", block
        return
    while header := _exactly(response, 8):
        number, size = struct.unpack(">BxxxL", header)
        if number > 2:
            raise HTTPException("a frame of an unknown stream")
        stream: StreamName = "stderr" if number == 2 else "stdout"
        while size:
            block = response.read1(min(size, BLOCK))
            if not block:
                return
            size -= len(block)
            yield stream, block


def _exactly(response: Readable, count: int) -> bytes:
    found = b""
    while len(found) < count:
        block = response.read1(count - len(found))
        if not block:
            return b""
        found += block
    return found


def log_lines(blocks: Iterable[Block]) -> Iterator[LogLine]:
    """Return whole lines from pieces that begin with a timestamp each.

    A line that never ends is cut, so that memory stays bounded.
    """
    rest: dict[StreamName, bytes] = {}
    for stream, block in blocks:
        *lines, last = (rest.get(stream, b"") + block).split(b"\n")
        for line in lines:
            yield _line(stream, line)
        if len(last) > LONGEST_LINE:
            yield _line(stream, last)
            last = b""
        rest[stream] = last
    for stream, last in rest.items():
        if last:
            yield _line(stream, last)


def _line(stream: StreamName, line: bytes) -> LogLine:
    text = line.decode(errors="replace").rstrip("\r")
    time, _, text = text.partition(" ")
    return LogLine(time, stream, text)
