"""The whole terminal for a while: drawn anew, and left as it was."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import IO, Self

# The alternate screen without a cursor; back; to the top; to the end.
_ENTER, _LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
_HOME, _REST, _LINE_END = "\033[H", "\033[J", "\033[K"
_KEY_BYTES = 32


class FullScreen:
    """Shows pages on the alternate screen of a terminal.

    Args:
        out: a terminal.

    Effects: within `with`, keys arrive without Enter and are not shown, and
        a change of the window's size ends `wait`. Ctrl-C works as always.
    """

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._keys = -1
        self._modes: list[int | list[bytes | int]] = []

    def __enter__(self) -> Self:
        self._told, self._tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_wakeup = signal.set_wakeup_fd(self._tell)
        self._old_resize = signal.signal(signal.SIGWINCH, _woken)
        if sys.stdin.isatty():
            self._keys = sys.stdin.fileno()
            self._modes = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        self._out.write(_ENTER)
        self._out.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._keys >= 0:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._modes)
        signal.signal(signal.SIGWINCH, self._old_resize)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._told)
        os.close(self._tell)
        self._out.write(_LEAVE)
        self._out.flush()

    @property
    def size(self) -> os.terminal_size:
        """Return columns and lines, as they are now."""
        return os.get_terminal_size(self._out.fileno())

    def draw(self, lines: Iterable[str]) -> None:
        """Show lines; those that do not fit below are counted, not shown."""
        shown, height = list(lines), self.size.lines
        if len(shown) > height:
            more = len(shown) - height + 1
            shown = [*shown[: height - 1], f"({more} more lines)"]
        page = "\r\n".join(f"{line}{_LINE_END}" for line in shown)
        self._out.write(f"{_HOME}{page}{_REST}")
        self._out.flush()

    def wait(self, seconds: float) -> str:
        """Wait for a key, a new size of the window, or the time to pass.

        Returns: the key, "" without one.
        """
        sources = [self._told, *([self._keys] if self._keys >= 0 else [])]
        ready, _, _ = select.select(sources, (), (), max(0.0, seconds))
        if self._told in ready:
            os.read(self._told, _KEY_BYTES)
        if self._keys in ready:
            return os.read(self._keys, _KEY_BYTES).decode(errors="replace")
        return ""


def _woken(_number: int, _frame: FrameType | None) -> None:
    """Let the signal end `wait`, by the file that it writes to."""
