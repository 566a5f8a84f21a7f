"""A stack of small services whose images come from the local registry."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cli_process import Cli, Ran
from e2e.sandbox_stack import ALL, containers, take_down
from images.build import docker
from registry.server import Image, Registry, shell_image
from usenet_stack.stack.model import load_stack

# It makes its settings at the first start only, as an application does.
GOOD = """\
B=/bin/busybox
trap 'exit 0' TERM
$B mkdir -p /www
echo {version} > /www/version
test -f /config/data || echo "made by {version}" > /config/data
{more}
$B httpd -f -p 8080 -h /www &
wait $!
"""
# It spoils its settings at once, and never answers.
BAD = """\
B=/bin/busybox
trap 'exit 0' TERM
echo spoiled > /config/data
$B rm -f /config/keep/deep
echo of the bad one > /config/left-over
echo cannot migrate the database
$B sleep 1000 &
wait $!
"""
SERVICE = """\
title = "{name}"
group = "automation"
tier = "{tier}"
image = "{image}"
changelog = "https://example.org/{name}"
stop_seconds = 2
ports = [{{ container = 8080, host = {port} }}]
volumes = [{{ kind = "config", target = "/config" }}]
[health]
path = "/version"
limit_seconds = 3
[backup]
regenerable = ["/logs/**"]
"""


def good(version: str, more: str = "") -> Image:
    return shell_image(GOOD.format(version=version, more=more))


def bad() -> Image:
    return shell_image(BAD)


class Deployed(NamedTuple):
    """A stack that was deployed from the registry."""

    cli: Cli
    host: str
    folder: Path
    project: str
    registry: Registry

    def __call__(self, *words: str, **options: Any) -> Ran:
        return self.cli(f"--stack={self.folder}", *words, **options)

    def update(self, *words: str) -> Ran:
        return self("services", "update", "--format=json", *words)

    def rows(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return what `--check` tells."""
        ran = self.update("--check", *words)
        assert ran.rc == 0, ran
        return {row["name"]: row for row in ran.json["data"]["services"]}

    def container(self, service: str) -> dict[str, Any]:
        """Return what `docker inspect` tells of a service."""
        return containers(self.host, self.project)[service]

    def runs(self, service: str) -> str:
        """Return the id of the image that a service runs."""
        seen = self.container(service)
        assert seen["State"]["Running"], seen["State"]
        return str(seen["Image"])

    def named(self, service: str) -> str:
        """Return the id of the image to which a service's name leads."""
        name = self.registry.reference(service)
        found = docker(self.host, "image", "inspect", "-f", "{{.Id}}", name)
        return found.strip()

    def config(self, service: str) -> Path:
        return self.folder / "config" / service


@contextmanager
def deployed(
    cli: Cli,
    host: str,
    folder: Path,
    registry: Registry,
    names: Sequence[str],
    free_port: Callable[[], int],
    shared: Sequence[str] = (),
) -> Iterator[Deployed]:
    """Hand out a stack whose services run version one of their images.

    Args:
        names: of the services; each has an image of its own.
        shared: of further ones that run the image of the first.
    """
    (folder / "services.d").mkdir(parents=True)
    for name in names:
        registry.push(name, good("one"))
    services = [(name, registry.reference(name)) for name in names]
    services += [(name, registry.reference(names[0])) for name in shared]
    for name, image in services:
        text = SERVICE.format(
            name=name, image=image, port=free_port(), tier="automation"
        )
        (folder / "services.d" / f"{name}.toml").write_text(text)
    on = json.dumps([name for name, _ in services])
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "{folder.name}"\n'
        f"[services]\nenable = {on}\ndisable = {json.dumps(ALL)}\n"
    )
    project = load_stack(folder).project
    stack = Deployed(cli, host, folder, project, registry)
    try:
        ran = stack("deploy", "--yes", "--format=json")
        assert ran.rc == 0, ran
        yield stack
    finally:
        take_down(host, project, folder)
        remove_images(host, project, registry)


def remove_images(host: str, project: str, registry: Registry) -> None:
    """Remove what came from a registry, and the names that updates gave."""
    form = "{{.Repository}} {{.Tag}} {{.ID}}"
    listed = docker(host, "image", "ls", "-a", "--no-trunc", "--format", form)
    ids = {
        line.split()[2]
        for line in listed.splitlines()
        if line.startswith(f"{registry.address}/")
        or line.startswith(f"usenet-previous {project}.")
    }
    if ids:
        docker(host, "image", "rm", "-f", *ids)


def tree(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Return all that a folder holds: content, owner, mode, time, links."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (
            content,
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            status.st_nlink,
        )
    return found
