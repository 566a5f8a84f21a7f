"""Memory of a container from control groups and from the Engine."""

from pathlib import Path

import pytest

from usenet_stack.services.memory import memory_in_sample, memory_of

ID = "c0ffee"


def control_group(root: Path, folder: str, files: dict[str, str]) -> None:
    path = root / folder
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)


@pytest.mark.parametrize(
    "folder", [f"system.slice/docker-{ID}.scope", f"docker/{ID}"]
)
def test_version_2(tmp_path: Path, folder: str) -> None:
    stat = "anon 70\nfile 40\ninactive_file 30\nactive_file 10\n"
    files = {"memory.current": "110\n", "memory.stat": stat}
    control_group(tmp_path, folder, files)
    assert memory_of(ID, tmp_path) == 80


@pytest.mark.parametrize(
    "folder",
    [f"memory/docker/{ID}", f"memory/system.slice/docker-{ID}.scope"],
)
def test_version_1(tmp_path: Path, folder: str) -> None:
    stat = "cache 9\ninactive_file 1\ntotal_inactive_file 40\n"
    files = {"memory.usage_in_bytes": "100\n", "memory.stat": stat}
    control_group(tmp_path, folder, files)
    # A hybrid has the folder of version 2 as well, without its files.
    control_group(tmp_path, f"docker/{ID}", {})
    assert memory_of(ID, tmp_path) == 60


def test_more_cached_than_used_is_no_negative_figure(tmp_path: Path) -> None:
    files = {"memory.current": "10", "memory.stat": "inactive_file 30\n"}
    control_group(tmp_path, f"docker/{ID}", files)
    assert memory_of(ID, tmp_path) == 10


def test_container_that_does_not_run(tmp_path: Path) -> None:
    assert memory_of(ID, tmp_path) is None


@pytest.mark.parametrize(
    ("memory", "needed"),
    [
        ({"usage": 100, "stats": {"inactive_file": 30}}, 70),
        (
            {
                "usage": 100,
                "stats": {"total_inactive_file": 40, "inactive_file": 1},
            },
            60,
        ),
        ({"usage": 100}, 100),
        ({"usage": 0, "stats": {}}, None),
        ({}, None),
    ],
)
def test_sample(memory: dict[str, object], needed: int | None) -> None:
    assert memory_in_sample({"memory_stats": memory}) == needed
    assert memory_in_sample({"name": "x"}) is None
