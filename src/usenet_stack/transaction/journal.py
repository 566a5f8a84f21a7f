"""The append-only journal of one plan: every record fsynced, torn tails cut.

A record is one line, `crc32 json`. The file appears by rename with its first
record, the plan, already durable; later records are appended and fsynced
before the work that they announce begins.
"""

import errno
import os
import re
import time
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.plan import Plan

Record = dict[str, Any]
ENDED = ("committed", "partial", "rolled-back", "superseded")


def journal_folder(stack_folder: Path) -> Path:
    """Return where the journals of a stack lie."""
    return stack_folder / ".usenet" / "journal"


class Journal:
    """One journal file, open for appending.

    Args:
        path: the file, named by the journal's id.
        records: what it holds; the first is the plan.
        size: bytes of the whole records in the file.
    """

    def __init__(self, path: Path, records: list[Record], size: int) -> None:
        self.path = path
        self.records = records
        self.size = size
        self._descriptor: int | None = None

    @property
    def id(self) -> str:
        return self.path.name.removesuffix(".jsonl")

    @property
    def keep_folder(self) -> Path:
        """Where the steps keep what their undo needs."""
        return self.path.with_suffix(".kept")

    @property
    def outcome(self) -> str:
        """Return how it ended, or "unfinished"."""
        last = self.records[-1]
        return str(last["outcome"]) if last["event"] == "end" else "unfinished"

    @property
    def finished(self) -> bool:
        """Tell whether nothing is left to recover."""
        return self.outcome in ENDED

    @classmethod
    def create(cls, stack_folder: Path, plan: Plan) -> "Journal":
        """Begin the journal of `plan`.

        Effects: one new file, durable before this returns.
        Raises:
            OSError: no journal was made, and nothing may be done.
        """
        folder = journal_folder(stack_folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = time.time()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
        stamp += f".{int(now % 1 * 1e6):06d}Z"  # names sort by age
        words = re.sub(r"[^a-z0-9]+", "-", plan.command)
        path = folder / f"{stamp}-{words}.jsonl"
        record = _stamped({"event": "plan", **plan.as_dict()})
        line = encode(record)
        write_durably(path, line, 0o600)
        return cls(path, [record], len(line))

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """Read a journal; a torn last record is dropped.

        Raises:
            UsenetError: "journal.corrupt" when an inner record is damaged.
        """
        return cls(path, *decode(path.read_bytes(), path))

    def plan(self) -> Plan:
        """Return the plan that it records."""
        return Plan.from_dict(self.records[0])

    def append(self, event: str, **facts: Any) -> None:
        """Add a record and make it durable.

        Raises:
            OSError: the record may be torn; the next append repairs that.
        """
        record = _stamped({"event": event, **facts})
        line = encode(record)
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.ftruncate(self._descriptor, self.size)
        if os.write(self._descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        os.fdatasync(self._descriptor)
        self.size += len(line)
        self.records.append(record)

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _stamped(record: Record) -> Record:
    return {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **record}


def encode(record: Record) -> bytes:
    """Return a record as its line."""
    body = msgspec.json.encode(record)
    return b"%08x %b\n" % (crc32(body), body)


def decode(content: bytes, path: Path) -> tuple[list[Record], int]:
    """Return the whole records and their length; drop a torn last one.

    Raises:
        UsenetError: "journal.corrupt" when an inner record is damaged.
    """
    records: list[Record] = []
    size = 0
    for line in content.splitlines(keepends=True):
        check, _, body = line.rstrip(b"\n").partition(b" ")
        if line.endswith(b"\n") and check == b"%08x" % crc32(body):
            records.append(msgspec.json.decode(body))
            size += len(line)
            continue
        if records and size + len(line) == len(content):
            break
        raise UsenetError(
            "journal.corrupt",
            path=path,
            record=len(records) + 1,
            journal=path.name.removesuffix(".jsonl"),
        )
    return records, size


def journals(stack_folder: Path) -> list[Path]:
    """Return the journals of a stack, oldest first."""
    return sorted(journal_folder(stack_folder).glob("*.jsonl"))
