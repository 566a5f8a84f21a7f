"""The model of `stack.toml`: what a user can decide about a stack."""

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from usenet_stack.errors import UsenetError
from usenet_stack.stack.checks import Problem, allowed_words, convert
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.stack.service import MEDIA_TYPES, Identity, Number
from usenet_stack.stack.toml_lines import key_lines, line_of, syntax_error

Share = Annotated[float, Meta(gt=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Megabytes = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class StackTable(_Table, frozen=True):
    """[stack]: what it is called, who owns its files, who may reach it.

    Args:
        puid, pgid, umask: owner and permissions of what the services write.
        bind: the address of this machine on which all ports are opened.
        hosts: further names and addresses that browsers use for it.
    """

    name: Annotated[str, Meta(min_length=1, max_length=60)] = "default"
    sandbox: bool = False
    profile: str = "balanced"
    timezone: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+/-]+$")] = "Etc/UTC"
    puid: Identity = 1000
    pgid: Identity = 1000
    umask: Annotated[str, Meta(pattern="^0?[0-7]{3}$")] = "002"
    bind: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()


class ServicesTable(_Table, frozen=True):
    """[services]: on beyond the default set, and off.

    Args:
        network: the service whose network another one uses instead of one
            of its own, such as {"transmission": "gluetun"}.
    """

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    network: dict[str, str] = {}


class PathsTable(_Table, frozen=True):
    """[paths]: relative ones are below the stack's folder.

    Args:
        config: each service's own files.
        data: the one folder that all services share as /data.
        cache: what can be lost.
        downloads: below `data`.
    """

    config: Annotated[str, Meta(min_length=1)] = "config"
    data: Annotated[str, Meta(min_length=1)] = "data"
    cache: Annotated[str, Meta(min_length=1)] = "cache"
    downloads: Annotated[str, Meta(min_length=1)] = "downloads"


FolderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._ -]*$")]


class PoolTable(_Table, frozen=True):
    """[pool]: where media drives appear, below `paths.data`.

    Args:
        layout: separate: each drive is a root folder of its own; union: one
            folder over all drives.
        create: on which drive of a union a new file goes (mergerfs).
        tv, movies, music, books, comics: the folder of each media type, on
            every drive and in the pool itself.
    """

    path: Annotated[str, Meta(min_length=1)] = "media"
    layout: Literal["separate", "union"] = "separate"
    create: Literal[
        "mfs", "epmfs", "ff", "epff", "lfs", "eplfs", "lus", "eplus",
        "pfrd", "eppfrd", "rand", "eprand", "msplfs", "mspmfs",
    ] = "mfs"  # fmt: skip
    tv: FolderName = "tv"
    movies: FolderName = "movies"
    music: FolderName = "music"
    books: FolderName = "books"
    comics: FolderName = "comics"


class WeightTable(_Table, frozen=True):
    """The share of the machine that one service may take; 0..1."""

    cpus: Share | None = None
    memory: Share | None = None


class ProfileTable(_Table, frozen=True):
    """[profiles.NAME]: a profile of the user's own."""

    heavy: WeightTable = WeightTable()
    normal: WeightTable = WeightTable()
    light: WeightTable = WeightTable()


class BackupLimitTable(_Table, frozen=True):
    """[backup.limit]: MiB that a backup may hold before it is packed.

    A backup that would hold more is refused, with what makes it so large.
    """

    minimal: Megabytes = 50
    config: Megabytes = 2_000
    full: Megabytes = 20_000


class BackupKeepTable(_Table, frozen=True):
    """[backup.keep]: which backups `backup clean` leaves.

    Args:
        last: that many of the newest.
        hourly, daily, weekly, monthly, yearly: the newest of each of that
            many hours, days, ISO weeks, months and years that have one.
        older_than_days: what is older goes, whatever the others say; 0:
            nothing goes for its age alone.
        min_free: GiB; the oldest go until so much is free; 0: none does.
    """

    last: Count = 3
    hourly: Count = 0
    daily: Count = 7
    weekly: Count = 4
    monthly: Count = 6
    yearly: Count = 0
    older_than_days: Count = 0
    min_free: Count = 0


class BackupTable(_Table, frozen=True):
    """[backup]: where backups go and how they are written.

    Args:
        folder: relative ones are below the stack's folder.
        type: what a backup holds unless told otherwise.
        compression: of new backups.
        recipients: age or ssh public keys; `--encrypt` encrypts to them.
        passphrase_file: where the passphrase stands for `--encrypt` without
            recipients; relative ones are below the stack's folder.
        busy_seconds: how long a database may stay locked before its service
            is stopped for the copy.
        keep_restores: how many restores `backup undo` can take back; each
            keeps the folders that it replaced.
        notice: whom a scheduled backup tells: an address to post to, such as
            "https://ntfy.example/box", or a command that reads the text.
        notice_when: only of failures, or always.
    """

    folder: Annotated[str, Meta(min_length=1)] = "backups"
    type: Literal["minimal", "config", "full"] = "config"
    compression: Literal["zstd", "gzip"] = "zstd"
    recipients: tuple[str, ...] = ()
    passphrase_file: str = ""
    busy_seconds: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    keep_restores: Annotated[int, Meta(ge=1, le=100)] = 3
    notice: str = ""
    notice_when: Literal["failure", "always"] = "failure"
    limit: BackupLimitTable = BackupLimitTable()
    keep: BackupKeepTable = BackupKeepTable()


class Settings(_Table, frozen=True):
    """The whole of `stack.toml`."""

    stack: StackTable = StackTable()
    services: ServicesTable = ServicesTable()
    paths: PathsTable = PathsTable()
    pool: PoolTable = PoolTable()
    backup: BackupTable = BackupTable()
    ports: dict[str, Number | dict[str, Number]] = {}
    profiles: dict[str, ProfileTable] = {}


def load_settings(folder: Path) -> Settings:
    """Read and check the `stack.toml` of a stack.

    Raises:
        UsenetError: stack.not-found; settings.invalid with file, line, key
            and reason.
    """
    path = folder / STACK_FILE
    return parse_settings(read_settings_text(folder), path)


def read_settings_text(folder: Path) -> str:
    """Return the text of `stack.toml`.

    Raises:
        UsenetError: stack.not-found, file.denied, settings.invalid.
    """
    path = folder / STACK_FILE
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError) as why:
        raise UsenetError(
            "stack.not-found", why=f"{folder} holds no {STACK_FILE}."
        ) from why
    except PermissionError as why:
        raise UsenetError(
            "file.denied", path=path, folder=folder, why=str(why)
        ) from why
    except UnicodeDecodeError as why:
        raise _invalid(path, [f"{path}:1: is not UTF-8 text"]) from why


def parse_settings(text: str, path: Path) -> Settings:
    """Return the settings in `text`; `path` is only named in errors.

    Raises:
        UsenetError: settings.invalid with file, line, key and reason.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, reason = syntax_error(error, text)
        raise _invalid(path, [f"{path}:{line}: {reason}"]) from error
    found = check_settings(raw)
    if isinstance(found, Settings):
        return found
    lines = key_lines(text)
    faults = [
        f"{path}:{line_of(lines, problem.path) or 1}: "
        f"{problem.key}: {problem.reason}"
        for problem in found
    ]
    raise _invalid(path, faults)


def check_settings(raw: dict[str, Any]) -> Settings | list[Problem]:
    """Return the settings that `raw` describes, or all that is wrong."""
    made = convert(raw, Settings)
    if isinstance(made, Problem):
        words = allowed_words(Settings, made.path)
        if words and "allowed words" in made.reason:
            made = made._replace(reason=f"{made.reason}: {', '.join(words)}")
        return [made]
    return list(_problems(made)) or made


def _problems(settings: Settings) -> Iterator[Problem]:
    stack = settings.stack
    if not _is_address(stack.bind):
        yield Problem(("stack", "bind"), f"{stack.bind!r} is no IP address")
    if not stack.name.isprintable() or "/" in stack.name:
        yield Problem(("stack", "name"), "must be plain text without /")
    for index, host in enumerate(stack.hosts):
        if not re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", host):
            yield Problem(
                ("stack", "hosts", index), f"{host!r} is no host name"
            )
    for path in (("paths", "downloads"), ("pool", "path")):
        value = getattr(getattr(settings, path[0]), path[1])
        if not _below(value):
            yield Problem(
                path,
                "must be a folder inside paths.data, such as "
                f"{path[1] if path[0] == 'paths' else 'media'!r}, so that "
                "hard links work",
            )
    for name in ("config", "data", "cache"):
        if getattr(settings.paths, name).startswith("~"):
            yield Problem(("paths", name), "write the whole path instead of ~")
    yield from _twice_named(settings.pool)
    both = set(settings.services.enable) & set(settings.services.disable)
    for name in sorted(both):
        yield Problem(("services", "disable"), f"{name!r} is enabled as well")


def _twice_named(pool: PoolTable) -> Iterator[Problem]:
    names = [getattr(pool, kind) for kind in MEDIA_TYPES]
    for kind, name in zip(MEDIA_TYPES, names, strict=True):
        if names.count(name) > 1:
            yield Problem(("pool", kind), f"{name!r} is there twice")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _below(path: str) -> bool:
    pure = PurePosixPath(path)
    return (
        not pure.is_absolute()
        and ".." not in pure.parts
        and pure != PurePosixPath()
    )


def _invalid(path: Path, faults: list[str]) -> UsenetError:
    more = len(faults) - 1
    return UsenetError(
        "settings.invalid",
        fault=faults[0],
        more=f" (and {more} more)" if more else "",
        file=path,
        details=tuple(faults),
    )
