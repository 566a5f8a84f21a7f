"""A stack made of a backup, where there is none."""

import json
import os
from pathlib import Path

import pytest

from usenet_stack.backup import (
    RestoreRequest,
    create_backup,
    plan_rebuild,
    rebuild_stack,
)
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text


@pytest.fixture
def lost(tmp_path: Path) -> Stack:
    folder = tmp_path / "lost"
    recyclarr = folder / "config/recyclarr"
    recyclarr.mkdir(parents=True)
    (recyclarr / "recyclarr.yml").write_text("mine")
    (folder / "stack.toml").write_text(new_settings_text(NewStack("rebuilt")))
    (folder / ".env").write_text("SONARR_API_KEY=secret\n")
    (folder / ".env").chmod(0o600)
    (folder / "services.d").mkdir()
    (folder / ".usenet").mkdir()
    (folder / ".usenet/pool.json").write_text(json.dumps({"id": "one"}))
    return load_stack(folder)


def packed(stack: Stack) -> Path:
    return Path(create_backup(stack).data["path"])


def contents(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != ".usenet")


def test_all_of_it(lost: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "made/of/it"
    found = rebuild_stack(RestoreRequest(packed(lost)), folder)
    assert found.data["services"] == ["recyclarr"]
    assert found.data["path"] == str(folder)
    made = load_stack(folder)
    assert made.settings == lost.settings
    assert (folder / "config/recyclarr/recyclarr.yml").read_text() == "mine"
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / ".usenet/pool.json").read_text()) == {
        "id": "one"
    }
    assert contents(folder) == [".env", "config", "services.d", "stack.toml"]
    with pytest.raises(UsenetError) as caught:
        plan_rebuild(RestoreRequest(packed(lost)), folder)
    assert caught.value.code == "backup.in-the-way"


def test_a_damaged_one_makes_none(lost: Stack, tmp_path: Path) -> None:
    noise = os.urandom(4 * 1024 * 1024)
    (lost.folder / "config/recyclarr/noise").write_bytes(noise)
    path, folder = packed(lost), tmp_path / "made"
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[-200] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(UsenetError) as caught:
        rebuild_stack(RestoreRequest(path), folder)
    assert caught.value.code == "transaction.rolled-back"
    assert contents(folder) == []
    path.write_bytes(whole)
    assert rebuild_stack(RestoreRequest(path), folder).ok


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("/srv/elsewhere", "backup.config-elsewhere"),
        ("../beside", "backup.config-elsewhere"),
        ("a/../..", "backup.config-elsewhere"),
    ],
)
def test_settings_outside_of_the_stack(
    lost: Stack, tmp_path: Path, config: str, code: str
) -> None:
    toml = lost.folder / "stack.toml"
    toml.write_text(f'[stack]\nname = "out"\n[paths]\nconfig = "{config}"\n')
    (lost.config_root / "recyclarr").mkdir(parents=True, exist_ok=True)
    path = packed(load_stack(lost.folder))
    folder = tmp_path / "made"
    with pytest.raises(UsenetError) as caught:
        rebuild_stack(RestoreRequest(path), folder)
    assert caught.value.code == "transaction.rolled-back"
    assert code == getattr(caught.value.__cause__, "code", "")
    assert contents(folder) == []
