"""The append-only journal of one plan: every record fsynced, torn tails cut.

A record is one line, `crc32 json`. The file appears by rename with its first
record, the plan, already durable; later records are appended and fsynced
before the work that they announce begins. Zeros behind the records keep room
for those of an undo, so that it can be told on a full disk too.
"""

import errno
import os
import re
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.plan import Plan

Record = dict[str, Any]
ENDED = ("committed", "partial", "rolled-back", "superseded")
UNDO = ("undoing", "undone", "stuck", "end")  # may use the room kept for them


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
    def room(self) -> int:
        """Bytes that the records of an undo may need."""
        return 4096 + 512 * len(self.records[0]["steps"])

    @property
    def outcome(self) -> str:
        """Return how it ended, or "unfinished"."""
        last = self.records[-1]
        return str(last["outcome"]) if last["event"] == "end" else "unfinished"

    @property
    def undoing(self) -> bool:
        """Tell whether its plan has begun to be undone."""
        return any(record["event"] == "undoing" for record in self.records)

    @property
    def finished(self) -> bool:
        """Tell whether nothing is left to recover."""
        return self.outcome in ENDED

    @classmethod
    def create(cls, stack_folder: Path, plan: Plan) -> "Journal":
        """Begin the journal of `plan`.

        Effects: one new file, durable before this returns, and its empty
            `keep_folder`, which stays until the journal is settled.
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
        journal = cls(path, [record], len(line))
        journal.keep_folder.mkdir(mode=0o700)
        try:
            write_durably(path, line + bytes(journal.room), 0o600)
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                journal.keep_folder.rmdir()
            raise
        return journal

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """Read a journal; a torn last record is dropped.

        Raises:
            UsenetError: "journal.corrupt" when an inner record is damaged.
        """
        return cls(path, *decode(path.read_bytes(), path))

    def plan(self) -> Plan:
        """Return the plan that it records.

        Raises:
            UsenetError: "journal.foreign" when this version cannot read it.
        """
        try:
            return Plan.from_dict(self.records[0])
        except msgspec.ValidationError as problem:
            raise UsenetError(
                "journal.foreign", why=f"{problem}.", journal=self.id
            ) from problem

    def append(self, event: str, **facts: Any) -> None:
        """Add a record and make it durable.

        Raises:
            OSError: the record may be torn; the next append writes over it.
        """
        record = _stamped({"event": event, **facts})
        line = encode(record)
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_WRONLY)
            if event not in UNDO:
                self._keep_room(self._descriptor, self.size + len(line))
            _write_at(self._descriptor, line, self.size)
            os.fdatasync(self._descriptor)
        except OSError as problem:
            problem.filename = str(self.path)
            raise
        self.size += len(line)
        self.records.append(record)

    def discard(self, outcome: str) -> None:
        """End a journal whose end cannot be written: remove its file.

        Without it the next run would replay a plan that was put back.
        """
        self.close()
        self.path.unlink()
        self.records.append(_stamped({"event": "end", "outcome": outcome}))

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._descriptor is None:
            return
        if self.finished:
            with suppress(OSError):  # only for those who read it by eye
                os.ftruncate(self._descriptor, self.size)
        os.close(self._descriptor)
        self._descriptor = None

    def _keep_room(self, descriptor: int, end: int) -> None:
        have = os.fstat(descriptor).st_size
        if have < end + self.room:
            _write_at(descriptor, bytes(end + 2 * self.room - have), have)


def _write_at(descriptor: int, content: bytes, offset: int) -> None:
    if os.pwrite(descriptor, content, offset) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _stamped(record: Record) -> Record:
    return {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **record}


def encode(record: Record) -> bytes:
    """Return a record as its line."""
    body = msgspec.json.encode(record)
    return b"%08x %b\n" % (crc32(body), body)


def decode(content: bytes, path: Path) -> tuple[list[Record], int]:
    """Return the whole records and their length; drop a torn last one.

    Zeros at the end are the room for more.

    Raises:
        UsenetError: "journal.corrupt" when an inner record is damaged.
    """
    records: list[Record] = []
    size = 0
    content = content.rstrip(b"\0")
    inner_damage = False
    for line in BytesIO(content):
        check, _, body = line.removesuffix(b"\n").partition(b" ")
        if not line.endswith(b"\n") or check != b"%08x" % crc32(body):
            inner_damage = size + len(line) < len(content)
            break
        records.append(msgspec.json.decode(body))
        size += len(line)
    if inner_damage or not records:
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
