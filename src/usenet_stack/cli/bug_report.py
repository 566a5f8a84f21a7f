"""The report of a bug: what happened where, without any secret.

It holds versions, the command line and the stack trace; never the
environment, never the values of variables.
"""

import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from usenet_stack import __version__

HIDDEN = "[hidden]"
_SHAPES = (
    # key=value and key: value, whatever the value looks like
    re.compile(
        r"(?i)((?:pass(?:word|wd)?|secret|token|api[_-]?key|auth\w*|cookie)"
        r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+"
    ),
    # user:password@host
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
    # a key of the applications: 32 or more hexadecimal digits
    re.compile(r"(?i)()(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])"),
    # base64 and the like: long, with upper case, lower case and digits
    re.compile(
        r"()(?<![\w+/-])(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)"
        r"[A-Za-z0-9+_-]{24,}={0,2}"
    ),
)


def write_report(bug: BaseException, words: Sequence[str]) -> str:
    """Write the report of an unexpected exception.

    Args:
        bug: what was raised.
        words: the command line after "usenet".

    Returns: the path of the file, or a remark that there is none.
    Effects: one new file, mode 0600, below $XDG_STATE_HOME/usenet/reports
        (else ~/.local/state), or in the folder for temporary files.
    """
    text = redact(_text(bug, words), _known_secrets(words))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = f"{stamp}-{os.getpid()}.txt"
    for folder in (_reports(os.environ), Path(tempfile.gettempdir())):
        try:
            return str(_write(folder, f"bug-{name}", text))
        except OSError:
            continue
    return "(none: no folder for it can be written)"


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """Return text without known secrets and without what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(rf"\1{HIDDEN}", text)
    return text


def _text(bug: BaseException, words: Sequence[str]) -> str:
    trace = traceback.TracebackException.from_exception(bug)
    system = os.uname()
    facts = (
        f"usenet {__version__}",
        f"Python {sys.version.split()[0]}",
        f"{system.sysname} {system.release} {system.machine}",
        f"command: usenet {' '.join(words)}",
    )
    return "\n".join(facts) + "\n\n" + "".join(trace.format())


def _reports(environ: Mapping[str, str]) -> Path:
    state = environ.get("XDG_STATE_HOME", "")
    home = Path(environ.get("HOME") or tempfile.gettempdir())
    base = Path(state) if state.startswith("/") else home / ".local/state"
    return base / "usenet" / "reports"


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path


def _known_secrets(words: Sequence[str]) -> list[str]:
    """The values in the `.env` of every stack that may have been meant."""
    from usenet_stack.stack.locate import known_stacks

    named = [
        words[index + 1]
        for index, word in enumerate(words[:-1])
        if word == "--stack"
    ]
    named += [w.split("=", 1)[1] for w in words if w.startswith("--stack=")]
    here = [Path.cwd(), *Path.cwd().parents]
    folders = [*map(Path, named), *known_stacks(os.environ), *here]
    if chosen := os.environ.get("USENET_STACK"):
        folders.append(Path(chosen))
    return [value for folder in folders for value in _env_values(folder)]


def _env_values(folder: Path) -> list[str]:
    try:
        text = (folder / ".env").read_text("utf-8", "replace")
    except OSError:
        return []
    values = (line.partition("=")[2] for line in text.splitlines())
    # Shorter ones (a port, "true") would blank out half of the report.
    return [v for v in (v.strip().strip("\"'") for v in values) if len(v) > 5]
