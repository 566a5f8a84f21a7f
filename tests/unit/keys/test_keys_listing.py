"""What the list says without any application that answers."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.keys import list_keys
from usenet_stack.render.keys import show_keys
from usenet_stack.render.screen import Screen
from usenet_stack.stack.model import load_stack

DEPLOYED = "2026-01-02T03:04:05Z"


@pytest.fixture
def rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, Any]]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "stack.toml").write_text('[stack]\nname = "home"\n')
    (tmp_path / ".env").write_text(f"SONARR_API_KEY={'a1' * 16}\n")
    (tmp_path / ".usenet").mkdir()
    line = {
        "at": DEPLOYED,
        "command": "deploy",
        "plan": ["generate 9 secrets in .env"],
        "outcome": "committed",
    }
    (tmp_path / ".usenet/audit.jsonl").write_text(json.dumps(line))
    found = list_keys(load_stack(tmp_path), 0.2).data["keys"]
    return {row["service"]: row for row in found}


def test_only_a_key_that_is_there_has_an_age(
    rows: dict[str, dict[str, Any]],
) -> None:
    assert rows["sonarr"]["changed_at"] == DEPLOYED
    for name in ("radarr", "jellyfin", "portainer", "audiobookshelf"):
        assert rows[name]["changed_at"] is None, name


def test_a_key_that_is_missing_has_its_fix(
    rows: dict[str, dict[str, Any]],
    tmp_path: Path,
) -> None:
    fix = f"usenet deploy --stack {tmp_path} --services radarr   (makes it)"
    assert rows["radarr"]["fix"] == fix
    assert rows["portainer"]["fix"] == rows["jellyfin"]["fix"] == ""
    wanted = {name: rows[name] for name in ("sonarr", "radarr", "portainer")}
    stream = StringIO()
    show_keys({"keys": [*wanted.values()]}, Screen(stream, 80))
    said = stream.getvalue()
    assert "1 key: 0 accepted" in said
    assert "radarr: .env has no key for it\n  fix: usenet deploy" in said
    assert "portainer:" not in said
