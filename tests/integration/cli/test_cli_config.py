"""`usenet config` on a real folder."""

import os
from pathlib import Path

import pexpect
import pytest

from cli_process import COMMAND, Cli


def test_set_keeps_comments_and_is_journalled(usenet: Cli, stack: Path) -> None:
    file = stack / "stack.toml"
    before = file.read_text()
    ran = usenet("config", "set", "stack.timezone", "Europe/Berlin")
    assert ran.rc == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == (
        "stack.timezone: Etc/UTC -> Europe/Berlin"
    )
    assert usenet("config", "get", "stack.timezone").stdout == (
        "Europe/Berlin\n"
    )
    comments = [x for x in before.splitlines() if x.startswith("#")]
    after = file.read_text().splitlines()
    assert comments and all(line in after for line in comments)
    journals = usenet("journal", "list", "--format", "json").json
    (journal,) = journals["data"]["journals"]
    assert journal["command"] == "config set"
    assert journal["outcome"] == "committed"


def test_set_again_changes_nothing(usenet: Cli, stack: Path) -> None:
    ran = usenet("config", "set", "stack.timezone", "Etc/UTC")
    assert ran.rc == 0
    assert "already" in ran.stdout
    journals = usenet("journal", "list", "--format", "json").json
    assert journals["data"]["journals"] == []


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    usenet: Cli, stack: Path
) -> None:
    file = stack / "stack.toml"
    before = file.read_text()
    ran = usenet("-n", "config", "set", "stack.bind", "0.0.0.0")
    assert ran.rc == 0
    assert " ".join(ran.stdout.split()) == (
        f"1. write {file} why: you set stack.bind "
        "1 step planned; nothing was changed."
    )
    assert file.read_text() == before
    assert not (stack / ".usenet").exists()
    rows = usenet(
        "-n", "--format=json", "config", "set", "stack.bind", "0.0.0.0"
    ).json["data"]["plan"]
    assert rows == [{"operation": f"write {file}", "why": "you set stack.bind"}]


@pytest.mark.parametrize(
    ("key", "value"),
    [("stack.timezon", "x"), ("stack.puid", "me"), ("services.enable", "plx")],
)
def test_a_wrong_setting_changes_nothing(
    usenet: Cli, stack: Path, key: str, value: str
) -> None:
    before = (stack / "stack.toml").read_text()
    ran = usenet("config", "set", key, value)
    assert ran.rc != 0
    assert "error:" in ran.stderr and "fix:" in ran.stderr
    assert (stack / "stack.toml").read_text() == before


def test_validate_names_the_line(usenet: Cli, stack: Path) -> None:
    assert usenet("config", "validate").rc == 0
    with (stack / "stack.toml").open("a") as file:
        file.write("\n[pool]\nlayout = 5\n")
    ran = usenet("config", "validate")
    assert ran.rc != 0
    assert "stack.toml" in ran.stderr


def editor(folder: Path, script: str) -> dict[str, str]:
    """An editor that is a shell script; $1 is the file."""
    path = folder / "editor with space.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"EDITOR": f"'{path}'", "TERM": "dumb"}


def edit(usenet: Cli, environ: dict[str, str]) -> tuple[int | None, str]:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "config", "edit"],
        env=usenet.environment(environ),
        cwd=str(usenet.home),
        timeout=20,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus, str(child.before)


def test_edit_keeps_a_valid_change(
    usenet: Cli, stack: Path, tmp_path: Path
) -> None:
    os.environ.pop("VISUAL", None)
    change = editor(tmp_path, "sed -i 's|Etc/UTC|Asia/Tokyo|' \"$1\"")
    code, shown = edit(usenet, change)
    assert code == 0, shown
    assert 'timezone = "Asia/Tokyo"' in (stack / "stack.toml").read_text()


@pytest.mark.parametrize("script", ["echo '[[' >> \"$1\"", "exit 3"])
def test_edit_refuses_what_is_not_valid(
    usenet: Cli, stack: Path, tmp_path: Path, script: str
) -> None:
    before = (stack / "stack.toml").read_text()
    code, shown = edit(usenet, editor(tmp_path, script))
    assert code == 1
    assert "fix:" in shown
    assert (stack / "stack.toml").read_text() == before


def test_edit_without_a_terminal_names_the_other_way(
    usenet: Cli, stack: Path
) -> None:
    ran = usenet("config", "edit")
    assert ran.rc == 2
    assert "fix: usenet config set KEY VALUE" in ran.stderr
