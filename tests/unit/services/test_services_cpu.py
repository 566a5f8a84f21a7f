"""Processor time of a container from control groups and from the Engine."""

from pathlib import Path

import pytest

from usenet_stack.services.control_groups import process_of
from usenet_stack.services.cpu import (
    Reading,
    cpu_in_sample,
    cpu_of,
    percent,
)

ID = "c0ffee"


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "folder", [f"system.slice/docker-{ID}.scope", f"docker/{ID}"]
)
def test_version_2(tmp_path: Path, folder: str) -> None:
    text = "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n"
    put(tmp_path, f"{folder}/cpu.stat", text)
    assert cpu_of(ID, tmp_path) == 1_234_567_000


@pytest.mark.parametrize(
    "folder",
    [
        f"cpuacct/docker/{ID}",
        f"cpu,cpuacct/docker/{ID}",
        f"cpuacct/system.slice/docker-{ID}.scope",
    ],
)
def test_version_1(tmp_path: Path, folder: str) -> None:
    # In a hybrid the other hierarchy has the folder without the figure.
    put(tmp_path, f"docker/{ID}/cpu.stat", "nr_periods 0\n")
    put(tmp_path, f"{folder}/cpuacct.usage", "987654321\n")
    assert cpu_of(ID, tmp_path) == 987_654_321


@pytest.mark.parametrize("text", ["", "usage_usec\n", "usage_usec x\n"])
def test_what_cannot_be_read_is_no_figure(tmp_path: Path, text: str) -> None:
    put(tmp_path, f"docker/{ID}/cpu.stat", text)
    assert cpu_of(ID, tmp_path) is None


def test_container_that_does_not_run(tmp_path: Path) -> None:
    assert cpu_of(ID, tmp_path) is None
    assert process_of(ID, tmp_path) is None


@pytest.mark.parametrize(
    "folder",
    [f"docker/{ID}", f"memory/docker/{ID}", f"pids/docker/{ID}"],
)
def test_a_process_of_it(tmp_path: Path, folder: str) -> None:
    put(tmp_path, f"{folder}/cgroup.procs", "0\n4711\n4712\n")
    assert process_of(ID, tmp_path) == 4711


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        # One core for half the time; three cores; nothing at all.
        (Reading(0, 10.0), Reading(500_000_000, 11.0), 50.0),
        (Reading(0, 10.0), Reading(6_000_000_000, 12.0), 300.0),
        (Reading(7, 10.0), Reading(7, 12.0), 0.0),
        (Reading(0, 10.0), Reading(1_240_000, 11.0), 0.1),
        # It was started again between; the clock; nothing to compare.
        (Reading(900, 10.0), Reading(100, 12.0), None),
        (Reading(0, 10.0), Reading(1, 10.0), None),
        (None, Reading(1, 10.0), None),
        (Reading(1, 10.0), None, None),
    ],
)
def test_per_cent_of_one_core(
    before: Reading | None, after: Reading | None, share: float | None
) -> None:
    assert percent(before, after) == share


@pytest.mark.parametrize(
    ("sample", "used"),
    [
        ({"cpu_stats": {"cpu_usage": {"total_usage": 42}}}, 42),
        ({"cpu_stats": {"cpu_usage": {"total_usage": 0}}}, None),
        ({"cpu_stats": {}}, None),
        ({}, None),
    ],
)
def test_the_engines_sample(
    sample: dict[str, object], used: int | None
) -> None:
    assert cpu_in_sample(sample) == used
