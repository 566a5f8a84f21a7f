"""Archives that somebody else wrote, restored: all refused, nothing lost."""

import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from empty_engine import empty_engine
from test_hostile_archives import (
    END,
    ESCAPES,
    GOOD,
    SHA256,
    WRONG,
    Pair,
    file,
    folder,
    link,
    packed,
    plain_tar,
    write,
)

from usenet_stack.backup import RestoreRequest, create_backup, restore_backup
from usenet_stack.backup.manifest import (
    FileRecord,
    ServiceFacts,
    record_name,
)
from usenet_stack.backup.members import Member, encode
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

SERVICE = "recyclarr"
# What the archives call the folder of a service, and as long a real name.
THEIRS, OURS = b"config/a", b"config/recyclarr"
HOSTILE_EXIT = (1, 13)
Seen = dict[str, tuple[object, ...]]


class Victim(NamedTuple):
    """A stack that is to be restored, and what must not be reached."""

    stack: Stack
    place: Path

    @property
    def outside(self) -> bytes:
        """A folder that hostile archives aim at, in the place of /etc."""
        return os.fsencode(self.place / "outside")


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    place = tmp_path / "all"
    live = place / "stack/config" / SERVICE
    live.mkdir(parents=True)
    (live / "recyclarr.yml").write_text("live: true\n")
    (place / "outside").mkdir()
    (place / "outside/passwd").write_text("root\n")
    (place / "archives").mkdir()
    (place / "stack/.usenet").mkdir(mode=0o700)
    text = new_settings_text(NewStack("hostile", puid=0, pgid=0))
    (place / "stack/stack.toml").write_text(text)
    with empty_engine(tmp_path):
        yield Victim(load_stack(place / "stack"), place)


def seen(victim: Victim) -> Seen:
    """Return all that is there, but for the journal and the archives."""
    found: Seen = {}
    state = victim.stack.state_path
    archives = victim.place / "archives"
    for path in sorted(victim.place.rglob("*")):
        noted = state in path.parents and not path.match("restore-*")
        if noted or path == archives or archives in path.parents:
            continue
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        told = (status.st_ino, status.st_mode, status.st_uid)
        found[str(path)] = (*told, content)
    return found


def aimed(pairs: Iterable[Pair], victim: Victim) -> list[Pair]:
    """Return members of a service of the stack, aimed at the victim."""

    def moved(name: bytes) -> bytes:
        return name.replace(b"/etc", victim.outside).replace(THEIRS, OURS)

    found = []
    for member, record in pairs:
        name = moved(member.name)
        text, raw = record_name(name)
        found.append(
            (
                member._replace(name=name, target=moved(member.target)),
                msgspec.structs.replace(record, name=text, raw=raw),
            )
        )
    return found


def archive(
    victim: Victim,
    pairs: Iterable[Pair],
    body: bytes | None = None,
    **claims: object,
) -> Path:
    """Write an archive of which a restore believes the first words."""
    facts = {"services": (ServiceFacts(SERVICE),), **claims}
    path = victim.place / "archives/a"
    path.unlink(missing_ok=True)
    return write(path, pairs, body, **facts)


def refused(victim: Victim, path: Path) -> str:
    """Restore in vain, in place and elsewhere; return why."""
    before, reasons = seen(victim), []
    for to in (None, victim.place / "looked"):
        request = RestoreRequest(path, to=to)
        with pytest.raises(UsenetError) as caught:
            restore_backup(victim.stack, request)
        error = caught.value
        assert error.exit_code in HOSTILE_EXIT
        if error.code == "transaction.rolled-back":
            assert isinstance(error.__cause__, UsenetError)
            error = error.__cause__
        assert error.code == "backup.damaged", error
        assert seen(victim) == before
        reasons.append(error.why)
    assert reasons[0] == reasons[1]
    return reasons[0]


# Why something is not let out, each for a reason of its own.
CONFINED = (
    "is no name that a member can have",
    "does not lie in a folder",
    "is in it twice",
    "is linked to what is not in it",
    "would run as another user",
)
BELOW = [folder(THEIRS), file(THEIRS + b"/good.yml")]


def test_the_model_of_the_others_is_restored(victim: Victim) -> None:
    pairs = aimed([*BELOW, *GOOD[1:]], victim)
    done = restore_backup(victim.stack, RestoreRequest(archive(victim, pairs)))
    assert done.data["services"] == [SERVICE]
    live = victim.stack.config_root / SERVICE
    names = sorted(path.name for path in live.iterdir())
    assert names == ["good.yml", "l", "x"]
    assert os.fsencode((live / "l").readlink()) == victim.outside


@pytest.mark.parametrize("name", ESCAPES)
def test_what_would_escape_is_refused(victim: Victim, name: str) -> None:
    hostile = ESCAPES[name]
    begun = bool(hostile) and hostile[0] == BELOW[0]
    pairs = [*BELOW, *hostile[begun:]]
    if name in ("no folder above", "folder after its file"):
        # A folder of the service above them would make them good.
        pairs = hostile
    why = refused(victim, archive(victim, aimed(pairs, victim)))
    assert any(told in why for told in CONFINED), why


@pytest.mark.parametrize(
    "top", [link(THEIRS, b"/etc"), file(THEIRS)], ids=["link", "file"]
)
def test_a_service_that_is_no_folder(victim: Victim, top: Pair) -> None:
    why = refused(victim, archive(victim, aimed([top], victim)))
    assert why == "config/recyclarr is no folder."


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_another_body_is_refused(victim: Victim, body: bytes) -> None:
    # It says the members of a service where the body has others.
    refused(victim, archive(victim, aimed(GOOD[:2], victim), renamed(body)))


def renamed(body: bytes) -> bytes:
    """Return a body whose plain members are those of the service.

    One that is damaged already stays so: only headers that hold are made
    anew.
    """
    for member, _ in GOOD[:2]:
        ours = member._replace(name=member.name.replace(THEIRS, OURS))
        body = body.replace(encode(member), encode(ours))
    return body


@pytest.mark.parametrize(
    "type",
    [
        *(tarfile.BLKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE),
        *(tarfile.CONTTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.AREGTYPE),
        *(tarfile.GNUTYPE_SPARSE, tarfile.XGLTYPE),
    ],
)
def test_what_is_neither_file_nor_folder_nor_link(
    victim: Victim, type: bytes
) -> None:
    pairs = aimed(GOOD[:2], victim)
    info = tarfile.TarInfo("config/recyclarr/x")
    info.type, info.devmajor, info.devminor = type, 1, 3
    # All else of the header is as it should be, its sum included.
    body = packed(pairs[0][0]) + info.tobuf(tarfile.USTAR_FORMAT) + END
    why = refused(victim, archive(victim, pairs, body))
    assert "it holds a member of the type" in why


@pytest.mark.parametrize(
    "other",
    [{"name": OURS + b"/y"}, {"mode": 0o100755}, {"size": 6}],
    ids=["name", "mode", "size"],
)
def test_a_member_that_is_another_one(
    victim: Victim, other: dict[str, object]
) -> None:
    pairs = aimed(GOOD[:2], victim)
    head, member = pairs[0][0], pairs[1][0]._replace(**other)  # type: ignore[arg-type]
    body = packed(head) + packed(member) + END
    refused(victim, archive(victim, pairs, body))


def whole_body(victim: Victim) -> tuple[list[Pair], bytes]:
    pairs = aimed(GOOD[:2], victim)
    return pairs, b"".join(packed(member) for member, _ in pairs) + END


def test_every_byte_of_a_header_counts(victim: Victim) -> None:
    pairs, whole = whole_body(victim)
    request = RestoreRequest(archive(victim, pairs, whole))
    before = seen(victim)
    for place in range(1024):  # the folder's header, and the file's
        body = bytearray(whole)
        body[place] ^= 0x15
        archive(victim, pairs, bytes(body))
        with pytest.raises(UsenetError) as caught:
            restore_backup(victim.stack, request)
        cause = caught.value.__cause__
        assert isinstance(cause, UsenetError)
        assert cause.code == "backup.damaged"
        assert seen(victim) == before


@pytest.mark.parametrize(
    "claims",
    [{"files": 3}, {"size": 1}, {"databases": 1}, {"format": 99}],
    ids=str,
)
def test_a_manifest_that_lies(victim: Victim, claims: dict[str, Any]) -> None:
    refused(victim, archive(victim, aimed(GOOD[:2], victim), **claims))


@pytest.mark.parametrize(
    "make",
    [lambda: b"", lambda: b"x" * 5000, lambda: os.urandom(99_999), plain_tar],
    ids=["empty", "text", "noise", "plain tar"],
)
def test_what_is_no_archive_at_all(
    victim: Victim, make: Callable[[], bytes]
) -> None:
    path = victim.place / "archives/a"
    path.write_bytes(make())
    refused(victim, path)


def test_a_bomb_stops_at_what_its_manifest_says(victim: Victim) -> None:
    huge = 10 * 1024**3
    member = Member(OURS + b"/x", "file", size=huge)
    record = FileRecord("config/recyclarr/x", "file", huge, SHA256)
    first = aimed(GOOD[:1], victim)
    body = packed(first[0][0]) + encode(member) + bytes(64 * 1024**2)
    path = archive(victim, [*first, (member, record)], body, size=7)
    assert "larger than its manifest" in refused(victim, path)


def test_a_backup_that_is_cut_off_or_changed_anywhere(victim: Victim) -> None:
    live = victim.stack.config_root / SERVICE
    (live / "noise").write_bytes(os.urandom(150_000))
    made = create_backup(victim.stack).data["path"]
    content = Path(made).read_bytes()
    assert len(content) > 150_000
    (live / "since").write_text("it stays\n")
    path = victim.place / "archives/a"
    for place in range(0, len(content), 4096):
        path.write_bytes(content[:place])
        refused(victim, path)
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        refused(victim, path)
