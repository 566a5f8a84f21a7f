"""The distribution's package manager, as far as Docker needs it."""

import os
import shlex
import shutil
import subprocess

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.operation import Progress

PATIENCE_S = 900.0


class PackageManager(msgspec.Struct, frozen=True):
    """How one package manager is used.

    Args:
        program: its name on PATH.
        refresh: fetches the lists, or empty.
        install, remove: without the names of packages.
        installed: tells by its exit status whether one package is there.
        packages: what Docker consists of here.
    """

    program: str
    refresh: tuple[str, ...]
    install: tuple[str, ...]
    remove: tuple[str, ...]
    installed: tuple[str, ...]
    packages: tuple[str, ...]

    def install_command(self) -> list[str]:
        """Return the whole command that installs Docker."""
        return [*self.install, *self.packages]


_LOCK = ("-o", "DPkg::Lock::Timeout=120")
MANAGERS = (
    PackageManager(
        "apt-get",
        ("apt-get", *_LOCK, "update", "-q"),
        ("apt-get", *_LOCK, "install", "-y", "-q", "--no-install-recommends"),
        ("apt-get", *_LOCK, "remove", "-y", "-q"),
        ("dpkg-query", "-W", "-f=${db:Status-Abbrev}"),
        ("docker.io", "iptables"),
    ),
    PackageManager(
        "dnf",
        (),
        ("dnf", "install", "-y"),
        ("dnf", "remove", "-y"),
        ("rpm", "-q"),
        ("moby-engine", "iptables-nft"),
    ),
    PackageManager(
        "zypper",
        (),
        ("zypper", "--non-interactive", "install"),
        ("zypper", "--non-interactive", "remove"),
        ("rpm", "-q"),
        ("docker", "iptables"),
    ),
    PackageManager(
        "pacman",
        (),
        ("pacman", "-Sy", "--noconfirm", "--needed"),
        ("pacman", "-R", "--noconfirm"),
        ("pacman", "-Q"),
        ("docker", "iptables-nft"),
    ),
    PackageManager(
        "apk",
        (),
        ("apk", "add"),
        ("apk", "del"),
        ("apk", "info", "-e"),
        ("docker", "iptables"),
    ),
)


def find_package_manager(path: str | None = None) -> PackageManager:
    """Return this system's package manager.

    Args:
        path: instead of $PATH.

    Raises:
        UsenetError: "docker.no-packages" where none is known.
    """
    for manager in MANAGERS:
        if shutil.which(manager.program, path=path):
            return manager
    raise UsenetError("docker.no-packages")


def missing_packages(manager: PackageManager) -> list[str]:
    """Return those of Docker's packages that are not installed."""
    missing = []
    for package in manager.packages:
        done = subprocess.run(
            [*manager.installed, package],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        gone = manager.program == "apt-get" and done.stdout[:2] != "ii"
        if done.returncode != 0 or gone:
            missing.append(package)
    return missing


def install_packages(manager: PackageManager, progress: Progress) -> None:
    """Install Docker's packages; with old lists, fetch new ones once.

    Raises:
        UsenetError: "docker.install-failed" with the last lines.
    """
    progress(shlex.join(manager.install_command()), None, None, "")
    try:
        _run(manager.install_command())
    except UsenetError:
        if not manager.refresh:
            raise
        progress(shlex.join(manager.refresh), None, None, "")
        _run(list(manager.refresh))
        _run(manager.install_command())


def remove_packages(manager: PackageManager, packages: list[str]) -> None:
    """Remove those packages that are installed.

    Raises:
        UsenetError: "docker.install-failed" with the last lines.
    """
    there = set(packages) - set(missing_packages(manager))
    if there:
        _run([*manager.remove, *sorted(there)])


def _run(command: list[str]) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise _failed(command, "It took too long.", b"") from problem
    if done.returncode != 0:
        raise _failed(command, f"Exit {done.returncode}.", done.stdout)


def _failed(command: list[str], why: str, output: bytes) -> UsenetError:
    lines = output.decode(errors="replace").splitlines()[-8:]
    return UsenetError(
        "docker.install-failed",
        command=f"sudo {shlex.join(command)}",
        why=why,
        details=tuple(lines),
    )
