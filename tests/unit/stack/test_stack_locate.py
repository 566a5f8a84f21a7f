"""Which stack a command means."""

import os
from pathlib import Path

import pytest

from usenet_stack.errors import Exit, UsenetError
from usenet_stack.stack.locate import (
    default_folder,
    find_stack,
    known_stacks,
    register_stack,
    sandbox_folder,
    trusts,
)


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.toml").write_text("")
    return folder


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home)}


def test_the_folder_upward_is_found(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    stack = make(tmp_path / "a stäck")
    below = stack / "config" / "sonarr"
    below.mkdir(parents=True)
    assert find_stack(None, below, environ) == (stack, "folder", True)


def test_each_way_beats_the_next(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    option = make(tmp_path / "option")
    named = make(tmp_path / "environment")
    here = make(tmp_path / "here")
    default = make(default_folder(environ))
    sandbox = make(sandbox_folder(environ))
    environ["USENET_STACK"] = str(named)
    found = [find_stack(option, here, environ)]
    found.append(find_stack(None, here, environ))
    del environ["USENET_STACK"]
    found.append(find_stack(None, here, environ))
    found.append(find_stack(None, tmp_path, environ))
    (default / "stack.toml").unlink()
    found.append(find_stack(None, tmp_path, environ))
    assert [(f.folder, f.origin) for f in found] == [
        (option, "option"),
        (named, "environment"),
        (here, "folder"),
        (default, "default"),
        (sandbox, "sandbox"),
    ]


def test_only_the_only_stack_is_alone(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    sandbox = make(sandbox_folder(environ))
    assert find_stack(None, tmp_path, environ).alone
    other = make(tmp_path / "other")
    assert not find_stack(other, tmp_path, environ).alone
    (sandbox / "stack.toml").unlink()
    assert find_stack(other, tmp_path, environ).alone


def test_nothing_found_exits_10(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(UsenetError) as caught:
        find_stack(None, tmp_path, environ)
    assert caught.value.exit_code is Exit.NO_STACK
    assert str(tmp_path) in caught.value.why


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_named_folder_without_a_stack_is_no_guess(
    how: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    make(default_folder(environ))
    option = tmp_path / "no" if how == "option" else None
    environ |= {} if option else {"USENET_STACK": "no"}
    with pytest.raises(UsenetError) as caught:
        find_stack(option, tmp_path, environ)
    assert str(tmp_path / "no") in caught.value.why


def test_the_file_itself_may_be_named(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    stack = make(tmp_path / "s")
    found = find_stack(Path("s/stack.toml"), tmp_path, environ)
    assert found.folder == stack


def test_a_relative_xdg_folder_is_ignored(environ: dict[str, str]) -> None:
    environ["XDG_DATA_HOME"] = "relative"
    wanted = Path(environ["HOME"]) / ".local/share/usenet/stacks/default"
    assert default_folder(environ) == wanted


def test_registered_stacks_are_remembered_once(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    stack = make(tmp_path / "ü b")
    register_stack(stack, environ)
    register_stack(stack, environ)
    gone = make(tmp_path / "gone")
    register_stack(gone, environ)
    (gone / "stack.toml").unlink()
    sandbox = make(sandbox_folder(environ))
    register_stack(sandbox, environ)
    assert known_stacks(environ) == tuple(sorted((sandbox, stack)))
    listed = (sandbox.parent.parent / "stacks.list").read_text()
    assert listed == f"{stack}\n{gone}\n"


def test_a_line_break_in_a_path_cannot_forge_a_stack(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    register_stack(make(tmp_path / "a\n"), environ)
    assert known_stacks(environ) == ()


def test_root_and_the_user_themselves_are_trusted() -> None:
    me = os.geteuid()
    assert trusts(me, {}) and trusts(0, {})
    assert not trusts(me + 4321, {})
    assert trusts(me + 4321, {"SUDO_UID": str(me + 4321)})
    assert not trusts(me + 4321, {"SUDO_UID": "me"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_stack_of_a_stranger_is_refused_but_can_be_named(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    stack = make(tmp_path / "theirs")
    os.chown(stack / "stack.toml", 4321, -1)
    with pytest.raises(UsenetError) as caught:
        find_stack(None, stack, environ)
    assert caught.value.code == "stack.foreign"
    assert f"--stack {stack}" in caught.value.hint
    assert find_stack(stack, tmp_path, environ).origin == "option"
    environ["SUDO_UID"] = "4321"
    assert find_stack(None, stack, environ).origin == "folder"
