"""What the checks look at, so that a test can hand them another one."""

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from usenet_stack.docker.wire import socket_path
from usenet_stack.preflight.daemon import (
    Daemon,
    Published,
    ask_daemon,
    published_ports,
)
from usenet_stack.preflight.listeners import Listener, read_listeners
from usenet_stack.preflight.resolver import resolves
from usenet_stack.stack.layout import folders
from usenet_stack.stack.model import Stack
from usenet_stack.storage import (
    Answer,
    Mount,
    Request,
    probe,
    read_mounts,
)


@dataclass(frozen=True)
class Site:
    """A machine, the user who asks, and the stack that they ask about.

    It is looked at once: make another one to look again.

    Args:
        stack: None while there is none.
        environ: PATH and DOCKER_HOST matter.
        root: where /proc and /etc are read.
        resolve: asks whether a host's name has an address.
    """

    stack: Stack | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    root: Path = Path("/")
    resolve: Callable[[str], bool] = resolves

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0

    @property
    def fix_command(self) -> str:
        """Return what mends what only root can; root has another home."""
        if self.is_root:
            return "usenet validate --fix"
        stack = ""
        if self.stack is not None:
            stack = f" --stack {shlex.quote(str(self.stack.folder))}"
        return f"sudo usenet validate --fix{stack}"

    @cached_property
    def socket(self) -> Path:
        """Return the Engine's socket.

        Raises:
            UsenetError: "docker.host" for a DOCKER_HOST elsewhere.
        """
        return socket_path(self.environ)

    @cached_property
    def daemon(self) -> Daemon:
        """Return what the Engine says of itself, asked once."""
        return ask_daemon(self.socket)

    @cached_property
    def published(self) -> list[Published]:
        """Return the ports that Docker publishes, asked once."""
        running = self.daemon.state == "running"
        return published_ports(self.socket) if running else []

    @cached_property
    def listeners(self) -> list[Listener]:
        """Return who listens on this machine, read once."""
        return read_listeners(self.root)

    @cached_property
    def places(self) -> dict[Path, Answer]:
        """Return where each folder of the stack is, or its nearest parent.

        Asked once, of a worker: the folder of a dead drive is "silent".
        """
        if self.stack is None:
            return {}
        paths = [folder.path for folder in folders(self.stack)]
        answers = probe([Request("nearest", str(path)) for path in paths])
        return dict(zip(paths, answers, strict=True))

    @cached_property
    def mounts(self) -> list[Mount]:
        """Return the mount table, read once."""
        return read_mounts(root=self.root)
