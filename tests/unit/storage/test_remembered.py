"""What is kept about drives between calls."""

import json
import os
from pathlib import Path

from usenet_stack.storage.remembered import (
    LIMIT,
    Memory,
    hangs_still,
    hung_lately,
    note_silence,
)


def test_notes_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new/drives.json"
    first = Memory(str(path))
    first.put("health", "u\udcff-1", {"verdict": "good"})
    first.save()
    assert Memory(str(path)).get("health", "u\udcff-1") == {"verdict": "good"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["drives.json"]


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    Memory(str(tmp_path / "drives.json")).save()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "drives.json"
    for text in ("", "{", "[]", '{"health": 3}', '{"health": {"u": 3}}'):
        path.write_text(text)
        assert Memory(str(path)).get("health", "u") == {}


def test_a_folder_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(str(tmp_path / "file/drives.json"))
    memory.put("health", "u", {"verdict": "good"})
    memory.save()
    assert (tmp_path / "file").read_text() == ""


def test_the_oldest_notes_go(tmp_path: Path) -> None:
    path = tmp_path / "drives.json"
    memory = Memory(str(path))
    for number in range(LIMIT + 5):
        memory.put("health", str(number), {"verdict": "good"})
    memory.save()
    kept = json.loads(path.read_text())["health"]
    assert len(kept) == LIMIT
    assert "4" not in kept
    assert str(LIMIT + 4) in kept


def test_a_worker_that_lives_is_a_witness(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "drives.json"))
    assert not hangs_still(memory, "mount")
    note_silence(memory, "mount", os.getpid())
    assert hangs_still(memory, "mount")
    assert hung_lately(memory, "mount")
    note_silence(memory, "mount", 0)
    assert not hangs_still(memory, "mount")
    assert not hung_lately(memory, "mount")


def test_another_process_with_its_number_is_none(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "drives.json"))
    note = {"worker": os.getpid(), "started": "1", "at": 0}
    memory.put("silent", "mount", note)
    assert not hangs_still(memory, "mount")
    assert not hung_lately(memory, "mount")


def test_a_worker_that_has_ended_is_none(tmp_path: Path) -> None:
    memory = Memory(str(tmp_path / "drives.json"))
    note_silence(memory, "mount", 2**22 + 1)
    assert not hangs_still(memory, "mount")
    assert hung_lately(memory, "mount")
