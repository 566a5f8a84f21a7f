"""Archives of the old shell tool: `usenet-stack-backup-*.tar.gz`.

They become archives of this program, in a private folder and for as long as
one is looked at: all else in this room reads them like any other. On the way
each database is brought up to date with the write-ahead log beside it, which
the old tool packed while services wrote, and checked.

What belongs to a service keeps its place, `config/<service>/`; all else, the
old tool itself, its compose files and `.env`, goes below `stack/old-tool/`:
a restore leaves it alone, `backup extract` takes it out.
"""

import gzip
import hashlib
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from usenet_stack.backup.container import Container
from usenet_stack.backup.copy_databases import copy
from usenet_stack.backup.manifest import (
    NAME,
    FileRecord,
    Manifest,
    ServiceFacts,
    encode_line,
    head_and_tail,
    record_name,
    shown,
)
from usenet_stack.backup.members import Member, encode, padding
from usenet_stack.backup.naming import old_name
from usenet_stack.backup.old_tar import exactly, read_members
from usenet_stack.backup.reading import UNREADABLE, damaged
from usenet_stack.backup.scratch import scratch
from usenet_stack.backup.selection import SIDE_FILES, SQLITE_MAGIC
from usenet_stack.stack.catalog import Catalog, load_catalog
from usenet_stack.transaction.executor import typed

OLD = b"stack/old-tool"
ROOTS = {b"stack", b"config", b""}
_STAMP = re.compile(r"(\d{8})-(\d{6})")
_FACT = re.compile(r'^\s*"(\w+)":\s*"?(.*?)"?,?\s*$', re.MULTILINE)
LARGEST_META = 64 * 1024
PIECE = 256 * 1024
# gzip packs zeros by a thousand; nobody's settings by a hundred.
DENSEST, FLOOR = 100, 64 * 1024 * 1024
ISO = "%Y-%m-%dT%H:%M:%SZ"


class Meta(NamedTuple):
    """What the `.meta` beside an old archive says; "" where it says nothing.

    Args:
        created: UTC, ISO 8601.
    """

    type: str
    created: str
    version: str
    description: str
    host: str


def read_meta(path: Path) -> Meta:
    """Return the facts beside an old archive, as far as they can be read.

    Its author wrote them without escaping: a quote in a description makes
    them no JSON.
    """
    facts: dict[str, str] = {}
    with suppress(OSError):
        beside = path.with_name(f"{path.name}.meta")
        with beside.open("rb") as file:
            text = file.read(LARGEST_META).decode(errors="replace")
        facts = dict(_FACT.findall(text))
    type = facts.get("type", "")
    return Meta(
        type if type in ("minimal", "full") else "config",
        _created(path, facts.get("created", "")),
        facts.get("version", ""),
        facts.get("description", ""),
        facts.get("hostname", ""),
    )


def _created(path: Path, told: str) -> str:
    with suppress(ValueError):
        return datetime.fromisoformat(told).astimezone(UTC).strftime(ISO)
    if stamp := _STAMP.search(path.name):
        with suppress(ValueError):  # it is in the time of that place
            local = datetime.strptime("".join(stamp.groups()), "%Y%m%d%H%M%S")
            return local.astimezone(UTC).strftime(ISO)
    with suppress(OSError):
        return time.strftime(ISO, time.gmtime(path.stat().st_mtime))
    return ""


@contextmanager
def converted(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """Hand out an archive of this program that holds what an old one does.

    Args:
        folder: where it may lie; a temporary one else. It needs as much
            room as all files in the archive, and is removed at the end.

    Raises:
        UsenetError: backup.damaged; disk.full.
    """
    with scratch(folder) as place:
        try:
            plain = _Conversion(path, place).run()
        except UNREADABLE as problem:
            if isinstance(problem, OSError) and problem.errno is not None:
                raise typed(problem) from problem
            raise damaged(path, str(problem)) from problem
        yield plain


class _File(NamedTuple):
    """A member and the copy of its content."""

    member: Member
    copy: Path | None = None
    sha256: str = ""
    sqlite: bool = False
    rows: dict[str, int] | None = None


class _Conversion:
    """One old archive on its way into a new one."""

    def __init__(self, path: Path, place: Path) -> None:
        self._path = path
        self._place = place
        self._found: dict[bytes, _File] = {}
        self._given: set[bytes] = set()  # folders that were members
        self._remarks: list[str] = []

    def run(self) -> Path:
        self._read()
        self._settle_databases()
        self._rename()
        return self._write()

    # -- in ---------------------------------------------------------------

    def _read(self) -> None:
        left = max(self._path.stat().st_size * DENSEST, FLOOR)
        with self._path.open("rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            stream: Any = gzip.GzipFile(fileobj=file) if zipped else file
            for member in read_members(stream):
                left -= member.size
                if left < 0:
                    raise ValueError("it unpacks to far more than settings")
                self._admit(member, stream)

    def _admit(self, member: Member, stream: IO[bytes]) -> None:
        self._make_way(member)
        name, before = member.name, self._found.get(member.name)
        kept = self._keep(member, stream)
        if member.type == "folder":
            if before is not None and before.member.type != "folder":
                raise ValueError(f"{shown(name)} is in it twice")
            self._given.add(name)
        elif before is not None:
            # Its lists named some files twice; that is no reason to refuse.
            if not _same(before, kept):
                raise ValueError(f"{shown(name)} is in it twice")
            if kept.copy:
                kept.copy.unlink()
            return
        if member.type == "hardlink":
            target = self._found.get(member.target)
            if target is None or target.member.type != "file":
                raise ValueError(
                    f"{shown(name)} is linked to what is not in it"
                )
        self._found[name] = kept

    def _make_way(self, member: Member) -> None:
        """Add the folders above; it was given lists of files as well."""
        parts = member.name.split(b"/")
        for depth in range(1, len(parts)):
            above = b"/".join(parts[:depth])
            there = self._found.get(above)
            if there is None:
                made = Member(above, "folder", 0o755, member.uid, member.gid)
                self._found[above] = _File(
                    made._replace(mtime_ns=member.mtime_ns)
                )
            elif there.member.type != "folder":
                name = shown(member.name)
                raise ValueError(f"{name} does not lie in a folder of it")

    def _keep(self, member: Member, stream: IO[bytes]) -> _File:
        if member.type != "file":
            return _File(member)
        copy = self._place / f"f{len(self._found)}-{len(self._given)}"
        digest = hashlib.sha256()
        head, left = b"", member.size
        with copy.open("xb") as file:
            while left:
                piece = exactly(stream, min(left, PIECE))
                head = head or piece[: len(SQLITE_MAGIC)]
                left -= len(piece)
                digest.update(piece)
                file.write(piece)
        exactly(stream, padding(member.size))
        return _File(member, copy, digest.hexdigest(), head == SQLITE_MAGIC)

    # -- databases --------------------------------------------------------

    def _settle_databases(self) -> None:
        for name, file in list(self._found.items()):
            if file.sqlite and file.copy is not None:
                self._found[name] = self._settle(name, file, file.copy)

    def _settle(self, name: bytes, file: _File, source: Path) -> _File:
        work = self._beside_its_log(name, source)
        target = source.with_name(f"{source.name}.whole")
        try:
            rows = copy(str(work), str(target))
        except sqlite3.Error as problem:
            target.unlink(missing_ok=True)
            self._remarks.append(
                f"{shown(name)} was torn when the old tool copied it while "
                f"its service wrote: {problem}."
            )
            return file
        work.unlink()
        with target.open("rb") as found:
            sha256 = hashlib.file_digest(found, "sha256").hexdigest()
        member = file.member._replace(size=target.stat().st_size)
        return _File(member, target, sha256, True, rows)

    def _beside_its_log(self, name: bytes, source: Path) -> Path:
        """Return a copy that may be worked on, with its side files."""
        work = source.with_name(f"{source.name}.work")
        shutil.copyfile(source, work)
        for ending in SIDE_FILES:
            side = self._found.get(name + ending.encode())
            if side is not None and side.copy is not None:
                side.copy.rename(work.with_name(work.name + ending))
                del self._found[side.member.name]
        return work

    # -- names ------------------------------------------------------------

    def _rename(self) -> None:
        catalog = load_catalog()
        tops = {
            name.split(b"/")[1]
            for name in self._found
            if name.startswith(b"config/")
        }
        names = {top: self._service(top, tops, catalog) for top in tops}
        moved: dict[bytes, _File] = {}
        for name, file in self._found.items():
            new = _moved(name, names)
            if new in ROOTS:
                if file.member.type != "folder":
                    raise ValueError(f"{shown(name)} is no folder")
                continue
            target = file.member.target
            if file.member.type == "hardlink":
                target = _moved(target, names)
            member = file.member._replace(name=new, target=target)
            moved[new] = file._replace(member=member)
        for above in (OLD, OLD + b"/config"):
            if any(name.startswith(above + b"/") for name in moved):
                moved.setdefault(above, _File(Member(above, "folder", 0o700)))
        self._found = moved

    def _service(
        self, top: bytes, tops: set[bytes], catalog: Catalog
    ) -> bytes | None:
        """Return where the folder of a service goes; None: it is none's."""
        if self._found[b"config/" + top].member.type != "folder":
            return None
        text = shown(top)
        known = next(
            (s.name for s in catalog.values() if text in (s.name, *s.aliases)),
            "",
        )
        if not known:
            self._remarks.append(
                f"config/{text} belongs to no service that this program "
                "knows: a restore leaves it out."
            )
            return None
        if known != text and known.encode() in tops:
            self._remarks.append(
                f"config/{text} is {known} under an older name, which is in "
                "it as well: a restore leaves it out."
            )
            return None
        return known.encode()

    # -- out --------------------------------------------------------------

    def _write(self) -> Path:
        # Folders before what is in them, hard links behind all files, and
        # in front what tells whose files they are.
        ordered = sorted(
            self._found.values(),
            key=lambda f: (
                f.member.type == "hardlink",
                not f.member.name.startswith(OLD),
                f.member.name.split(b"/"),
            ),
        )
        container = Container(self._place / "archive.tar.zst", "zstd")
        lines = []
        try:
            for file in ordered:
                lines.append(encode_line(_record(file)))
                _pack(container, file)
            container.write(bytes(1024))
            container.finish(_head(self._manifest(ordered), lines))
        finally:
            container.close()
        return container.path

    def _manifest(self, files: list[_File]) -> Manifest:
        meta = read_meta(self._path)
        services = sorted(
            {
                file.member.name.split(b"/")[1].decode()
                for file in files
                if file.member.name.startswith(b"config/")
            }
        )
        tool = f"usenet-stack shell tool {meta.version}".strip()
        return Manifest(
            tool=tool,
            type=meta.type,
            created=meta.created,
            host=meta.host,
            stack="",
            name=old_name(self._path.name),
            description=meta.description,
            services=tuple(ServiceFacts(name) for name in services),
            remarks=(
                "The old shell tool wrote it, without hashes: that it is "
                "whole shows from gzip and from its databases only.",
                *self._remarks,
            ),
            files=len(files),
            folders=sum(file.member.type == "folder" for file in files),
            databases=sum(file.sqlite for file in files),
            size=sum(file.member.size for file in files),
        )


def _same(one: _File, other: _File) -> bool:
    kinds = one.member.type, other.member.type
    if other.member.type == "hardlink" and kinds[0] != "folder":
        # How GNU tar packs what is named a second time.
        own = other.member.target == one.member.name
        return own or one.member.target == other.member.target
    if kinds == ("file", "file"):
        return one.sha256 == other.sha256
    linked = kinds == ("link", "link")
    return linked and one.member.target == other.member.target


def _moved(name: bytes, services: dict[bytes, bytes | None]) -> bytes:
    """Return where a member of an old archive goes."""
    first, _, rest = name.partition(b"/")
    if first == b"config" and rest:
        top, slash, below = rest.partition(b"/")
        if service := services[top]:
            return b"config/" + service + slash + below
    elif first == b"config":
        return b"config"
    return OLD + b"/" + name


def _record(file: _File) -> FileRecord:
    name, raw = record_name(file.member.name)
    kind = file.member.type if file.member.type != "file" else None
    return FileRecord(
        name,
        kind or ("database" if file.sqlite else "file"),
        file.member.size,
        file.sha256,
        raw=raw,
        rows=file.rows,
    )


def _pack(container: Container, file: _File) -> None:
    container.write(encode(file.member))
    if file.copy is None:
        return
    with file.copy.open("rb") as source:
        while piece := source.read(PIECE):
            container.write(piece)
    container.write(bytes(padding(file.member.size)))
    file.copy.unlink()


def _head(manifest: Manifest, lines: list[bytes]) -> Iterator[bytes]:
    front, back = head_and_tail(manifest)
    listing = front + b",\n".join(lines) + back
    yield encode(Member(NAME.encode(), "file", 0o600, size=len(listing)))
    yield listing + bytes(padding(len(listing)))
