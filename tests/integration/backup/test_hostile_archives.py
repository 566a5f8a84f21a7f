"""Archives that somebody else wrote: what is not ours is damage."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from usenet_stack.backup import open_archive, verify_backup
from usenet_stack.backup.container import Container
from usenet_stack.backup.manifest import (
    FileRecord,
    Manifest,
    encode_line,
    head_and_tail,
    record_name,
)
from usenet_stack.backup.members import Member, encode, padding
from usenet_stack.errors import UsenetError

CONTENT = b"content"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
Pair = tuple[Member, FileRecord]


def folder(name: bytes) -> Pair:
    return Member(name, "folder", 0o755), FileRecord(*named(name, "folder"))


def named(name: bytes, kind: str) -> tuple[str, str]:
    return record_name(name)[0], kind


def file(name: bytes, **more: object) -> Pair:
    member = Member(name, "file", size=len(CONTENT))._replace(**more)
    text, raw = record_name(name)
    record = FileRecord(text, "file", len(CONTENT), SHA256, raw=raw)
    return member, record


def link(name: bytes, target: bytes, type: str = "link") -> Pair:
    member = Member(name, type, target=target)  # type: ignore[arg-type]
    return member, FileRecord(*named(name, type))


def packed(member: Member) -> bytes:
    content = CONTENT if member.type == "file" else b""
    return encode(member) + content + bytes(padding(len(content)))


def write(
    path: Path,
    pairs: Iterable[Pair],
    body: bytes | None = None,
    **claims: object,
) -> Path:
    """Write an archive whose seal and manifest are right."""
    pairs = list(pairs)
    size = sum(member.size for member, _ in pairs)
    facts: dict[str, object] = {"files": len(pairs), "size": size}
    manifest = Manifest(
        **{  # type: ignore[arg-type]
            "tool": "0",
            "type": "config",
            "created": "2026-01-01T00:00:00Z",
            "host": "h",
            "stack": "s",
            **facts,
            **claims,
        }
    )
    front, back = head_and_tail(manifest)
    lines = b",\n".join(encode_line(record) for _, record in pairs)
    listing = front + lines + back
    head = Member(b"manifest.json", "file", size=len(listing))
    container = Container(path, "zstd", 4096)
    if body is None:
        body = b"".join(packed(member) for member, _ in pairs) + bytes(1024)
    container.write(body)
    pad = bytes(padding(len(listing)))
    container.finish(iter([encode(head), listing, pad]))
    container.close()
    return path


GOOD = [folder(b"config/a"), file(b"config/a/x"), link(b"config/a/l", b"/etc")]


def test_the_model_of_the_others_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a", GOOD)
    assert verify_backup(path).data["files"] == 2


A = folder(b"config/a")
ESCAPES: dict[str, list[Pair]] = {
    "absolute": [file(b"/etc/x")],
    "dots": [file(b"config/../../x")],
    "dots at the end": [A, folder(b"config/a/..")],
    "dot": [A, file(b"config/a/./x")],
    "empty part": [A, file(b"config/a//x")],
    "empty name": [file(b"")],
    "root itself": [folder(b"config")],
    "root as a link": [link(b"config", b"/etc"), file(b"config/x")],
    "other root": [file(b"elsewhere")],
    "file below a link": [
        A,
        link(b"config/a/l", b"/etc"),
        file(b"config/a/l/x"),
    ],
    "link over a folder": [A, link(b"config/a", b"/etc")],
    "file below a file": [A, file(b"config/a/x"), file(b"config/a/x/y")],
    "no folder above": [file(b"config/a/x")],
    "folder after its file": [file(b"config/a/x"), A],
    "duplicate": [A, file(b"config/a/x"), file(b"config/a/x")],
    "hard link outside": [A, link(b"config/a/h", b"/etc/passwd", "hardlink")],
    "hard link upwards": [A, link(b"config/a/h", b"../x", "hardlink")],
    "hard link to a link": [
        A,
        link(b"config/a/l", b"/etc/passwd"),
        link(b"config/a/h", b"config/a/l", "hardlink"),
    ],
    "hard link to a folder": [A, link(b"config/a/h", b"config/a", "hardlink")],
    "hard link to itself": [A, link(b"config/a/h", b"config/a/h", "hardlink")],
    "setuid": [A, file(b"config/a/x", mode=0o4755)],
    "setgid": [A, file(b"config/a/x", mode=0o2755)],
    "part too long": [A, file(b"config/a/" + b"n" * 256)],
    "name too long": [A, file(b"config/a" + b"/nnnnnnn" * 600)],
}


@pytest.mark.parametrize("pairs", ESCAPES.values(), ids=ESCAPES.keys())
def test_what_would_escape_is_refused(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    refused(write(tmp_path / "a", pairs))


def refused(path: Path) -> None:
    with pytest.raises(UsenetError) as caught:
        verify_backup(path)
    assert caught.value.code == "backup.damaged"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def foreign(type: bytes, **more: object) -> bytes:
    info = tarfile.TarInfo("config/a/x")
    info.type = type
    for name, value in more.items():
        setattr(info, name, value)
    # Only GNU's has room for what we never write.
    gnu = type == tarfile.REGTYPE
    return info.tobuf(tarfile.GNU_FORMAT if gnu else tarfile.USTAR_FORMAT)


BODY = b"".join(packed(member) for member, _ in GOOD[:2])
END = bytes(1024)
WRONG: dict[str, bytes] = {
    "block device": packed(A[0]) + foreign(tarfile.BLKTYPE) + END,
    "character device": packed(A[0]) + foreign(tarfile.CHRTYPE) + END,
    "pipe": packed(A[0]) + foreign(tarfile.FIFOTYPE) + END,
    "GNU long name": packed(A[0])
    + foreign(tarfile.REGTYPE, name="config/a/" + "x" * 200)
    + END,
    "no end": BODY,
    "cut off": BODY[:-600],
    "more than the manifest": BODY + packed(file(b"config/a/y")[0]) + END,
    "less than the manifest": packed(A[0]) + END,
    "something behind": BODY + END + b"more" + bytes(508),
    "another content": BODY.replace(b"content", b"CONTENT") + END,
    "another name": BODY.replace(b"config/a/x", b"config/a/y") + END,
    "mode too large": BODY.replace(b"0000644", b"7777644") + END,
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_another_body_is_refused(tmp_path: Path, body: bytes) -> None:
    refused(write(tmp_path / "a", GOOD[:2], body))


def test_every_byte_of_a_header_counts(tmp_path: Path) -> None:
    whole = BODY + END
    for place in range(1024):  # the folder's header, and the file's
        body = bytearray(whole)
        body[place] ^= 0x15
        refused(write(tmp_path / "a", GOOD[:2], bytes(body)))
        (tmp_path / "a").unlink()


@pytest.mark.parametrize(
    "claims",
    [{"files": 3}, {"size": 1}, {"databases": 1}, {"format": 99}],
    ids=str,
)
def test_a_manifest_that_lies(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    refused(write(tmp_path / "a", GOOD[:2], **claims))


def test_what_is_no_archive_at_all(tmp_path: Path) -> None:
    makers: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"x" * 5000,
        lambda: os.urandom(100_000),
        plain_tar,
    ]
    for make in makers:
        (tmp_path / "a").write_bytes(make())
        refused(tmp_path / "a")


def plain_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    return buffer.getvalue()


def test_a_bomb_stops_at_what_its_manifest_says(tmp_path: Path) -> None:
    huge = 10 * 1024**3
    member = Member(b"config/a/x", "file", size=huge)
    record = FileRecord("config/a/x", "file", huge, SHA256)
    body = packed(A[0]) + encode(member) + bytes(64 * 1024**2)
    path = write(tmp_path / "a", [A, (member, record)], body, size=len(CONTENT))
    assert path.stat().st_size < 20_000
    refused(path)


def test_nothing_comes_out_before_it_is_admitted(tmp_path: Path) -> None:
    path = write(tmp_path / "a", ESCAPES["file below a link"])
    seen = []
    with pytest.raises(UsenetError), open_archive(path) as archive:
        for entry in archive.members():
            seen.append(entry.member.name)
    assert seen == [b"config/a", b"config/a/l"]
