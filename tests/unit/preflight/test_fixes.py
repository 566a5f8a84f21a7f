"""From findings to a plan, as text."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.preflight import Finding, Site, plan_fixes, report
from usenet_stack.preflight.operations import (
    ChangeOwner,
    RaiseLimit,
    StartDocker,
    start_command,
)
from usenet_stack.preflight.packages import MANAGERS, find_package_manager
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import Operation
from usenet_stack.transaction.files import MakeFolders


class Unprivileged(Site):
    """The same machine, seen by a user who is not root."""

    is_root = False  # type: ignore[assignment]


FOUND = [
    Finding("stack.valid", "ok", "stack.toml", "Sound."),
    Finding("pool.propagation", "warn", "/x", "It is private."),
    Finding("docker.installed", "fail", "Docker", "Not installed."),
    Finding("docker.running", "fail", "/s", "Docker does not run."),
    Finding(
        "kernel.inotify",
        "warn",
        "a.b",
        "Little.",
        "",
        {"key": "fs.inotify.max_user_watches", "value": 524288},
    ),
    Finding(
        "folder.writable", "fail", "/data", "No.", "", {"uid": 7, "gid": 8}
    ),
    Finding("ports.free", "fail", "port 1/tcp", "Taken."),
]


def test_the_plan_in_an_order_that_works(
    make_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = make_stack(sandbox=True)
    site = Site(stack, {"DOCKER_HOST": f"unix://{tmp_path}/d.sock"})
    plan = plan_fixes(site, FOUND)
    kinds = [step.operation.kind for step in plan.steps]
    assert kinds == [
        "fix.install-docker",
        "fix.start-docker",
        "fix.raise-limit",
        "fix.change-owner",
        "storage.share",
    ]
    assert plan.recovery == "forward"
    text = plan.as_text()
    assert "why: Docker: Not installed." in text
    assert f"start Docker: dockerd -H unix://{tmp_path}/d.sock" in text
    assert "set fs.inotify.max_user_watches to 524288" in text
    assert "give /data to user 7, group 8" in text
    assert f"make {stack.data_root} a shared mount" in text


def test_without_root_nothing_is_tried_that_needs_it(
    make_stack: Callable[..., Stack],
) -> None:
    site = Unprivileged(make_stack(sandbox=True))
    assert plan_fixes(site, FOUND).steps == ()


def test_missing_folders_are_made_parents_first(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(sandbox=True)
    finding = Finding("folder.missing", "warn", "x", "Absent.")
    plan = plan_fixes(Unprivileged(stack), [finding])
    (step,) = plan.steps
    assert isinstance(step.operation, MakeFolders)
    paths = [folder.path for folder in step.operation.folders]
    assert stack.config_root / "sonarr" in paths
    assert paths.index(stack.config_root) < paths.index(
        stack.config_root / "sonarr"
    )


def test_nothing_found_gives_an_empty_plan() -> None:
    assert plan_fixes(Site(), FOUND[:1]).steps == ()


@pytest.mark.parametrize(
    "operation",
    [
        StartDocker(Path("/run/x.sock")),
        RaiseLimit("a.b", 5),
        ChangeOwner(Path("/x"), 1, 2),
    ],
)
def test_the_journal_holds_each(operation: Operation) -> None:
    assert Operation.from_dict(operation.as_dict()) == operation


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda m: m.program)
def test_each_package_manager_is_found(manager: object, tmp_path: Path) -> None:
    program = tmp_path / manager.program  # type: ignore[attr-defined]
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_package_manager(str(tmp_path)) == manager


def test_no_package_manager(tmp_path: Path) -> None:
    with pytest.raises(UsenetError) as caught:
        find_package_manager(str(tmp_path))
    assert caught.value.code == "docker.no-packages"


def test_arguments_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USENET_DOCKERD_ARGS", "--data-root '/a b'")
    command = start_command(Path("/tmp/x.sock"))
    assert command == [
        "dockerd",
        "-H",
        "unix:///tmp/x.sock",
        "--data-root",
        "/a b",
    ]


def test_changing_an_owner_and_back(tmp_path: Path) -> None:
    from usenet_stack.transaction import Context

    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    operation = ChangeOwner(folder, 1000, 1001)
    context = Context(tmp_path, tmp_path / "kept")
    before = operation.prepare(context)
    for _ in range(2):
        operation.do(context, before)
        status = folder.stat()
        assert (status.st_uid, status.st_gid) == (1000, 1001)
        assert status.st_mode & 0o777 == 0o700
    assert operation.verify(context)
    operation.undo(context, before)
    status = folder.stat()
    assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid())
    assert status.st_mode & 0o777 == 0o500


def test_the_report_counts_and_fails() -> None:
    result = report(FOUND)
    assert result.data["counts"] == {"ok": 1, "warn": 2, "fail": 4}
    assert result.exit_code == 1
    assert "facts" not in result.data["checks"][0]
    assert report(FOUND[:2]).exit_code == 0
