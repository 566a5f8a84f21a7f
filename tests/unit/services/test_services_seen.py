"""What is seen from outside: clients, runs by the clock, drives."""

import os
from pathlib import Path

import pytest

from usenet_stack.services.clients import clients_of
from usenet_stack.services.drives import PoolDrives, pool_drives
from usenet_stack.services.seen import last_run, seen_figures
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage.mounts import parse_mountinfo
from usenet_stack.storage.registry import Pool, PoolDrive, write_pool

ID = "c0ffee"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"
# 445 is 01BD, 2049 is 0801; the addresses are 198.18.0.9, .10, 127.0.0.1.
NINE, TEN, LOOP = "090012C6", "0A0012C6", "0100007F"


def line(remote: str, port: str = "01BD", state: str = "01") -> str:
    here = "00000000" if len(remote) == 8 else "0" * 32
    return f"   0: {here}:{port} {remote}:C350 {state} 00:00 0 0 0\n"


def world(folder: Path, tcp: str, tcp6: str | None = "") -> tuple[Path, Path]:
    groups, proc = folder / "cgroup", folder / "proc"
    group = groups / "docker" / ID
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("77\n")
    net = proc / "77/net"
    net.mkdir(parents=True)
    (net / "tcp").write_text(HEAD + tcp)
    if tcp6 is not None:
        (net / "tcp6").write_text(HEAD + tcp6)
    return groups, proc


def test_each_address_counts_once(tmp_path: Path) -> None:
    tcp = line(NINE) + line(NINE) + line(TEN)
    assert clients_of(ID, 445, *world(tmp_path, tcp)) == 2


def test_only_whoever_is_connected_to_this_port(tmp_path: Path) -> None:
    listening, ending = line(NINE, state="0A"), line(NINE, state="06")
    tcp = listening + ending + line(TEN, port="0801") + line(LOOP)
    assert clients_of(ID, 445, *world(tmp_path, tcp)) == 0


def test_both_families_and_one_address_in_both(tmp_path: Path) -> None:
    mapped = "0000000000000000FFFF0000" + NINE
    own = "B80D0120000000000000000001000000"
    loop = "00000000000000000000000001000000"
    tcp6 = line(mapped) + line(own) + line(loop)
    assert clients_of(ID, 445, *world(tmp_path, line(NINE), tcp6)) == 2


def test_a_kernel_without_ipv6(tmp_path: Path) -> None:
    assert clients_of(ID, 445, *world(tmp_path, line(NINE), None)) == 1


@pytest.mark.parametrize("tcp", ["rubbish\n", "0: x:01BD y:1 01 b c\n"])
def test_a_table_that_cannot_be_read_is_no_figure(
    tmp_path: Path, tcp: str
) -> None:
    assert clients_of(ID, 445, *world(tmp_path, tcp)) is None


def test_no_container_no_figure(tmp_path: Path) -> None:
    assert clients_of("beef", 445, *world(tmp_path, "")) is None


def touch(path: Path, when: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (when, when))


def test_the_newest_trace_is_the_last_run(tmp_path: Path) -> None:
    assert last_run(str(tmp_path)) is None
    touch(tmp_path / "logs/cli/old.log", 1000)
    touch(tmp_path / "state/sync.json", 3000)
    touch(tmp_path / "logs/cli/new.log", 2000)
    # What the user edits is no run.
    touch(tmp_path / "recyclarr.yml", 9000)
    assert last_run(str(tmp_path)) == 3000


def test_links_lead_nowhere(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/file", 5000)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/loop").symlink_to(tmp_path)
    (tmp_path / "logs/file").symlink_to(tmp_path / "elsewhere/file")
    assert last_run(str(tmp_path)) is None


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "stack.toml").write_text('[stack]\nname = "default"\n')
    return load_stack(tmp_path)


def test_only_what_runs_by_the_clock_has_a_last_run(stack: Stack) -> None:
    for name in ("recyclarr", "sonarr"):
        folder = stack.config_folder(stack.catalog[name])
        touch(folder / "logs/a.log", 4000)
    found = seen_figures(stack, stack.catalog["recyclarr"], None)
    assert found == {"last_run": 4000}
    assert seen_figures(stack, stack.catalog["sonarr"], None) == {}
    assert seen_figures(stack, stack.catalog["samba"], None) == {}


def test_drives_that_are_mounted(tmp_path: Path) -> None:
    pool = tmp_path / "data/media"
    pool.mkdir(parents=True)
    names = ("b", "a b", "away")
    drives = {name: PoolDrive(f"/{name}") for name in names}
    write_pool(tmp_path, Pool("id", drives))
    mounts = parse_mountinfo(
        f"36 35 98:0 / {pool}/b rw - ext4 /dev/sdb1 rw\n"
        f"37 35 98:1 / {pool}/a\\040b rw - ext4 /dev/sdc1 rw\n"
        f"38 35 98:1 / {pool}/other rw - ext4 /dev/sdd1 rw\n"
    )
    found = pool_drives(tmp_path, pool, mounts)
    assert found == PoolDrives(["a b", "b"], ["away"])


@pytest.mark.parametrize("text", [None, "", "{", "7", "null"])
def test_a_damaged_list_of_drives_is_none(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / ".usenet").mkdir()
        (tmp_path / ".usenet/pool.json").write_text(text)
    assert pool_drives(tmp_path, tmp_path) == PoolDrives([], [])
