"""The manifest of a backup: what it is, and every file with its SHA-256.

It is one JSON object. Its head stands on the first line and each file on a
line of its own, in the order of the archive, so that neither who writes it
nor who reads it holds the whole list.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

NAME = "manifest.json"
FORMAT = 2
LARGEST_HEAD = 16 * 1024 * 1024
LARGEST_LINE = 1024 * 1024

Kind = Literal[
    "file", "database", "live", "folder", "link", "link-out", "hardlink"
]


class ServiceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a service ran from; "" where that is not known.

    Args:
        image: the reference in the compose file.
        digest: of the image, from the registry.
        version: of the application.
    """

    name: str
    image: str = ""
    digest: str = ""
    version: str = ""


class GitState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stack folder as a git repository: commit, branch, clean or not."""

    commit: str = ""
    branch: str = ""
    dirty: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that a backup says of itself, but for its list of files.

    Args:
        format: of the archive; a newer one is refused.
        tool: version of the program that wrote it.
        created: UTC, ISO 8601.
        name, description: the user's own words.
        services: whose files may be in it.
        partial: only some services were asked for.
        skipped: what an archive cannot hold (sockets, pipes, devices).
        remarks: what a person must know before relying on it.
        files, size: how many members, bytes of their content.
        folders: how many of the members are folders.
        databases: how many of the files are SQLite.
    """

    format: int = FORMAT
    tool: str
    type: str
    created: str
    host: str
    stack: str
    project: str = ""
    services: tuple[ServiceFacts, ...] = ()
    partial: bool = False
    name: str = ""
    description: str = ""
    git: GitState | None = None
    skipped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    files: int = 0
    folders: int = 0
    size: int = 0
    databases: int = 0

    @property
    def plain_files(self) -> int:
        """How many files a person counts."""
        return self.files - self.folders

    @property
    def service_names(self) -> list[str]:
        return [service.name for service in self.services]


class FileRecord(msgspec.Struct, omit_defaults=True):
    """One member of the archive.

    Args:
        name: its path in the archive; where that is no text, `raw` is right.
        raw: the bytes of the name in hexadecimal, if they are no UTF-8.
        kind: "database": SQLite, checked; "live": a database that only its
            application can copy, taken as a file; "link-out": leads to what
            is not in the backup; "hardlink": the same file as another.
        size, sha256: of the content, holes included.
        steady: False: it changed while it was read, however often.
        rows: of a database, by table.
    """

    name: str
    kind: Kind = "file"
    size: int = 0
    sha256: str = ""
    steady: bool = True
    raw: str = ""
    rows: dict[str, int] | None = None

    @property
    def path(self) -> bytes:
        """The name as the archive has it."""
        return bytes.fromhex(self.raw) if self.raw else self.name.encode()


def record_name(name: bytes) -> tuple[str, str]:
    """Return `name` and `raw` of a record."""
    try:
        return name.decode(), ""
    except UnicodeDecodeError:
        return name.decode(errors="replace"), name.hex()


_encoder = msgspec.json.Encoder()
_line_decoder = msgspec.json.Decoder(FileRecord)


def encode_line(record: FileRecord) -> bytes:
    """Return a file's line, without what stands before it."""
    return _encoder.encode(record)


def head_and_tail(manifest: Manifest) -> tuple[bytes, bytes]:
    """Return what stands before the first line of a file and behind the
    last."""
    return _encoder.encode(manifest)[:-1] + b',"entries":[\n', b"\n]}\n"


def read_head(line: bytes) -> Manifest:
    """Return the manifest from its first line.

    Raises:
        ValueError: it is none, or one of a newer format.
    """
    ending = b',"entries":[\n'
    if not line.endswith(ending):
        raise ValueError("it does not begin with a manifest")
    content: dict[str, Any] = msgspec.json.decode(
        line.removesuffix(ending) + b"}", type=dict
    )
    newer = content.get("format")
    if isinstance(newer, int) and newer > FORMAT:
        raise ValueError(f"its format {newer} is newer than this program")
    return msgspec.convert(content, Manifest)


def read_lines(lines: Iterable[bytes]) -> Iterator[FileRecord]:
    """Yield the files from the lines that follow the head.

    Raises:
        ValueError: a line is not as it was written.
    """
    ended = last = False
    for line in lines:
        if ended or (last and line != b"]}\n"):
            raise ValueError("its manifest goes on behind its end")
        if line == b"]}\n":
            ended = True
        elif line != b"\n":  # of an empty list
            text = line.removesuffix(b"\n")
            last = not text.endswith(b",")
            yield _line_decoder.decode(text.removesuffix(b","))
    if not ended:
        raise ValueError("its manifest is cut off")


def shown(name: bytes) -> str:
    """Return a name for people."""
    return os.fsdecode(name).encode(errors="backslashreplace").decode()
