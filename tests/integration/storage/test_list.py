"""`storage list` on real mounts, dead ones among them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usenet_stack.storage import Request, list_drives, probe

Make = Callable[..., Path]


def rows(result: Any) -> dict[str, dict[str, Any]]:
    return {row["mountpoint"]: row for row in result.data["drives"]}


def test_a_disk_with_all_its_facts(make_disk: Make) -> None:
    disk = make_disk("disk", label="Films")
    row = rows(list_drives())[str(disk)]
    assert (row["name"], row["label"]) == ("Films", "Films")
    assert (row["fstype"], row["medium"]) == ("ext4", "loop")
    assert (row["state"], row["read_only"]) == ("mounted", False)
    assert len(row["uuid"]) == 36
    assert 0 < row["free"] < row["size"] < 16 * 1024 * 1024


def test_a_read_only_disk(make_disk: Make) -> None:
    disk = make_disk("disk", options="ro")
    assert rows(list_drives())[str(disk)]["read_only"]


def test_pseudo_file_systems_are_for_all_only(make_tmpfs: Make) -> None:
    memory = str(make_tmpfs("memory"))
    assert memory not in rows(list_drives())
    every = rows(list_drives(all=True))
    assert every[memory]["medium"] == "memory"
    assert "/proc" in every


def test_a_bind_is_no_second_drive(make_disk: Make, arena: Path) -> None:
    disk = make_disk("disk")
    (disk / "sub").mkdir()
    (arena / "bound").mkdir()
    subprocess.run(
        ["mount", "--bind", disk / "sub", arena / "bound"], check=True
    )
    found = rows(list_drives())
    assert str(disk) in found
    assert str(arena / "bound") not in found


def test_names_with_spaces_and_newlines(make_disk: Make) -> None:
    disk = make_disk("a b\n'c\\")
    assert rows(list_drives())[str(disk)]["state"] == "mounted"


def test_a_hung_mount_costs_its_row_only(
    make_hung: Make, make_disk: Make
) -> None:
    hung, disk = make_hung("hung"), make_disk("disk")
    started = time.monotonic()
    result = list_drives()
    assert time.monotonic() - started < 4
    found = rows(result)
    assert found[str(hung)]["state"] == "not answering"
    assert found[str(hung)]["size"] is None
    assert found[str(hung)]["medium"] == "cloud"
    assert found[str(disk)]["state"] == "mounted"
    assert any(str(hung) in message.text for message in result.messages)


def test_the_exit_of_the_program_does_not_hang(make_hung: Make) -> None:
    hung = make_hung("hung")
    code = (
        "import json; from usenet_stack.storage import list_drives; "
        "print(json.dumps(list_drives().data))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=15,
        check=True,
    )
    found = {r["mountpoint"]: r for r in json.loads(done.stdout)["drives"]}
    assert found[str(hung)]["state"] == "not answering"


def test_a_mount_that_hangs_unexpectedly_spoils_no_other(
    make_hung: Make, make_tmpfs: Make
) -> None:
    first, hung, last = make_tmpfs("a"), make_hung("h"), make_tmpfs("z")
    # Not marked as doubtful, as a dying local disk would not be.
    requests = [Request("statvfs", str(path)) for path in (first, hung, last)]
    found = probe(requests, deadline_s=0.5)
    assert [answer.state for answer in found] == ["ok", "silent", "ok"]


def test_twenty_hung_mounts_hang_together(make_hung: Make) -> None:
    hung = [make_hung(f"h{number}") for number in range(20)]
    started = time.monotonic()
    found = rows(list_drives())
    assert time.monotonic() - started < 6
    assert {found[str(path)]["state"] for path in hung} == {"not answering"}
