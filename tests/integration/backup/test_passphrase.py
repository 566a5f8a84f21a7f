"""Backups that a passphrase opens: ours, and those of others."""

import io
import re
from pathlib import Path

import pexpect
import pyrage
import pytest

from cli_process import COMMAND, Cli
from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    create_backup,
    show_backup,
    verify_backup,
)
from usenet_stack.backup.encryption import asks_for_passphrase, encrypt
from usenet_stack.backup.note import note_path
from usenet_stack.backup.passphrase import TYPED
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack

PHRASE = "correct horse battery staple"


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(f"{PHRASE}\n")
    return path


def sealed(stack: Stack, phrase: Path) -> Path:
    made = create_backup(stack, BackupRequest(passphrase_file=phrase))
    return Path(made.data["path"])


def test_a_passphrase_opens_it_and_no_other(
    bare: Stack, phrase: Path, tmp_path: Path
) -> None:
    path = sealed(bare, phrase)
    assert path.name.endswith(".age")
    assert asks_for_passphrase(path)
    assert verify_backup(path).data["opened"] is False
    assert verify_backup(path, phrase).data["opened"] is True
    assert show_backup(path, identity=phrase).data["files"]
    other = tmp_path / "other"
    other.write_text("correct horse battery stable")
    with pytest.raises(UsenetError) as caught:
        verify_backup(path, other)
    assert caught.value.code == "backup.locked-up"
    assert "another passphrase" in caught.value.why


def test_others_read_ours(bare: Stack, phrase: Path) -> None:
    path = sealed(bare, phrase)
    plain = pyrage.passphrase.decrypt(path.read_bytes(), PHRASE)
    assert plain.startswith(b"\x28\xb5\x2f\xfd")  # zstd


def test_we_read_what_others_wrote(
    bare: Stack, phrase: Path, tmp_path: Path
) -> None:
    plain = Path(create_backup(bare).data["path"])
    theirs = tmp_path / f"{plain.name}.age"
    content = plain.read_bytes()
    theirs.write_bytes(pyrage.passphrase.encrypt(content, PHRASE))
    assert verify_backup(theirs, phrase).data["opened"] is True


def test_every_byte_of_the_header_counts(bare: Stack, phrase: Path) -> None:
    path = sealed(bare, phrase)
    note_path(path).unlink()
    whole = path.read_bytes()
    end = whole.index(b"\n", whole.index(b"\n---") + 1) + 1
    # Neither a salt nor the work, which would be that of many gigabytes.
    for place in (*range(0, 21, 4), 25, 30, 45, 60, 90, end - 9, end - 2):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(UsenetError) as caught:
            verify_backup(path, phrase)
        assert caught.value.code in ("backup.damaged", "backup.locked-up")
    for length in (0, 10, 40, end - 1, end, end + 8, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UsenetError) as caught:
            verify_backup(path, phrase)
        assert caught.value.code in ("backup.damaged", "backup.locked-up")


def test_a_header_that_asks_for_all_memory_is_refused(
    bare: Stack, phrase: Path
) -> None:
    path = sealed(bare, phrase)
    note_path(path).unlink()
    content = re.sub(rb"(-> scrypt \S+) 16", rb"\1 40", path.read_bytes())
    path.write_bytes(content)
    with pytest.raises(UsenetError) as caught:
        verify_backup(path, phrase)
    assert "more work" in caught.value.why


def test_a_large_one_is_never_held_in_memory() -> None:
    class Endless(io.RawIOBase):
        left = 400

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return bytes(min(size, 65536)) if self.left > 0 else b""

    class Counted(io.RawIOBase):
        most = total = 0

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.most = max(self.most, len(content))
            self.total += len(content)
            return len(content)

    target = Counted()
    encrypt(Endless(), target, (), PHRASE)  # type: ignore[arg-type]
    assert target.total > 3_000_000
    assert target.most < 1_000_000


def test_what_is_no_passphrase(bare: Stack, tmp_path: Path) -> None:
    short, empty = tmp_path / "short", tmp_path / "empty"
    short.write_text("seven77")
    empty.write_text("\nsecond line")
    for path in (short, empty, tmp_path / "absent", tmp_path):
        with pytest.raises(UsenetError) as caught:
            sealed(bare, path)
        assert caught.value.code == "backup.passphrase"
        assert "seven77" not in str(caught.value.as_dict())
    with pytest.raises(UsenetError) as caught:
        create_backup(bare, BackupRequest(passphrase=True))
    assert caught.value.code == "backup.no-recipient"
    assert all_backups(bare) == []


def test_stack_toml_names_the_passphrase(bare: Stack, phrase: Path) -> None:
    with (bare.folder / "stack.toml").open("a") as file:
        file.write(f'\n[backup]\npassphrase_file = "{phrase}"\n')
    stack = load_stack(bare.folder)
    made = create_backup(stack, BackupRequest(encrypt=True))
    assert made.data["encrypted"] is True
    assert verify_backup(Path(made.data["path"]), phrase).ok


def test_typed_at_the_terminal_and_told_to_nobody(
    usenet: Cli, bare: Stack
) -> None:
    there = ["--stack", str(bare.folder)]

    def typing(words: list[str], *answers: str) -> tuple[str, int]:
        child = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], *words, *there],
            env=usenet.environment(),  # type: ignore[arg-type]
            encoding="utf-8",
            timeout=60,
        )
        said = ""
        for answer in answers:
            child.expect(": ")
            said += child.before + child.after
            child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        return said + child.before, child.exitstatus or 0

    create = ["backup", "create", "--passphrase"]
    said, code = typing(create, PHRASE, "another one")
    assert code == 2 and "another" in said
    said, code = typing(create, PHRASE, PHRASE)
    assert code == 0, said
    assert PHRASE not in said
    (path,) = all_backups(bare)
    said, code = typing(["backup", "verify", "latest"], PHRASE)
    assert code == 0 and "whole" in said, said
    for place in bare.folder.rglob("*"):
        if place.is_file():
            assert PHRASE.encode() not in place.read_bytes(), place
    assert path.name.endswith(".age")
    assert TYPED.get() == ""


def test_nobody_to_ask(usenet: Cli, bare: Stack) -> None:
    there = ("--stack", str(bare.folder))
    ran = usenet("backup", "create", "--passphrase", *there)
    assert ran.rc == 2, ran
    assert "no terminal" in ran.stderr
