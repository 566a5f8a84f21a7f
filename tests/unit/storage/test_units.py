"""The systemd unit of a pool, also of a stack with an odd name."""

import shutil
from pathlib import Path

import pytest

from usenet_stack.stack.model import load_stack
from usenet_stack.storage.units import (
    plan_unit,
    unit_name,
    unit_text,
    verify_unit,
)
from usenet_stack.transaction import open_session


def text_of(folder: Path, name: str = "default") -> str:
    folder.mkdir(parents=True)
    (folder / "stack.toml").write_text(f"[stack]\nname = {name!r}\n")
    return unit_text(load_stack(folder), "/bin/true")


def test_it_comes_before_docker(tmp_path: Path) -> None:
    text = text_of(tmp_path / "stack")
    assert "Before=docker.service" in text
    assert f"RequiresMountsFor={tmp_path}/stack" in text
    command = next(line for line in text.splitlines() if "ExecStart" in line)
    assert command == (
        "ExecStart=/bin/true storage apply --yes --quiet "
        f"--stack {tmp_path}/stack"
    )


@pytest.mark.parametrize("name", ["plain", "a b", "50%", 'q"uote', "d$llar"])
def test_systemd_takes_it_whatever_the_folder_is_called(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    text = text_of(folder, "odd name")
    stack = load_stack(folder)
    assert verify_unit(unit_name(stack), text) in ("", None)
    assert unit_name(stack).endswith("-pool.service")


def test_it_is_written_where_systemd_looks(tmp_path: Path) -> None:
    text_of(tmp_path / "stack")
    stack = load_stack(tmp_path / "stack")
    folder = tmp_path / "units"
    folder.mkdir()
    plan = plan_unit(stack, folder)
    with open_session(stack.folder, "storage apply") as session:
        session.run(plan)
    path = folder / unit_name(stack)
    assert path.read_text() == unit_text(stack)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_unit_that_systemd_refuses_is_found_out() -> None:
    if shutil.which("systemd-analyze") is None:
        assert verify_unit("x.service", "") is None
        return
    wrong = "[Service]\nType=nonsense\nExecStart=/no/such/program\n"
    assert verify_unit("wrong.service", wrong)
