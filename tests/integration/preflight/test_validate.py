"""The checks on this machine: real sockets, mounts and users."""

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from usenet_stack.preflight import (
    Finding,
    Site,
    mend,
    plan_fixes,
    port_is_free,
    run_checks,
    validate,
)
from usenet_stack.preflight.folders import (
    check_config_filesystem,
    check_hard_link,
    check_propagation,
    check_space,
    check_writable,
)
from usenet_stack.preflight.operations import SYSCTL_FILE, RaiseLimit
from usenet_stack.preflight.ports import check_ports
from usenet_stack.stack.layout import folders
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage import read_mounts
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.transaction import Context

_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that this process listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a stack with all its folders, at ports that nobody uses."""
    stack = make_stack(tmp_path)
    for folder in folders(stack):
        folder.path.mkdir(parents=True, exist_ok=True)
        os.chown(folder.path, folder.uid, folder.gid)
    # No Engine: these tests are about the machine.
    return Site(stack, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})


def make_stack(tmp_path: Path, settings: str = "") -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir(exist_ok=True)
    head = '[stack]\nname = "checks"\nsandbox = true\n'
    (folder / "stack.toml").write_text(head + settings)
    return load_stack(folder)


def only(findings: Iterator[Finding]) -> Finding:
    (found,) = findings
    return found


def again(site: Site) -> Site:
    """Return a site that looks anew."""
    return Site(site.stack, site.environ)


def test_a_taken_port_names_process_and_number(
    tmp_path: Path, port: int
) -> None:
    stack = make_stack(tmp_path, f"[ports]\nsonarr = {port}\n")
    site = Site(stack, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    subject = f"port {port}/tcp"
    (found,) = [f for f in check_ports(site) if f.subject == subject]
    assert found.status == "fail"
    name = Path("/proc/self/comm").read_text().strip()
    assert f"sonarr needs it, but {name} (process {os.getpid()})" in (
        found.message
    )
    assert found.hint.startswith("usenet config set ports.sonarr ")
    assert not port_is_free(site, port, "tcp")
    assert port_is_free(site, port, "udp")


def test_folders_that_are_as_they_should_be(site: Site) -> None:
    assert only(check_writable(site)).status == "ok"
    assert only(check_hard_link(site)).message.endswith("works.")
    assert only(check_config_filesystem(site)).status == "ok"
    assert {f.status for f in check_space(site)} == {"ok"}


def test_a_folder_of_another_user_is_found_and_mended(site: Site) -> None:
    assert site.stack is not None
    folder = site.stack.config_folder(site.stack.resolve("sonarr"))
    os.chown(folder, 0, 0)
    found = only(check_writable(site))
    assert (found.status, found.subject) == ("fail", str(folder))
    assert found.hint == f"sudo chown 1000:1000 '{folder}'"
    result = mend(site, plan_fixes(site, [found]))
    assert result.data["fixed"] == 1
    assert only(check_writable(again(site))).status == "ok"


def test_missing_folders_are_one_finding_and_get_made(
    tmp_path: Path,
) -> None:
    stack = make_stack(tmp_path)
    site = Site(stack, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    missing, _ = check_writable(site)
    assert (missing.code, missing.status) == ("folder.missing", "warn")
    mend(site, plan_fixes(site, [missing]))
    assert only(check_writable(again(site))).code == "folder.writable"
    for folder in folders(stack):
        status = folder.path.stat()
        assert (status.st_uid, status.st_gid) == (folder.uid, folder.gid)


def test_downloads_on_another_file_system(site: Site) -> None:
    assert site.stack is not None
    downloads = site.stack.downloads_root
    command = ["mount", "-t", "tmpfs", "-o", "uid=1000,gid=1000", "none"]
    subprocess.run([*command, downloads], check=True)
    try:
        found = only(check_hard_link(again(site)))
    finally:
        unmount_tree(downloads)
    assert found.status == "fail"
    assert "EXDEV" in found.message
    assert list(site.stack.media_root.rglob(".usenet*")) == []


def test_settings_on_a_cloud_that_is_dead(site: Site) -> None:
    assert site.stack is not None
    config = site.stack.config_root
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    data = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    target = os.fsencode(config)
    try:
        done = _libc.mount(b"cloud:", target, b"fuse.rclone", 0, data)
        assert done == 0
        started = time.monotonic()
        found = validate(again(site))
        assert time.monotonic() - started < 15
    finally:
        os.close(device)
        _libc.umount2(target, 2)
    dead = [
        check["subject"]
        for check in found.data["checks"]
        if check["code"] == "folder.usable"
    ]
    assert str(config) in dead
    assert found.exit_code == 1


def test_settings_on_a_network_file_system(site: Site) -> None:
    # Of a recorded machine: /proc alone is read, so a tree will do.
    assert site.stack is not None
    root = site.stack.folder / "root"
    (root / "proc/self").mkdir(parents=True)
    config = site.stack.config_root
    (root / "proc/self/mountinfo").write_text(
        "25 1 8:2 / / rw shared:1 - ext4 /dev/sda2 rw\n"
        f"42 25 0:50 / {config} rw - nfs4 nas:/v rw\n"
    )
    recorded = Site(site.stack, site.environ, root)
    found = only(check_config_filesystem(recorded))
    assert found.status == "fail"
    assert "nfs4 (nas:/v)" in found.message
    assert only(check_propagation(recorded)).status == "ok"


def test_a_private_mount_is_found_and_mended(site: Site) -> None:
    assert site.stack is not None
    data = site.stack.data_root
    # Whatever `/` is on this machine, here it is private.
    subprocess.run(["mount", "--bind", data, data], check=True)
    subprocess.run(["mount", "--make-private", data], check=True)
    try:
        found = only(check_propagation(again(site)))
        assert found.status == "warn"
        mend(site, plan_fixes(again(site), [found]))
        assert only(check_propagation(again(site))).status == "ok"
    finally:
        while str(data) in {mount.target for mount in read_mounts()}:
            unmount_tree(data)


def test_a_stack_on_a_machine_without_docker(site: Site) -> None:
    codes = {f.code: f for f in run_checks(site)}
    assert codes["docker.running"].status == "fail"
    assert "none.sock" in codes["docker.running"].subject
    assert codes["docker.running"].hint.endswith("usenet validate --fix")


def test_no_stack_at_all(tmp_path: Path) -> None:
    environ = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    result = validate(Site(None, environ))
    codes = [check["code"] for check in result.data["checks"]]
    assert "docker.running" in codes
    assert "folder.writable" not in codes
    assert result.errors[0].code == "validate.failed"


def test_a_limit_is_raised_and_put_back(tmp_path: Path) -> None:
    key = "fs.inotify.max_user_instances"
    current = Path("/proc/sys/fs/inotify/max_user_instances")
    kept_file = SYSCTL_FILE.read_bytes() if SYSCTL_FILE.exists() else None
    old = int(current.read_text())
    operation = RaiseLimit(key, old + 1)
    context = Context(tmp_path, tmp_path / "kept")
    before = operation.prepare(context)
    try:
        for _ in range(2):
            operation.do(context, before)
            assert int(current.read_text()) == old + 1
            assert SYSCTL_FILE.read_text().count(key) == 1
        assert operation.verify(context)
    finally:
        operation.undo(context, before)
    assert int(current.read_text()) == old
    now = SYSCTL_FILE.read_bytes() if SYSCTL_FILE.exists() else None
    assert now == kept_file
