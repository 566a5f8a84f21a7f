"""Runs a picker on a terminal, and gives the terminal back as it was."""

import codecs
import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from usenet_stack.render.picker import LOWEST, NARROWEST, Picker

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
# A key is one character, or one sequence that a terminal sends for it.
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|.", re.DOTALL)


def can_pick(environ: "os._Environ[str] | dict[str, str]") -> bool:
    """Tell whether there is a terminal, and one that can be painted."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    if environ.get("TERM", "dumb") == "dumb":
        return False
    size = os.get_terminal_size(sys.stdout.fileno())
    return size.columns >= NARROWEST and size.lines >= LOWEST


def run_picker(picker: Picker) -> bool:
    """Let a person choose; return False when they left without applying.

    Effects: paints the terminal's other screen and gives it back, whatever
        happens. Ctrl-C and the end of the input leave.
    """
    output = sys.stdout.fileno()
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with _screen(output) as resized:
        while True:
            width, height = os.get_terminal_size(output)
            lines = picker.paint(width, height)
            _write(output, "\x1b[H" + "\r\n".join(_ended(lines, height)))
            typed = _read(resized)
            if typed is None:
                continue
            if not typed:
                return False
            for key in _KEY.findall(decode(typed)):
                meant = picker.press(key, height)
                if meant:
                    return meant == "apply"


def _ended(lines: list[str], height: int) -> list[str]:
    return [f"{line}\x1b[K" for line in lines[:height]]


def _read(resized: int) -> bytes | None:
    """Return what was typed, b"" at the end, None when only the size is new."""
    keyboard = sys.stdin.fileno()
    ready, _, _ = select.select([keyboard, resized], [], [])
    if keyboard in ready:
        return os.read(keyboard, 1024)
    os.read(resized, 64)
    return None


def _write(output: int, text: str) -> None:
    rest = text.encode(errors="replace")
    while rest:
        rest = rest[os.write(output, rest) :]


@contextmanager
def _screen(output: int) -> Iterator[int]:
    """Take the screen and the keys; hand out what tells of a new size."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    old = signal.signal(signal.SIGWINCH, lambda *_: _tell(tell))
    try:
        tty.setraw(keyboard)
        _write(output, _ENTER)
        yield told
    finally:
        _write(output, _LEAVE)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, old)
        os.close(told)
        os.close(tell)


def _tell(pipe: int) -> None:
    try:
        os.write(pipe, b".")
    except BlockingIOError:
        return  # it has been told already
