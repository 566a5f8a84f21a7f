"""Bring along what a backup does not hold, in two goes.

While the services still run, what can be made anew (logs, covers, caches) is
linked: that costs neither room nor time, and an application replaces such
files or adds to them. When nobody writes any more, all else is copied: with
`--only` or a minimal backup the databases, and in any case databases among
what can be made anew, such as `logs.db`. A link would let the new one write
into the old folder, which the undo needs as it was.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from usenet_stack.backup.restoring.staging import Scope
from usenet_stack.backup.rules import is_dropped
from usenet_stack.backup.selection import SIDE_FILES, SQLITE_MAGIC
from usenet_stack.stack.service import POSTGRES_DUMP


def link(live: Path, staged: Path, scope: Scope) -> list[str]:
    """Link what can be made anew and the backup does not hold.

    Returns: databases that are to be copied later, below the live folder.
    Raises:
        OSError: something cannot be read.
    Effects: none on the live folder, whose application may go on writing.
    """
    linker = _Linker(live, staged, scope)
    if live.is_dir():
        linker.folder("")
    return linker.later


def carry(live: Path, staged: Path, scope: Scope) -> None:
    """Copy all that the restore is not about and is not there yet.

    Raises:
        OSError: something cannot be read, or there is no room.
    Effects: files are copied with owner, mode, times and attributes; the
        live folder is only read. Nobody may write to it.
    """
    if live.is_dir():
        _Copier(live, staged, scope).folder("")


def copy_databases(live: Path, staged: Path, paths: Iterable[str]) -> bool:
    """Copy databases that `link` left, with their logs; tell if there is one.

    Nobody may write to them.
    """
    found = False
    for below in paths:
        for path in (below, *(below + ending for ending in SIDE_FILES)):
            source = f"{live}{path}"
            with suppress(FileNotFoundError):
                _copy(source, f"{staged}{path}", os.lstat(source))
                found = True
    return found


class _Carrier:
    """Walks through a folder that is live and one that is to be."""

    def __init__(self, live: Path, staged: Path, scope: Scope) -> None:
        self.live, self.staged, self.scope = live, staged, scope
        postgres = scope.rules.backup.postgres
        dump = staged / postgres.dump / POSTGRES_DUMP if postgres else None
        # An empty server makes itself anew from it.
        self.has_dump = dump is not None and dump.exists()

    def folder(self, below: str) -> None:
        times = Path(f"{self.staged}{below}").stat()
        with os.scandir(f"{self.live}{below}") as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            with suppress(FileNotFoundError):  # a log that was turned over
                self._entry(f"{below}/{entry.name}", entry)
        os.utime(
            f"{self.staged}{below}", ns=(times.st_atime_ns, times.st_mtime_ns)
        )

    def _entry(self, path: str, entry: os.DirEntry[str]) -> None:
        if self.has_dump and self.scope.rules.is_dumped(path):
            return
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            self._folder(path, status)
        elif self.wants(path):
            self.take(path, status)

    def _folder(self, path: str, status: os.stat_result) -> None:
        """Make a folder as it was, unless nothing would be in it."""
        target = Path(f"{self.staged}{path}")
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            return
        made = not target.exists()
        if made:
            target.mkdir(mode=0o700)
        self.folder(path)
        if made and self.is_wanted(path, target):
            _adorn(f"{self.live}{path}", str(target), status)
        elif made:
            target.rmdir()

    def is_wanted(self, path: str, target: Path) -> bool:
        """Tell whether a folder is to stay that the backup does not have."""
        if any(target.iterdir()):
            return True
        return not self.scope.covers(path)  # else it came after the backup

    def wants(self, path: str) -> bool:
        """Tell whether a file is taken from the live folder."""
        if os.path.lexists(f"{self.staged}{path}"):
            return False
        return not self._is_beside(path) and not self.scope.covers(path)

    def _is_beside(self, path: str) -> bool:
        # A database beside another one's log would be corrupted.
        return any(
            path.endswith(ending)
            and self.scope.covers(path.removesuffix(ending), "database")
            and os.path.lexists(f"{self.staged}{path.removesuffix(ending)}")
            for ending in SIDE_FILES
        )

    def take(self, path: str, status: os.stat_result) -> None:
        raise NotImplementedError


class _Copier(_Carrier):
    def __init__(self, live: Path, staged: Path, scope: Scope) -> None:
        super().__init__(live, staged, scope)
        self.links: dict[tuple[int, int], str] = {}

    def take(self, path: str, status: os.stat_result) -> None:
        source, target = f"{self.live}{path}", f"{self.staged}{path}"
        key = (status.st_dev, status.st_ino)
        if key in self.links:
            os.link(self.links[key], target)
            return
        _copy(source, target, status)
        if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
            self.links[key] = target


class _Linker(_Carrier):
    def __init__(self, live: Path, staged: Path, scope: Scope) -> None:
        super().__init__(live, staged, scope)
        self.later: list[str] = []

    def is_wanted(self, path: str, target: Path) -> bool:
        return any(target.iterdir()) or self._is_regenerable(path)

    def wants(self, path: str) -> bool:
        return self._is_regenerable(path) and super().wants(path)

    def _is_regenerable(self, path: str) -> bool:
        backup = self.scope.rules.backup
        dumped = self.scope.rules.is_dumped(path)
        return not dumped and is_dropped(path, backup)

    def take(self, path: str, status: os.stat_result) -> None:
        source, target = f"{self.live}{path}", f"{self.staged}{path}"
        if not stat.S_ISREG(status.st_mode):
            _copy(source, target, status)
        elif _is_sqlite(source):
            self.later.append(path)
        elif not _is_log_of_database(source):
            _link(source, target, status)


def _is_sqlite(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123 (one of very many)
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _is_log_of_database(path: str) -> bool:
    return any(
        path.endswith(ending) and Path(path.removesuffix(ending)).exists()
        for ending in SIDE_FILES
    )


def _link(source: str, target: str, status: os.stat_result) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        # No links here, too many of them, or not for this user.
        _copy(source, target, status)


def _copy(source: str, target: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        Path(target).symlink_to(Path(source).readlink())
    elif stat.S_ISREG(status.st_mode):
        shutil.copyfile(source, target)
    else:
        return  # a socket or a pipe is its program's to make
    _adorn(source, target, status)


def _adorn(source: str, target: str, status: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
