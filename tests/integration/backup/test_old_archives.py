"""Archives of the old shell tool, made as it made them: by GNU tar."""

import gzip
import io
import os
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from empty_engine import empty_engine

from usenet_stack.backup import (
    RestoreRequest,
    clean_backups,
    copy_backup,
    extract_path,
    find_backup,
    list_backups,
    open_archive,
    policy_of,
    restore_backup,
    show_backup,
    undo_restore,
    verify_backup,
)
from usenet_stack.backup.legacy import converted
from usenet_stack.backup.restoring.operations import unpack
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

NAME = "usenet-stack-backup-20250525-143022.tar.gz"
META = """{
  "version": "2.1.0",
  "created": "2025-05-25T14:30:22-04:00",
  "created_unix": 1748197822,
  "type": "full",
  "description": "before "the" upgrade",
  "filename": "usenet-stack-backup-20250525-143022.tar.gz",
  "size_human": "4.0K",
  "size_bytes": 1200,
  "hostname": "attic",
  "git_commit": "unknown",
  "services": "sonarr,overseerr"
}
"""
ROWS = 100


def live_database(path: Path) -> None:
    """Leave a database as a running service does: all in its log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name("work")
    with closing(sqlite3.connect(work)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("CREATE TABLE Series (id INTEGER PRIMARY KEY)")
        rows = ((number,) for number in range(ROWS))
        database.executemany("INSERT INTO Series VALUES (?)", rows)
        database.commit()
        path.write_bytes(work.read_bytes())
        log = path.with_name("work-wal")
        path.with_name(f"{path.name}-wal").write_bytes(log.read_bytes())
    work.unlink()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a checkout of the old tool, with its services' folders."""
    top = tmp_path / "old"
    (top / "docs").mkdir(parents=True)
    (top / ".env").write_text("KEY=secret\n")
    (top / ".env").chmod(0o600)
    (top / "docker-compose.yml").write_text("services: {}\n")
    (top / "docs/README.md").write_text("words\n")
    live_database(top / "config/sonarr/sonarr.db")
    (top / "config/sonarr/config.xml").write_text("<Config/>\n")
    (top / "config/overseerr").mkdir()
    (top / "config/overseerr/settings.json").write_text("{}\n")
    (top / "config/jackett").mkdir()
    (top / "config/jackett/Jackett.json").write_text("{}\n")
    return top


Make = Callable[..., Path]


@pytest.fixture
def make(project: Path, bare: Stack) -> Make:
    """Return what packs the checkout as the old tool did."""

    def make(
        names: Iterable[str] = (".env", "docker-compose.yml", "config/"),
        name: str = NAME,
        meta: str = META,
    ) -> Path:
        folder = bare.folder / "backups"
        folder.mkdir(exist_ok=True)
        path = folder / name
        flags = "-czf" if name.endswith(".gz") else "-cf"
        subprocess.run(["tar", flags, path, *names], cwd=project, check=True)
        if meta:
            (folder / f"{name}.meta").write_text(meta)
        return path

    return make


def test_it_is_listed_with_what_its_meta_says(make: Make, bare: Stack) -> None:
    make()
    (row,) = list_backups(bare).data["backups"]
    assert row["id"] == "20250525-143022"
    assert row["type"] == "full"
    assert row["created"] == "2025-05-25T18:30:22Z"
    assert row["description"] == 'before "the" upgrade'


@pytest.mark.parametrize(
    "meta", ["", "{", "{}", "\0" * 70_000, '{"type": "x"}']
)
def test_a_meta_that_says_nothing(make: Make, bare: Stack, meta: str) -> None:
    make(meta=meta)
    (row,) = list_backups(bare).data["backups"]
    assert row["type"] == "config"
    assert row["created"].startswith("2025-05-2")


def test_it_is_found_by_the_beginning_of_its_name(
    make: Make, bare: Stack
) -> None:
    path = make()
    assert find_backup(bare, "20250525") == path
    assert find_backup(bare, "usenet-stack-backup-2025") == path
    assert find_backup(bare, "latest") == path


def test_what_it_shows(make: Make) -> None:
    data = show_backup(make()).data
    files = {row["name"]: row for row in data["files"]}
    assert data["host"] == "attic"
    assert [s["name"] for s in data["services"]] == ["seerr", "sonarr"]
    assert files["config/sonarr/sonarr.db"]["rows"] == {"Series": ROWS}
    assert files["config/sonarr/sonarr.db"]["kind"] == "database"
    assert "config/sonarr/sonarr.db-wal" not in files
    assert "config/seerr/settings.json" in files
    assert "stack/old-tool/.env" in files
    assert "stack/old-tool/config/jackett/Jackett.json" in files
    assert any("jackett" in remark for remark in data["remarks"])


def test_it_is_verified_and_its_databases_are_complete(
    make: Make, bare: Stack, tmp_path: Path
) -> None:
    path = make()
    assert verify_backup(path).data["databases"] == 1
    out = tmp_path / "out.db"
    extract_path(bare, path, "sonarr/sonarr.db", out)
    with closing(sqlite3.connect(out)) as database:
        (count,) = database.execute("SELECT count(*) FROM Series").fetchone()
    assert count == ROWS


def test_settings_keep_their_mode(
    make: Make, bare: Stack, tmp_path: Path
) -> None:
    extract_path(bare, make(), "stack/old-tool/.env", tmp_path / "env")
    assert (tmp_path / "env").read_text() == "KEY=secret\n"
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "names",
    [
        ("./config", ".env"),
        ("config/sonarr/config.xml", ".env"),
        ("docs/README.md", "./docs/README.md", "docs/", "config/"),
        (".",),
    ],
    ids=["dots", "no folders", "named twice", "all of it"],
)
@pytest.mark.parametrize("name", [NAME, NAME.removesuffix(".gz")])
def test_the_lists_that_it_made(
    make: Make, names: tuple[str, ...], name: str
) -> None:
    path = make(names, name)
    assert verify_backup(path).ok


def test_long_names_and_large_numbers(make: Make, project: Path) -> None:
    deep = project / "config/sonarr" / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / "file").write_text("deep")
    (deep / "link").symlink_to("x" * 150)
    os.utime(deep / "file", (0, 10**10))
    with converted(make()) as plain, open_archive(plain) as archive:
        found = {entry.member.name: entry.member for entry in archive.members()}
    below = f"config/sonarr/{'d' * 120}/{'e' * 120}".encode()
    assert found[below + b"/link"].target == b"x" * 150
    assert found[below + b"/file"].mtime_ns == 10**19


def test_it_is_restored_to_who_owns_the_stack_now(
    make: Make, project: Path, bare: Stack, tmp_path: Path
) -> None:
    for path in (project / "config/sonarr", *project.glob("config/sonarr/*")):
        os.chown(path, 4321, 4322)
    (project / ".env").write_text("PUID=4321\nPGID=4322\n")
    top = tmp_path / "staged"
    stager = unpack(bare, make(), {"sonarr": top}, "")
    ours = (bare.settings.stack.puid, bare.settings.stack.pgid)
    for path in (top, top / "config.xml", top / "sonarr.db"):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == ours
    assert "4321:4322" in stager.mapped[0]


def test_it_is_restored_in_place_and_undone(
    make: Make, bare: Stack, tmp_path: Path
) -> None:
    sonarr = bare.config_root / "sonarr"
    sonarr.mkdir(parents=True)
    (sonarr / "config.xml").write_text("<Config>today's</Config>\n")
    with empty_engine(tmp_path):
        restore_backup(bare, RestoreRequest(make()))
        with closing(sqlite3.connect(sonarr / "sonarr.db")) as database:
            counted = database.execute("SELECT count(*) FROM Series")
            assert counted.fetchone() == (ROWS,)
        assert "today" not in (sonarr / "config.xml").read_text()
        # What was Overseerr's is its successor's.
        assert (bare.config_root / "seerr/settings.json").exists()
        undone = undo_restore(bare)
    assert [path.name for path in sonarr.iterdir()] == ["config.xml"]
    assert "today" in (sonarr / "config.xml").read_text()
    # There was nothing: it is no loss that its files stay.
    assert (bare.config_root / "seerr/settings.json").exists()
    assert any("seerr had no files" in text for _, text in undone.messages)


def test_a_torn_database_is_named_and_nothing_else_is_lost(
    make: Make, project: Path, bare: Stack, tmp_path: Path
) -> None:
    path = project / "config/sonarr/sonarr.db"
    path.with_name("sonarr.db-wal").unlink()
    path.write_bytes(path.read_bytes()[:100] + bytes(4000))
    backup = make()
    with pytest.raises(UsenetError) as caught:
        verify_backup(backup)
    assert caught.value.code == "backup.damaged"
    assert "sonarr.db" in caught.value.why
    assert any("torn" in r for r in show_backup(backup).data["remarks"])
    extract_path(bare, backup, "sonarr/config.xml", tmp_path)
    assert (tmp_path / "config.xml").read_text() == "<Config/>\n"


def test_a_service_under_both_of_its_names(make: Make, project: Path) -> None:
    (project / "config/seerr").mkdir()
    (project / "config/seerr/settings.json").write_text("new\n")
    files = [row["name"] for row in show_backup(make()).data["files"]]
    assert "config/seerr/settings.json" in files
    assert "stack/old-tool/config/overseerr/settings.json" in files


def test_it_is_never_cleaned_away_and_can_be_copied(
    make: Make, bare: Stack, tmp_path: Path
) -> None:
    path = make()
    cleaned = clean_backups(bare, policy_of(bare, {"last": 0, "daily": 0}))
    assert cleaned.data["removed"] == []
    copied = copy_backup(bare, path, str(tmp_path / "elsewhere"))
    assert Path(copied.data["path"]).read_bytes() == path.read_bytes()


# -- hostile ones ----------------------------------------------------------


def tar(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    format = tarfile.GNU_FORMAT
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def info(
    name: str, type: bytes = tarfile.REGTYPE, **more: object
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = type
    for key, value in more.items():
        setattr(found, key, value)
    return found


def link(
    name: str, target: str, type: bytes = tarfile.SYMTYPE
) -> tarfile.TarInfo:
    return info(name, type, linkname=target)


def header(name: bytes, kind: bytes, size: int) -> bytes:
    """Return a header with any size, also one that is a lie."""
    raw = bytearray(info("x").tobuf(tarfile.GNU_FORMAT)[:512])
    raw[:100] = name.ljust(100, b"\0")
    raw[124:136] = (
        b"%011o\0" % size
        if size < 8**11
        else (b"\x80" + size.to_bytes(11, "big"))
    )
    raw[156:157] = kind
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


END = bytes(1024)
FOLDER = info("config/a", tarfile.DIRTYPE)
HOSTILE: dict[str, bytes] = {
    "absolute": tar(info("/etc/x")),
    "dots": tar(info("config/../../x")),
    "dots in front": tar(info("../x")),
    "folder of dots": tar(info("..", tarfile.DIRTYPE)),
    "below a link": tar(link("config/a", "/etc"), info("config/a/x")),
    "root as a link": tar(link("config", "/etc")),
    "root as a link, then below": tar(link("config", "/"), info("config/x")),
    "link over a folder": tar(info("config/a/x"), link("config/a", "/etc")),
    "folder over a link": tar(link("config/a", "/etc"), FOLDER),
    "file over a link": tar(link("config/a", "/etc"), info("config/a")),
    "below a file": tar(info("config/a"), info("config/a/x")),
    "hard link outside": tar(link("config/h", "/etc/passwd", tarfile.LNKTYPE)),
    "hard link upwards": tar(link("config/h", "../../x", tarfile.LNKTYPE)),
    "hard link to nothing": tar(link("config/h", "config/x", tarfile.LNKTYPE)),
    "hard link to a link": tar(
        link("config/l", "/etc/passwd"),
        link("config/h", "config/l", tarfile.LNKTYPE),
    ),
    "hard link to a folder": tar(
        FOLDER, link("config/h", "config/a", tarfile.LNKTYPE)
    ),
    "block device": tar(info("config/d", tarfile.BLKTYPE)),
    "character device": tar(info("config/d", tarfile.CHRTYPE)),
    "pipe": tar(info("config/p", tarfile.FIFOTYPE)),
    "setuid": tar(info("config/x", mode=0o4755)),
    "setgid": tar(info("config/x", mode=0o2755)),
    "two contents": tar(info("config/x", size=1), content=b"a")[:1024]
    + tar(info("config/x", size=1), content=b"b"),
    "name too long": tar(info("config/" + "n" * 256)),
    "path too long": tar(info("config" + "/nnnnnnn" * 600)),
    "name in a header of 10 GB": header(b"x", b"L", 10 * 1024**3) + END,
    "attributes of 10 GB": header(b"x", b"x", 10 * 1024**3) + END,
    "size beyond all disks": header(b"config/x", b"0", 2**80) + END,
    "folder with content": header(b"config/a/", b"5", 512) + bytes(512) + END,
    "global header": header(b"x", b"g", 0) + END,
    "sparse of another form": header(b"config/x", b"S", 0) + END,
    "several volumes": header(b"config/x", b"M", 0) + END,
    "unknown type": header(b"config/x", b"Z", 0) + END,
    "no end": tar(FOLDER)[:512],
    "half a header": tar(FOLDER)[:300],
    "something behind": tar(FOLDER) + b"more",
    "text": b"this is no archive at all\n" * 100,
    "nothing": b"",
}


def refused(folder: Path, content: bytes, name: str = NAME) -> None:
    """Assert that an archive is refused, and nothing is left of it."""
    path = folder / name
    path.write_bytes(content)
    place = folder / "place"
    place.mkdir()
    with pytest.raises(UsenetError) as caught, converted(path, place) as plain:
        verify_backup(plain)
    assert caught.value.code == "backup.damaged"
    assert list(place.iterdir()) == []
    assert {p.name for p in folder.iterdir()} == {name, "place"}
    place.rmdir()


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_a_hostile_one_is_refused(
    tmp_path: Path, content: bytes, zipped: bool
) -> None:
    refused(tmp_path, gzip.compress(content) if zipped else content)


def test_a_bomb_stops_long_before_the_disk_is_full(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    size = 10 * 1024**3
    zeros = bytes(16 * 1024**2)
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(header(b"config/zeros", b"0", size))
        for _ in range(16):  # it says 10 GB; the first members count
            file.write(zeros)
    refused(tmp_path, buffer.getvalue())


def test_a_million_members_are_too_many(tmp_path: Path) -> None:
    one = header(b"config/a/", b"5", 0)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(one * 10_000)
        file.write(END)
    refused(tmp_path, buffer.getvalue())


def test_cut_off_anywhere(make: Make, project: Path, tmp_path: Path) -> None:
    (project / "config/sonarr/noise").write_bytes(os.urandom(100_000))
    whole = make().read_bytes()
    place = tmp_path / "cut"
    place.mkdir()
    for length in (*range(0, len(whole), 4096), len(whole) - 1):
        refused(place, whole[:length])
        (place / NAME).unlink()


def test_every_byte_of_the_headers_counts(tmp_path: Path) -> None:
    whole = tar(FOLDER, info("config/a/x", size=7), content=b"content")
    for place in range(1024):
        damaged = bytearray(whole)
        damaged[place] ^= 0x15
        refused(tmp_path, bytes(damaged))
