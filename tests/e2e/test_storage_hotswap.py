"""A drive reaches a running container, and leaves it, without a restart."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from images.build import docker
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage import (
    ShareFolder,
    add_drive,
    read_mounts,
    remove_drive,
)
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.transaction import Context

SLEEP = ("/bin/sleep", "600")


def empty_root() -> bytes:
    """Return a tar of an image that borrows its programs from the host."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("usr", "data", "proc", "dev", "sys"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
    return content.getvalue()


@pytest.fixture
def image(docker_host: str) -> Iterator[str]:
    tag = f"usenet-test-empty:{uuid4().hex[:8]}"
    command = ["docker", "--host", docker_host, "import", "-", tag]
    subprocess.run(
        command, input=empty_root(), check=True, stdout=subprocess.DEVNULL
    )
    yield tag
    docker(docker_host, "rmi", "--force", tag)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    folder = tmp_path / "stack"
    for path in ("data/media", "data/downloads", ".usenet"):
        (folder / path).mkdir(parents=True)
    text = f'[stack]\nname = "t-{uuid4().hex[:8]}"\nsandbox = true\n'
    (folder / "stack.toml").write_text(text)
    stack = load_stack(folder)
    share = ShareFolder(stack.data_root)
    context = Context(folder, folder / ".usenet")
    before = share.prepare(context)
    share.do(context, before)
    yield stack
    share.undo(context, before)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    options = "size=8m,uid=1000,gid=1000"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", path], check=True
    )
    (path / "film").write_text("moving pictures")
    yield path
    unmount_tree(path)


@pytest.fixture
def containers(
    docker_host: str, image: str, stack: Stack
) -> Iterator[list[str]]:
    """Run three containers of the stack, one of them with a late bind."""
    names = [f"usenet-test-{uuid4().hex[:8]}" for _ in range(3)]
    label = f"--label=com.docker.compose.project={stack.project}"
    for name in names:
        bind = f"type=bind,src={stack.data_root},dst=/data"
        docker(
            docker_host, "run", "--detach", f"--name={name}", label,
            "--mount=type=bind,src=/usr,dst=/usr,readonly",
            f"--mount={bind},bind-propagation=rslave", image, *SLEEP,
        )  # fmt: skip
    yield names
    docker(docker_host, "rm", "--force", *names)


def started(docker_host: str, names: list[str]) -> str:
    form = "{{.Id}} {{.State.StartedAt}} {{.State.Pid}}"
    return docker(docker_host, "inspect", f"--format={form}", *names)


def test_a_drive_comes_and_goes_in_all_containers(
    docker_host: str, stack: Stack, disk: Path, containers: list[str]
) -> None:
    before = started(docker_host, containers)
    add_drive(stack, disk, "films")
    for name in containers:
        inside = "/data/media/films/film"
        text = docker(docker_host, "exec", name, "/bin/cat", inside)
        assert text.strip() == "moving pictures"
    remove_drive(stack, "films")
    for name in containers:
        listing = docker(docker_host, "exec", name, "/bin/ls", "/data/media")
        assert listing.strip() == ""
    assert started(docker_host, containers) == before


def test_a_container_with_an_open_file_is_named(
    docker_host: str, stack: Stack, disk: Path, containers: list[str]
) -> None:
    add_drive(stack, disk, "films")
    docker(
        docker_host, "exec", "--detach", "--workdir=/data/media/films",
        containers[1], *SLEEP,
    )  # fmt: skip
    with pytest.raises(UsenetError) as caught:
        remove_drive(stack, "films")
    assert caught.value.code == "storage.busy"
    assert containers[1] in caught.value.message
    assert (stack.media_root / "films/film").exists()


def test_a_container_that_cannot_see_it_undoes_all(
    docker_host: str,
    image: str,
    stack: Stack,
    disk: Path,
    containers: list[str],
) -> None:
    blind = f"usenet-test-{uuid4().hex[:8]}"
    docker(
        docker_host, "run", "--detach", f"--name={blind}",
        f"--label=com.docker.compose.project={stack.project}",
        "--mount=type=bind,src=/usr,dst=/usr,readonly",
        f"--mount=type=bind,src={stack.data_root},dst=/data", image, *SLEEP,
    )  # fmt: skip
    try:
        with pytest.raises(UsenetError) as caught:
            add_drive(stack, disk, "films", limit_s=0.5)
    finally:
        docker(docker_host, "rm", "--force", blind)
    assert caught.value.exit_code == 13
    assert blind in caught.value.why
    assert list(stack.media_root.iterdir()) == []
    assert not (stack.folder / ".usenet/pool.json").exists()
    pool = f"{stack.media_root}{os.sep}"
    assert not [m for m in read_mounts() if m.target.startswith(pool)]
    for name in containers:
        listing = docker(docker_host, "exec", name, "/bin/ls", "/data/media")
        assert listing.strip() == ""
