"""kill -9 at every call of a copy to a remote, rclone's own included.

A remote then has the whole copy with its note, or nothing of it.
"""

import os
import select
from itertools import count
from pathlib import Path

import pytest
from struck_runs import struck_runs

from cli_process import Cli
from usenet_stack.backup import create_backup, verify_backup
from usenet_stack.backup.note import note_path, read_note
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

# Keeps its remotes as folders. It can kill who called it for the n-th time,
# before, during or after its work; it goes on with that when it may.
RCLONE = """#!/bin/sh
root={root}
strike() {{
    [ "$1$(wc -l <$root/calls)" = "$STRIKE" ] || return 0
    echo $$ >>$root/survivors
    kill -9 $PPID
    for turn in $(seq 100); do [ -e $root/go ] || sleep 0.05; done
}}
copyto() {{
    mkdir -p "$(dirname "$root/$2")"
    size=$(wc -c <"$1")
    head -c $((size / 2)) "$1" >"$root/$2"
    strike during
    cp "$1" "$root/$2"
}}
cat() {{ command cat "$root/$1"; }}
lsf() {{ [ -e "$root/$1" ] && basename "$1" || return 3; }}
deletefile() {{ rm "$root/$1"; }}
echo "$1" >>$root/calls
strike before
"$@"
status=$?
strike after
exit $status
"""
COPIES = ["backup", "copy", "latest", "rclone:box:backups"]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    text = new_settings_text(NewStack("struckremote"))
    (folder / "stack.toml").write_text(text)
    found = load_stack(folder)
    create_backup(found)
    return found


@pytest.fixture
def remotes(tmp_path: Path) -> Path:
    folder = tmp_path / "remotes"
    folder.mkdir()
    return folder


@pytest.fixture
def cli(usenet: Cli, tmp_path: Path, remotes: Path) -> Cli:
    program = tmp_path / "bin/rclone"
    program.parent.mkdir()
    program.write_text(RCLONE.format(root=remotes))
    program.chmod(0o755)
    path = usenet.environment()["PATH"]
    return Cli(usenet.home, {"PATH": f"{program.parent}:{path}"})


def held(remotes: Path, source: Path) -> bool:
    """Tell whether the copy is there; fail if only a part of it is."""
    folder = remotes / "box:backups"
    found = sorted(folder.iterdir()) if folder.exists() else []
    if not found:
        return False
    copy = folder / source.name
    assert found == [copy, note_path(copy)]
    assert copy.read_bytes() == source.read_bytes()
    assert read_note(copy).manifest == read_note(source).manifest
    for path in found:
        path.unlink()
    return True


def source_of(stack: Stack) -> Path:
    (source,) = (stack.folder / "backups").glob("*.zst")
    assert verify_backup(source).ok
    return source


def test_every_call_of_ours(cli: Cli, stack: Stack, remotes: Path) -> None:
    there = f"--stack={stack.folder}"
    seen = []
    for _number in struck_runs(cli, there, COPIES):
        seen.append(held(remotes, source_of(stack)))
    assert held(remotes, source_of(stack))
    assert seen == sorted(seen)
    assert len(seen) > 10
    assert set(seen) == {False, True}


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_every_call_of_rclone(
    cli: Cli, stack: Stack, remotes: Path, when: str
) -> None:
    there = f"--stack={stack.folder}"
    source = source_of(stack)
    survivors, calls, go = (
        remotes / name for name in ("survivors", "calls", "go")
    )
    for number in count(1):
        for path in (survivors, calls, go):
            path.unlink(missing_ok=True)
        copied = cli(*COPIES, there, env={"STRIKE": f"{when}{number}"})
        if not survivors.exists():
            assert copied.rc == 0, copied
            break
        assert copied.rc == -9, copied
        calls.unlink()
        # The recovery is killed as well, wherever it calls rclone.
        struck = {"STRIKE": f"{when}{1 + number % 4}"}
        cli("journal", "recover", there, env=struck)
        recovered = cli("journal", "recover", there)
        assert recovered.rc == 0, recovered
        # What goes on now would bring back what was removed.
        go.touch()
        for pid in survivors.read_text().split():
            until_gone(int(pid))
        assert not held(remotes, source)
    assert held(remotes, source)
    assert number > 2 - (when == "during")


def until_gone(number: int) -> None:
    """Wait for a process of somebody else's to end."""
    try:
        handle = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        select.select([handle], [], [], 10)
    finally:
        os.close(handle)
