"""Build images of real daemons from Debian packages, without a registry.

debootstrap makes one Debian 12 tree with all the daemons; it becomes one
image by `docker import`, and each service a tag of it with its own
command. Trees and images are named after what they hold: nothing is
built twice, and two builders wait for each other.

As a program (`build.py tree`) it prepares the tree only, so that a test
run can do that beside other work and on the network, which the tests
themselves need not have.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITE = "bookworm"
COMPONENTS = "main,contrib,non-free"  # SABnzbd is contrib, its unrar not free
PACKAGES = (
    "netdata-core",
    "postgresql-15",
    "sabnzbdplus",
    "samba",
    "smbclient",
    "transmission-daemon",
)
SERVICES = ("netdata", "postgres", "sabnzbd", "samba", "transmission")
ENTRYPOINT = Path(__file__).with_name("entrypoint.py")
ENTRYPOINT_INSIDE = "/usr/local/bin/usenet-real"
# Documentation makes up a third of such a tree.
DPKG_OPTIONS = """\
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
"""
NOT_IN_THE_IMAGE = (
    "./var/cache/apt",
    "./var/lib/apt/lists",
    "./debootstrap",
    "./usr/share/doc",
    "./usr/share/locale",
    "./usr/share/man",
)


def digest(*parts: str) -> str:
    """Return twelve hexadecimal digits that name these parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def tree_name() -> str:
    return digest(SUITE, COMPONENTS, DPKG_OPTIONS, *PACKAGES)


def image_tag(service: str) -> str:
    """Return the tag that the image of a service has or will have."""
    entrypoint = ENTRYPOINT.read_text()
    version = digest(tree_name(), entrypoint, *NOT_IN_THE_IMAGE)
    return f"usenet-real-{service}:{version}"


def cache_folder() -> Path:
    """Return where trees are kept: $USENET_TEST_CACHE or /var/tmp."""
    path = os.environ.get("USENET_TEST_CACHE", "/var/tmp/usenet-test-cache")
    return Path(path)


def configured_mirrors(folder: Path = Path("/etc/apt")) -> Iterator[str]:
    """Yield the mirrors from which this machine takes our suite."""
    for path in [folder / "sources.list", *folder.glob("sources.list.d/*")]:
        if not path.is_file():
            continue
        text = path.read_text()
        for block in text.split("\n\n"):
            uris = re.search(r"(?m)^URIs:\s*(\S+)", block)
            suites = re.search(r"(?m)^Suites:(.*)", block)
            if uris and suites and SUITE in suites[1].split():
                yield uris[1]
        pattern = rf"(?m)^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{SUITE}\s"
        yield from re.findall(pattern, text)


def run(command: Sequence[str | Path], log: Path) -> None:
    """Run a command with its output in the log; show the end on failure."""
    with log.open("a") as output:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ).returncode
    if code:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{command[0]} failed ({code}):\n{end}")


def install_packages(tree: Path, log: Path) -> None:
    (tree / "etc/dpkg/dpkg.cfg.d/lean").write_text(DPKG_OPTIONS)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # start no service in there
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
    inside = ("chroot", tree, "env", "DEBIAN_FRONTEND=noninteractive")
    run([*inside, "apt-get", "-q", "update"], log)
    run(
        [
            *inside,
            *("apt-get", "-q", "-y", "--no-install-recommends", "install"),
            *PACKAGES,
        ],
        log,
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock; the kernel frees it when the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_tree(cache: Path) -> Path:
    """Return the Debian tree, made by debootstrap unless it is there.

    Raises: RuntimeError with the end of the log when a step fails.
    Effects: about 600 MB under `cache`. Needs root and the mirror.
    """
    tree = cache / f"tree-{tree_name()}"
    log = cache / f"tree-{tree_name()}.log"
    with locked(tree.with_suffix(".lock")):
        if tree.exists():
            return tree
        unfinished = tree.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        run(
            [
                *("debootstrap", "--variant=minbase"),
                f"--components={COMPONENTS}",
                *(SUITE, unfinished),
                # Without one debootstrap uses the mirror it knows.
                *list(configured_mirrors())[:1],
            ],
            log,
        )
        install_packages(unfinished, log)
        unfinished.rename(tree)
    return tree


def docker(host: str, *arguments: str) -> str:
    """Run the Docker client and return what it printed."""
    done = subprocess.run(
        ["docker", "--host", host, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def has_image(host: str, tag: str) -> bool:
    return bool(docker(host, "image", "ls", "--quiet", tag))


def import_tree(host: str, tree: Path, tag: str) -> None:
    """Stream the tree and the entry point into the Engine as an image."""
    inside = tree / ENTRYPOINT_INSIDE.lstrip("/")
    shutil.copy(ENTRYPOINT, inside)
    inside.chmod(0o755)
    excluded = [f"--exclude={path}/*" for path in NOT_IN_THE_IMAGE]
    with subprocess.Popen(
        ["tar", "-C", tree, "--numeric-owner", *excluded, "-c", "."],
        stdout=subprocess.PIPE,
    ) as tar:
        change = f"ENTRYPOINT {json.dumps([ENTRYPOINT_INSIDE])}"
        command = ["docker", "--host", host, "import", "--change", change]
        done = subprocess.run(
            [*command, "-", tag],
            stdin=tar.stdout,
            capture_output=True,
            text=True,
        )
    if done.returncode or tar.returncode:
        raise RuntimeError(f"docker import: {done.stderr.strip()}")


def tag_service(host: str, base: str, service: str) -> None:
    """Name a service: the same files, another command."""
    container = docker(host, "create", base, service)
    try:
        change = f"CMD {json.dumps([service])}"
        tag = image_tag(service)
        docker(host, "commit", "--change", change, container, tag)
    finally:
        docker(host, "rm", container)


def build_real_images(host: str, cache: Path | None = None) -> dict[str, str]:
    """Build what is missing and return the image tag of each service.

    Args: host: `unix:///path` of the Engine; cache: see cache_folder.
    Effects: a tree in the cache, images in the Engine.
    """
    cache = cache or cache_folder()
    tags = {service: image_tag(service) for service in SERVICES}
    with locked(cache / "images.lock"):
        if all(has_image(host, tag) for tag in tags.values()):
            return tags
        base = image_tag("base")
        if not has_image(host, base):
            import_tree(host, make_tree(cache), base)
        for service in SERVICES:
            tag_service(host, base, service)
    return tags


def services_d(service: str, tag: str) -> tuple[str, str]:
    """Return the name and the text of a file for a stack's services.d.

    It puts the real daemon in the place of the published image; all else
    of the catalogue's entry stays.
    """
    return f"{service}.toml", f'image = "{tag}"\n'


if __name__ == "__main__":
    if sys.argv[1:] != ["tree"]:
        raise SystemExit("usage: build.py tree")
    print(make_tree(cache_folder()))
