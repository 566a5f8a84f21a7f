"""Takes what is selected, at one moment each, and packs it.

Nothing is packed that could still change: a small file is read whole, a
large one copied first, both again while somebody writes to it; a database is
copied by the process that may open it.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO

from usenet_stack.backup import manifest as manifests
from usenet_stack.backup.container import Container
from usenet_stack.backup.databases import Copied, DatabaseCopier
from usenet_stack.backup.manifest import FileRecord, Kind
from usenet_stack.backup.members import Member, encode, padding, sparse_map
from usenet_stack.backup.postgres_dump import Dump
from usenet_stack.backup.selection import (
    SQLITE_MAGIC,
    Item,
    is_bolt,
    leads_out,
    top_of,
)
from usenet_stack.backup.steady import copy_steady, open_found, read_steady
from usenet_stack.errors import UsenetError

SET_ID = 0o6000
SMALL = 1024 * 1024
PIECE = 1024 * 1024
ZEROS = bytes(PIECE)
NO_ATTRIBUTES = (errno.EOPNOTSUPP, errno.ENODATA, errno.EACCES, errno.EPERM)
Progress = Callable[[int], None]


@dataclass(slots=True)
class Packed:
    """What an archive came to hold.

    Args:
        files: members; folders, databases: how many of them are folders,
            and SQLite.
        size: bytes of their content.
        skipped: names of what an archive cannot hold.
        unsteady, live, outside, set_id: names that a remark tells of.
    """

    files: int = 0
    folders: int = 0
    databases: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    set_id: list[str] = field(default_factory=list)


class Packer:
    """Packs items into a container, and notes each in the manifest's list.

    Args:
        container: the body goes there.
        listing: a file that gets one line for each member.
        staging: a private folder for copies; each is removed once packed.
        copier: copies the databases.
        held: copies of databases that were made before, by source.
    """

    def __init__(
        self,
        container: Container,
        listing: IO[bytes],
        staging: Path,
        copier: DatabaseCopier,
        held: dict[str, Copied] | None = None,
    ) -> None:
        self._container = container
        self._listing = listing
        self._staging = staging
        self._copier = copier
        self._held = held or {}
        self._links: dict[tuple[bytes, int, int], bytes] = {}
        self._asked: dict[str, list[tuple[Item, Member]]] = {}
        self._folders: set[bytes] = set()
        self.packed = Packed()

    def pack(self, items: Iterable[Item], progress: Progress) -> Packed:
        """Pack all of it, databases behind what can be packed at once.

        Raises:
            UsenetError: backup.database, backup.locked,
                backup.missing-database, backup.owner.
            OSError: no space is left, or a file may not be read.
        """
        for number, item in enumerate(items):
            if item.type == "special":
                name = manifests.shown(os.fsencode(item.name))
                self.packed.skipped.append(name)
                continue
            try:
                self._take(item)
            except FileNotFoundError:
                continue
            if number % 500 == 0:
                progress(self.packed.files)
            if number % 50 == 0 and self._copier.is_full:
                found = self._copier.finished()
                self._databases(self._asked.keys() & found, progress)
        self._databases(list(self._asked), progress)
        return self.packed

    def pack_dump(self, dump: Dump) -> None:
        """Pack a dump, and its folder unless that is in already."""
        folder = Member(
            *(dump.folder.encode(), "folder", 0o755, dump.uid, dump.gid),
            mtime_ns=time.time_ns(),
        )
        if folder.name not in self._folders:
            self._add(folder, "folder")
        with dump.copy.open("rb", 0) as file:
            dump.copy.unlink()
            found = os.fstat(file.fileno())
            member = Member(
                *(dump.name.encode(), "file", dump.mode, dump.uid, dump.gid),
                *(found.st_size, found.st_mtime_ns),
            )
            self._stream(file, member, "file")

    # -- one item --------------------------------------------------------

    def _take(self, item: Item) -> None:
        if item.type == "link":
            self._link(item)
            return
        descriptor = open_found(item.path)
        try:
            found = os.fstat(descriptor)
            if stat.S_ISDIR(found.st_mode):
                member = _member(item, "folder", found, descriptor)
                self._add(member, "folder")
            elif stat.S_ISREG(found.st_mode):
                self._file(item, descriptor, found)
        finally:
            os.close(descriptor)

    def _link(self, item: Item) -> None:
        found = os.lstat(item.path)
        target = os.fsencode(Path(item.path).readlink())
        xattrs = _xattrs(item.path)
        member = _member(item, "link", found)._replace(
            target=target, xattrs=xattrs
        )
        out = leads_out(item, top_of(item))
        if out:
            self.packed.outside.append(manifests.shown(member.name))
        self._add(member, "link-out" if out else "link")

    def _file(self, item: Item, descriptor: int, found: os.stat_result) -> None:
        member = _member(item, "file", found, descriptor)
        if member.mode & SET_ID:
            # No backup may bring a program that runs as another user.
            member = member._replace(mode=member.mode & ~SET_ID)
            self.packed.set_id.append(manifests.shown(member.name))
        if found.st_nlink > 1 and self._linked(member, found):
            return
        if found.st_size > SMALL:
            self._large(item, descriptor, member)
            return
        content, mtime_ns, steady = read_steady(descriptor, found)
        if content.startswith(SQLITE_MAGIC):
            self._ask(item, member, found)
            return
        digest = hashlib.sha256(content).hexdigest()
        if (member.size, member.mtime_ns) != (len(content), mtime_ns):
            member = member._replace(size=len(content), mtime_ns=mtime_ns)
        kind = self._kind(item, member, content)
        self._first_of(found, member)
        self._add(member, kind, digest, steady, content=content)

    def _kind(self, item: Item, member: Member, head: bytes) -> Kind:
        if not (item.named or is_bolt(head)):
            return "file"
        if not is_bolt(head):
            self.packed.live.append(manifests.shown(member.name))
        # BoltDB never writes over what its last commit needs: a copy that
        # nobody wrote into is as good as what a power cut leaves, which it
        # is made for. One that did not rest is named as such.
        return "live"

    def _linked(self, member: Member, found: os.stat_result) -> bool:
        """Pack a second name of a file as such."""
        first = self._links.get(_identity(member, found))
        if first is None:
            return False
        linked = member._replace(type="hardlink", target=first, size=0)
        self._add(linked._replace(xattrs=()), "hardlink")
        return True

    def _first_of(self, found: os.stat_result, member: Member) -> None:
        # Never a database: each name of one is a copy of its own.
        if found.st_nlink > 1:
            self._links[_identity(member, found)] = member.name

    # -- large files -----------------------------------------------------

    def _large(self, item: Item, descriptor: int, member: Member) -> None:
        head = os.pread(descriptor, 20, 0)
        if head.startswith(SQLITE_MAGIC):
            self._ask(item, member, os.fstat(descriptor))
            return
        copy = self._staging / "large"
        extents, size, steady = copy_steady(item.path, copy)
        member = member._replace(size=size, extents=extents)
        kind = self._kind(item, member, head)
        with copy.open("rb", 0) as file:
            copy.unlink()
            self._first_of(os.fstat(descriptor), member)
            self._stream(file, member, kind, steady)

    def _stream(
        self,
        file: FileIO,
        member: Member,
        kind: Kind,
        steady: bool = True,
        rows: dict[str, int] | None = None,
    ) -> None:
        """Pack what nobody writes to any more."""
        container = self._container
        container.write(encode(member))
        if member.extents is not None:
            container.write(sparse_map(member))
        digest = hashlib.sha256()
        at = 0
        for offset, length in member.extents or ((0, member.size),):
            _hash_zeros(digest, offset - at)
            file.seek(offset)
            left = length
            while left:
                space = container.space()[: min(left, PIECE)]
                count = file.readinto(space)
                assert count, "a copy has become shorter"
                digest.update(space[:count])
                container.took(count)
                left -= count
            at = offset + length
        _hash_zeros(digest, member.size - at)
        container.write(ZEROS[: padding(member.stored)])
        self._note(member, kind, digest.hexdigest(), steady, rows)

    # -- databases -------------------------------------------------------

    def _ask(self, item: Item, member: Member, found: os.stat_result) -> None:
        if os.geteuid() not in (0, found.st_uid):
            # SQLite would leave files of ours beside it, and the
            # application could not write any more.
            raise UsenetError("backup.owner", path=item.path, uid=found.st_uid)
        if item.path not in self._held:
            self._copier.ask(item.path)
        self._asked.setdefault(item.path, []).append((item, member))

    def _databases(self, sources: Collection[str], progress: Progress) -> None:
        if not sources:
            return
        self._container.turn(databases=True)
        for source in sources:
            self._database(source)
            progress(self.packed.files)
        self._container.turn(databases=False)

    def _database(self, source: str) -> None:
        """Pack one copy of a database under each name of it."""
        names = self._asked.pop(source)
        copied = self._held.get(source) or self._next(names[0][0])
        if copied is None:
            return
        for _, member in names:
            with copied.copy.open("rb", 0) as file:
                found = member._replace(size=copied.size)
                self._stream(file, found, "database", rows=copied.rows)
        copied.copy.unlink()

    def _next(self, item: Item) -> Copied | None:
        try:
            copied = self._copier.copied(item.path)
        except UsenetError as error:
            error.facts["service"] = item.service
            raise
        if copied is None and item.named:
            raise UsenetError(
                "backup.missing-database",
                service=item.service,
                path=item.below[1:],
            )
        return copied

    # -- the lists -------------------------------------------------------

    def _add(
        self,
        member: Member,
        kind: Kind,
        sha256: str = "",
        steady: bool = True,
        content: bytes = b"",
    ) -> None:
        pad = ZEROS[: padding(len(content))]
        self._container.write(b"".join((encode(member), content, pad)))
        self._note(member, kind, sha256, steady)

    def _note(
        self,
        member: Member,
        kind: Kind,
        sha256: str,
        steady: bool,
        rows: dict[str, int] | None = None,
    ) -> None:
        packed = self.packed
        name, raw = manifests.record_name(member.name)
        line = FileRecord(name, kind, member.size, sha256, steady, raw, rows)
        separator = b",\n" if packed.files else b""
        self._listing.write(separator + manifests.encode_line(line))
        if not steady:
            packed.unsteady.append(manifests.shown(member.name))
        packed.files += 1
        if kind == "folder":
            packed.folders += 1
            self._folders.add(member.name)
        packed.databases += kind == "database"
        packed.size += member.size


def _member(
    item: Item, type: str, found: os.stat_result, descriptor: int = -1
) -> Member:
    return Member(
        os.fsencode(item.name),
        type,  # type: ignore[arg-type]
        stat.S_IMODE(found.st_mode),
        found.st_uid,
        found.st_gid,
        found.st_size if type == "file" else 0,
        found.st_mtime_ns,
        xattrs=_xattrs(descriptor) if descriptor >= 0 else (),
    )


def _identity(member: Member, found: os.stat_result) -> tuple[bytes, int, int]:
    """Return what tells a file from others of its service.

    Each service can be restored alone, and needs its files whole.
    """
    service = b"/".join(member.name.split(b"/", 2)[:2])
    return service, found.st_dev, found.st_ino


def _xattrs(where: int | str) -> tuple[tuple[bytes, bytes], ...]:
    follow = isinstance(where, int)
    try:
        names = (
            os.listxattr(where)
            if follow
            else os.listxattr(where, follow_symlinks=False)
        )
        if not names:
            return ()
        return tuple(
            (
                os.fsencode(name),
                os.getxattr(where, name, follow_symlinks=follow),
            )
            for name in names
        )
    except OSError as problem:
        if problem.errno in NO_ATTRIBUTES:
            return ()
        raise


def _hash_zeros(digest: "hashlib._Hash", count: int) -> None:
    while count:
        piece = min(count, PIECE)
        digest.update(ZEROS[:piece])
        count -= piece
