"""`usenet services exec`: run a program inside a service's container."""

import os
import signal
import socket
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.docker.streams import Block, demultiplex
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import container_of
from usenet_stack.stack.model import Stack

# With a terminal Ctrl-C and Ctrl-\ are characters, which it sends by itself.
FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
BLOCK = 64 * 1024
PID_ATTEMPTS = 20
PID_PAUSE = 0.05


def exec_in(
    stack: Stack,
    name: str,
    command: Sequence[str],
    *,
    engine: Engine | None = None,
) -> int:
    """Run a program inside a service, with this terminal where there is one.

    Args:
        name: of the service; `command` the program and its words.

    Returns: the program's exit code; 128 + n when signal n ended it.
    Raises:
        UsenetError: service.unknown, service.off, service.absent,
            service.not-running, or the Engine does not answer.
        BrokenPipeError: nobody reads our output any more.
    Effects: those of the program, which gets our standard input and writes
        straight to our standard output. It gets the signals that we get.
    """
    engine = engine or Engine()
    container = container_of(stack, engine, name)
    if not container.running:
        raise UsenetError("service.not-running", name=container.service)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    number = engine.exec_create(container.id, command, terminal)
    running = _Running(engine, container.id, number, terminal)
    sys.stdout.flush()
    with ExitStack() as open_things:
        opened = engine.exec_attach(number, terminal)
        connection, reader = open_things.enter_context(opened)
        open_things.enter_context(_signals(running))
        if terminal:
            open_things.enter_context(_raw_terminal())
            open_things.enter_context(_sized(running))
        feeder = threading.Thread(target=_feed, args=(connection,), daemon=True)
        feeder.start()
        heard = _pass_on(demultiplex(reader, terminal))
    if not heard:
        raise BrokenPipeError
    return int(engine.exec_inspect(number)["ExitCode"])


class _Running(NamedTuple):
    engine: Engine
    container: str
    number: str
    terminal: bool

    def send(self, signal_number: int) -> bool:
        """Send a signal to the program; tell whether that could be done."""
        try:
            pid = self._pid_inside()
            if pid is None:
                return False
            kill = ["sh", "-c", f"kill -{signal_number} {pid}"]
            return self.engine.exec_capture(self.container, kill)[0] == 0
        except UsenetError:
            return False

    def _pid_inside(self) -> int | None:
        """Return its process id as the container counts."""
        pid = self._pid()
        process = Path(f"/proc/{pid}")
        try:
            # An Engine in another namespace counts otherwise than we do.
            if self.container not in (process / "cgroup").read_text():
                return None
            lines = (process / "status").read_text().splitlines()
        except OSError:
            return None
        ids = [line.split() for line in lines if line.startswith("NSpid:")]
        return int(ids[0][-1]) if ids else None

    def _pid(self) -> int:
        # The first output comes before the Engine notes whose it is.
        for _ in range(PID_ATTEMPTS):
            pid = int(self.engine.exec_inspect(self.number).get("Pid") or 0)
            if pid:
                return pid
            time.sleep(PID_PAUSE)
        return 0

    def resize(self) -> None:
        """Give it the size of our terminal."""
        with suppress(OSError, UsenetError):
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
            self.engine.exec_resize(self.number, rows, columns)


def _feed(connection: socket.socket) -> None:
    """Send our standard input until its end, or the program's."""
    with suppress(OSError):
        while block := os.read(0, BLOCK):
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)


def _pass_on(blocks: Iterable[Block]) -> bool:
    """Write what comes; return whether the reader stayed to the end."""
    for stream, block in blocks:
        left = memoryview(block)
        while left:
            try:
                left = left[os.write(2 if stream == "stderr" else 1, left) :]
            except BrokenPipeError:
                return False
    return True


@contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _sized(running: _Running) -> Iterator[None]:
    running.resize()
    with _handling({signal.SIGWINCH: lambda *_: running.resize()}):
        yield


@contextmanager
def _signals(running: _Running) -> Iterator[None]:
    def forward(number: int, _frame: object) -> None:
        if not running.send(number):
            # Nobody else would end this.
            raise KeyboardInterrupt

    with _handling(dict.fromkeys(FORWARDED, forward)):
        yield


@contextmanager
def _handling(
    handlers: dict[signal.Signals, Callable[[int, object], None]],
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {n: signal.signal(n, handler) for n, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
