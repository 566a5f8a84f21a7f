"""One file or one folder out of a backup, as it was."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli_process import Cli
from integration.backup.test_attributes import (
    Made,
    make,
    seen,
    stack_in,
    things,
)
from integration.backup.test_hostile_archives import ESCAPES, GOOD, Pair, write
from usenet_stack.backup import BackupRequest, create_backup, extract_path
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

STATE = "recyclarr/state"


def backup_of(stack: Stack) -> Path:
    made = create_backup(stack, BackupRequest(type="full"))
    return Path(made.data["path"])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(tree=st.lists(things, max_size=25))
def test_random_trees_are_extracted_in_every_attribute(
    tree: list[Made],
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "stack")
        folder.mkdir()
        stack, top = stack_in(folder)
        make(top, tree)
        out = Path(place, "out")
        found = extract_path(stack, backup_of(stack), STATE, out)
        assert found.data["name"] == f"config/{STATE}"
        assert seen(out) == seen(top)
        assert out.stat().st_mtime_ns == top.stat().st_mtime_ns


@pytest.fixture
def small(tmp_path: Path) -> tuple[Stack, Path, Path]:
    """Return a stack, its backup, and a folder for what comes out."""
    stack, top = stack_in(tmp_path)
    (top / "a").write_text("one")
    (top / "a").chmod(0o640)
    (top / "sub").mkdir()
    os.link(top / "a", top / "sub/b")
    (top / "sub/away").symlink_to("/etc/passwd")
    out = tmp_path / "out"
    out.mkdir()
    return stack, backup_of(stack), out


@pytest.mark.parametrize(
    "spelling",
    [f"config/{STATE}/a", f"{STATE}/a", f"./{STATE}/a", f"/{STATE}/a/"],
)
def test_a_file_by_any_of_its_names(
    small: tuple[Stack, Path, Path], spelling: str
) -> None:
    stack, backup, out = small
    found = extract_path(stack, backup, spelling, out).data
    assert found["path"] == str(out / "a")
    assert (out / "a").read_text() == "one"
    assert (out / "a").stat().st_mode & 0o777 == 0o640


def test_a_file_of_the_stack_itself(small: tuple[Stack, Path, Path]) -> None:
    stack, backup, out = small
    extract_path(stack, backup, "stack.toml", out / "was.toml")
    text = (stack.folder / "stack.toml").read_text()
    assert (out / "was.toml").read_text() == text


def test_a_hard_link_without_what_it_is_linked_to(
    small: tuple[Stack, Path, Path],
) -> None:
    stack, backup, out = small
    extract_path(stack, backup, f"{STATE}/sub", out)
    assert (out / "sub/b").read_text() == "one"
    assert (out / "sub/b").stat().st_mode & 0o777 == 0o640
    extract_path(stack, backup, f"{STATE}/sub/b", out / "alone")
    assert (out / "alone").read_text() == "one"


def test_a_link_stays_a_link(small: tuple[Stack, Path, Path]) -> None:
    stack, backup, out = small
    extract_path(stack, backup, f"{STATE}/sub/away", out)
    assert (out / "away").readlink() == Path("/etc/passwd")


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        (f"{STATE}/A", [f"config/{STATE}/a"]),
        ("stack.tom", ["stack/stack.toml"]),
        ("../../etc/passwd", []),
        ("", []),
        ("nothing of the kind", []),
    ],
)
def test_what_is_not_in_it(
    small: tuple[Stack, Path, Path], wanted: str, near: list[str]
) -> None:
    stack, backup, out = small
    with pytest.raises(UsenetError) as caught:
        extract_path(stack, backup, wanted, out)
    assert caught.value.code == "backup.no-member"
    assert list(caught.value.details) == near
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(
    small: tuple[Stack, Path, Path], there: str
) -> None:
    stack, backup, out = small
    way = out / "a"
    if there == "file":
        way.write_text("mine")
    elif there == "folder":
        (way / "a").mkdir(parents=True)
    else:
        way.symlink_to(out / "nowhere")
    with pytest.raises(UsenetError) as caught:
        extract_path(stack, backup, f"{STATE}/a", out)
        extract_path(stack, backup, f"{STATE}/a", out)
    assert caught.value.code == "backup.in-the-way"
    assert [p.name for p in out.iterdir()] == ["a"]
    assert not (out / "nowhere").exists()


def test_a_target_in_no_folder(small: tuple[Stack, Path, Path]) -> None:
    stack, backup, out = small
    with pytest.raises(UsenetError) as caught:
        extract_path(stack, backup, f"{STATE}/a", out / "no/where")
    assert caught.value.code == "backup.no-folder"


def test_a_flipped_bit_anywhere_leaves_nothing(
    small: tuple[Stack, Path, Path],
) -> None:
    stack, backup, out = small
    whole = backup.read_bytes()
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        backup.write_bytes(damaged)
        with pytest.raises(UsenetError) as caught:
            extract_path(stack, backup, f"{STATE}/a", out)
        assert caught.value.code == "backup.damaged"
        assert list(out.iterdir()) == []


@pytest.mark.parametrize("pairs", ESCAPES.values(), ids=ESCAPES.keys())
def test_a_hostile_archive_writes_nothing(
    small: tuple[Stack, Path, Path], pairs: list[Pair]
) -> None:
    stack, _, out = small
    path = write(out.parent / "hostile", pairs)
    before = everything(out.parent)
    for name, _ in pairs:
        with pytest.raises(UsenetError) as caught:
            extract_path(stack, path, os.fsdecode(name.name), out)
        assert caught.value.code in ("backup.damaged", "backup.no-member")
    assert everything(out.parent) == before


def everything(folder: Path) -> dict[str, int]:
    return {
        str(path): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if path.name != "out"
    }


HUGE = 10**17


@pytest.mark.parametrize("field", ["uid", "gid"])
def test_an_owner_that_no_system_has(
    small: tuple[Stack, Path, Path], field: str
) -> None:
    stack, _, out = small
    odd, record = GOOD[1]
    pairs = [GOOD[0], (odd._replace(**{field: HUGE}), record)]
    path = write(out.parent / "hostile", pairs)
    with pytest.raises(UsenetError) as caught:
        extract_path(stack, path, "a/x", out)
    assert caught.value.code == "backup.damaged"
    assert list(out.iterdir()) == []


def test_a_dry_run_only_tells(
    small: tuple[Stack, Path, Path], tmp_path: Path
) -> None:
    stack, backup, out = small
    usenet = Cli(tmp_path)
    words = (f"--stack={stack.folder}", "backup", "extract", backup)
    ran = usenet(*words, f"{STATE}/a", "--to", out, "--dry-run")
    assert ran.rc == 0, ran
    assert str(out / "a") in ran.stdout + ran.stderr
    assert list(out.iterdir()) == []
    ran = usenet(*words, f"{STATE}/a", "--to", out)
    assert ran.rc == 0, ran
    assert ran.stdout.splitlines()[0] == str(out / "a")
