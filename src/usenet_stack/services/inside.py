"""`usenet services exec`: run a program inside a service's container."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from usenet_stack.docker.engine import Engine
from usenet_stack.docker.streams import StreamName
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import container_of
from usenet_stack.stack.model import Stack

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


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
    Effects: those of the program, which writes straight to our standard
        output. Without Docker's own command line it has no input.
    """
    engine = engine or Engine()
    container = container_of(stack, engine, name)
    if not container.running:
        raise UsenetError("service.not-running", name=container.service)
    docker = shutil.which("docker")
    if docker is None:
        return engine.exec_stream(container.id, command, _write)
    # The user's Docker context may mean another Engine than ours.
    line = [docker, f"--host=unix://{engine.wire.path}", "exec"]
    line.append("--interactive")
    if sys.stdin.isatty() and sys.stdout.isatty():
        line.append("--tty")
    return _run([*line, container.id, *command])


def _write(stream: StreamName, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(2 if stream == "stderr" else 1, left) :]


def _run(line: list[str]) -> int:
    sys.stdout.flush()
    with subprocess.Popen(line) as child, _forwarding(child):
        status = child.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def forward(number: int, _frame: object) -> None:
        child.send_signal(number)

    # A terminal sends Ctrl-C to both: it is meant for the program.
    old = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    old |= {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
