"""When the last look at a stack counts, and when it does not."""

import fcntl
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.services import snapshot
from usenet_stack.services.snapshot import (
    Snapshot,
    keep,
    part,
    read_snapshot,
    recall,
    snapshot_path,
    stamps,
)
from usenet_stack.transaction import Plan, Session, Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders
from usenet_stack.transaction.observer import SILENT
from usenet_stack.transaction.session import HEALTH_CACHE

ENVIRON: dict[str, str] = {}


def row(name: str, group: str, state: str = "ready") -> dict[str, Any]:
    return {
        "name": name,
        "group": group,
        "state": state,
        "memory_bytes": 100,
        "cpu_percent": 1.5,
        "drives": ["films"],
    }


ROWS = [
    row("jellyfin", "media"),
    row("sonarr", "automation", "down"),
    row("recyclarr", "automation", "timer"),
]
DATA = {
    "services": ROWS,
    "groups": [
        {"name": "media", "services": 1, "healthy": 1},
        {"name": "automation", "services": 2, "healthy": 1},
    ],
    "totals": snapshot.totals(ROWS),
    "checked_at": "2026-01-02T03:04:05Z",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".usenet/journal").mkdir(parents=True)
    (tmp_path / ".usenet/lock").touch()
    for name in ("stack.toml", ".env", "compose.yaml"):
        (tmp_path / name).write_text("one")
    return tmp_path


def kept(folder: Path, *, ago: float = 0.0, deadline: float = 5.0) -> None:
    now = time.time() - ago
    keep(folder, Snapshot(stamps(folder, ENVIRON), deadline, now, [], DATA))


def known(folder: Path, deadline: float = 5.0) -> dict[str, Any] | None:
    return recall(folder, deadline, ENVIRON)


def test_it_counts_for_half_a_minute(folder: Path) -> None:
    assert known(folder) is None
    kept(folder, ago=12)
    found = known(folder)
    assert found is not None
    assert found.pop("age_seconds") == pytest.approx(12, abs=1)
    assert found == DATA


@pytest.mark.parametrize("ago", [30.5, 4000, -5])
def test_it_is_not_too_old_and_not_of_the_future(
    folder: Path, ago: float
) -> None:
    kept(folder, ago=ago)
    assert known(folder) is None
    # The readings in it still serve the next look.
    assert read_snapshot(folder, ENVIRON) is not None


def test_a_look_that_gave_less_time_does_not_count(folder: Path) -> None:
    kept(folder, deadline=1)
    assert known(folder, 5) is None
    assert known(folder, 1) is not None


def test_only_its_owner_can_read_it(folder: Path) -> None:
    kept(folder)
    mode = snapshot_path(folder).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert [*(folder / ".usenet").glob(".*.tmp")] == []


def edit(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("two!")

    return change


CHANGES = {
    "stack.toml": edit("stack.toml"),
    ".env": edit(".env"),
    "compose.yaml": edit("compose.yaml"),
    "override": edit("compose.override.yaml"),
    "services.d": edit("services.d/own.toml"),
    "drives": edit(".usenet/pool.json"),
    "journal": edit(".usenet/journal/20260102.jsonl"),
    "audit": edit(".usenet/audit.jsonl"),
    "gone": lambda folder: (folder / ".env").unlink(),
    "same text": lambda folder: (folder / ".env").replace(
        folder / "stack.toml"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_of_the_stack_makes_it_stale(
    folder: Path, change: Callable[[Path], None]
) -> None:
    kept(folder)
    assert known(folder) is not None
    change(folder)
    assert known(folder) is None


def test_an_edited_file_of_the_user_makes_it_stale(folder: Path) -> None:
    edit("services.d/own.toml")(folder)
    kept(folder)
    assert known(folder) is not None
    (folder / "services.d/own.toml").write_text("three")
    assert known(folder) is None


def test_another_engine_makes_it_stale(folder: Path) -> None:
    kept(folder)
    assert recall(folder, 5, {"DOCKER_HOST": "unix:///other"}) is None


def test_a_change_while_it_looked_makes_it_stale(folder: Path) -> None:
    before = stamps(folder, ENVIRON)
    edit("compose.yaml")(folder)
    keep(folder, Snapshot(before, 5, time.time(), [], DATA))
    assert known(folder) is None


def test_a_plan_forgets_it_before_and_after(folder: Path) -> None:
    seen: list[bool] = []

    class Looking(type(SILENT)):  # type: ignore[misc]
        def step_started(self, *_: object) -> None:
            seen.append(snapshot_path(folder).exists())
            kept(folder)  # as another command would, without the lock

    made = MakeFolders((MakeFolder(folder / "new", 0o755, -1, -1),))
    kept(folder)
    Session(folder, Looking()).run(Plan("test", (Step(made, "why"),)))
    assert seen == [False]
    assert not snapshot_path(folder).exists()


def test_both_mean_the_same_file(folder: Path) -> None:
    assert snapshot_path(folder) == folder / ".usenet" / HEALTH_CACHE


def test_nothing_is_kept_while_another_run_changes_the_stack(
    folder: Path,
) -> None:
    with (folder / ".usenet/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept(folder)
    assert not snapshot_path(folder).exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    kept(tmp_path)  # has no .usenet
    assert known(tmp_path) is None
    (tmp_path / ".usenet").write_text("a file")
    kept(tmp_path)
    assert known(tmp_path) is None


def damaged(text: bytes) -> list[bytes]:
    return [
        b"",
        b"nonsense",
        text[: len(text) // 2],
        text.replace(b'"ready"', b'"down!"'),
        text[9:],
        b"\xff" * 100,
    ]


def test_damage_is_never_believed(folder: Path) -> None:
    kept(folder)
    path = snapshot_path(folder)
    text = path.read_bytes()
    for other in damaged(text):
        path.write_bytes(other)
        assert read_snapshot(folder, ENVIRON) is None, other
    path.write_bytes(text)
    assert known(folder) is not None


@pytest.mark.parametrize(
    "content", [{"format": 2}, {"format": 1}, {"format": 1, "more": 1}, [], 7]
)
def test_what_another_version_wrote_is_not_believed(
    folder: Path, content: Any
) -> None:
    text = json.dumps(content).encode()
    snapshot_path(folder).write_bytes(snapshot._sum(text) + text)
    assert read_snapshot(folder, ENVIRON) is None


def test_a_link_in_the_way_is_replaced_and_not_followed(folder: Path) -> None:
    other = folder / "other"
    other.write_text("precious")
    snapshot_path(folder).symlink_to(other)
    kept(folder)
    assert other.read_text() == "precious"
    assert known(folder) is not None


def test_one_group_is_a_part_of_the_whole() -> None:
    found = part(DATA, "automation")
    assert [r["name"] for r in found["services"]] == ["sonarr", "recyclarr"]
    assert found["groups"] == [
        {"name": "automation", "services": 2, "healthy": 1}
    ]
    assert found["totals"] == {
        "services": 2,
        "healthy": 1,
        "states": {"down": 1, "timer": 1},
        "memory_bytes": 200,
        "cpu_percent": 3.0,
        "drives": ["films"],
    }
    assert part(DATA, "") is DATA
    assert part(DATA, "extra")["totals"]["cpu_percent"] is None
