"""One lock for each stack: flock, so that no crash leaves it behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from usenet_stack.errors import UsenetError


@contextmanager
def stack_lock(
    stack_folder: Path, command: str, wait_s: float = 0.0
) -> Iterator[None]:
    """Hold the stack's lock for the length of a `with` block.

    Args:
        stack_folder: an existing stack folder.
        command: what holds it, told to those who wait.
        wait_s: seconds to wait for another holder.

    Raises:
        UsenetError: "lock.held" (exit 11) when another run holds it.
    """
    folder = stack_folder / ".usenet"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, time.monotonic() + wait_s)
        label = f"{command}, process {os.getpid()}".encode()
        with suppress(OSError):  # a full disk must not stop a recovery
            os.pwrite(descriptor, label, 0)
            os.ftruncate(descriptor, len(label))
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace")
                raise UsenetError(
                    "lock.held", holder=holder or "just started"
                ) from None
        time.sleep(0.05)
