"""Limits, names and exposure, on recorded machines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.preflight import Site
from usenet_stack.preflight.exposure import (
    check_open_services,
    check_socket_exposure,
)
from usenet_stack.preflight.machine import (
    check_clock,
    check_inotify,
    check_names,
    image_host,
)
from usenet_stack.stack.model import Stack

Make = Callable[..., Stack]
Tree = Callable[[str, str], Path]
LIMITS = "proc/sys/fs/inotify"


def test_inotify_limits(tree: Tree) -> None:
    tree(f"{LIMITS}/max_user_instances", "128\n")
    root = tree(f"{LIMITS}/max_user_watches", "524288\n")
    few, many = check_inotify(Site(root=root))
    assert (few.status, few.subject) == (
        "warn",
        "fs.inotify.max_user_instances",
    )
    assert "sudo sysctl -w fs.inotify.max_user_instances=1024" in few.hint
    assert many.status == "ok"


def test_a_kernel_without_inotify_is_no_failure(tmp_path: Path) -> None:
    assert list(check_inotify(Site(root=tmp_path))) == []


def test_the_clock_never_fails() -> None:
    (found,) = check_clock(Site())
    assert found.status in ("ok", "warn")
    assert "UTC" in found.message


def test_names_are_asked_once_of_a_host_of_the_stack(
    make_stack: Make, tree: Tree
) -> None:
    root = tree("etc/resolv.conf", "# none\n nameserver 198.18.0.1\n")
    asked: list[str] = []

    def resolve(host: str) -> bool:
        asked.append(host)
        return False

    stack = make_stack()
    (found,) = check_names(Site(stack, root=root, resolve=resolve))
    assert found.status == "warn"
    hosts = {image_host(service.image) for service in stack.services}
    assert asked == [found.subject]
    assert found.subject in hosts


def test_no_name_server(make_stack: Make, tree: Tree) -> None:
    root = tree("etc/resolv.conf", "# nameserver 198.18.0.1\nsearch lan\n")
    refuse = pytest.fail
    (found,) = check_names(Site(make_stack(), root=root, resolve=refuse))
    assert (found.status, found.subject) == ("warn", "/etc/resolv.conf")


def test_the_sandbox_asks_no_names(make_stack: Make, tree: Tree) -> None:
    root = tree("etc/resolv.conf", "nameserver 198.18.0.1\n")
    stack = make_stack(sandbox=True)
    site = Site(stack, root=root, resolve=pytest.fail)
    assert list(check_names(site)) == []


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("registry.example/a/b:1", "registry.example"),
        ("registry.example:5000/a@sha256:0", "registry.example"),
        ("jellyfin/jellyfin:latest", ""),
        ("a.b", ""),
    ],
)
def test_the_host_of_an_image(image: str, host: str) -> None:
    assert image_host(image) == host


def test_loopback_exposes_nothing(make_stack: Make) -> None:
    site = Site(make_stack())
    found = [*check_socket_exposure(site), *check_open_services(site)]
    assert {finding.status for finding in found} == {"ok"}


def test_the_network_is_warned_of(make_stack: Make, tree: Tree) -> None:
    root = tree("etc/ufw/ufw.conf", "ENABLED=yes\n")
    site = Site(make_stack('bind = "0.0.0.0"\n'), root=root)
    sockets = {f.subject: f.status for f in check_socket_exposure(site)}
    assert sockets["portainer"] == "warn"
    codes = {f.code: f.status for f in check_open_services(site)}
    assert codes == {"exposure.bind": "warn", "exposure.firewall": "warn"}
