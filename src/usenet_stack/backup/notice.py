"""The notice of a scheduled backup: to an address on the web, or a program."""

import os
import shlex
import subprocess
from urllib.parse import urlsplit

from usenet_stack.errors import UsenetError

SECONDS = 30.0
WEB = ("http://", "https://")
TITLE = "USENET_NOTICE_TITLE"


def send_notice(to: str, title: str, text: str, *, ok: bool) -> None:
    """Tell a person how a backup went.

    Args:
        to: an address to which the text is posted, with the title as a
            header (as ntfy takes it), or a command line that gets the text
            on its standard input and the title in $USENET_NOTICE_TITLE.

    Raises:
        UsenetError: backup.notice. What is in the address may be a secret,
            so the error names its host only.
    """
    if to.startswith(WEB):
        _post(to, title, text, ok)
    else:
        _run(to, title, text)


def _post(address: str, title: str, text: str, ok: bool) -> None:
    import http.client
    import urllib.error
    import urllib.request

    host = _host(address)
    plain = title.encode("ascii", "replace").decode()
    headers = {
        "Title": plain,
        "Priority": "default" if ok else "high",
        "Content-Type": "text/plain; charset=utf-8",
    }
    try:
        request = urllib.request.Request(
            address, f"{title}\n{text}\n".encode(), headers
        )
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
    except urllib.error.HTTPError as problem:
        raise _failed(host, f"It answered {problem.code}.") from None
    except (OSError, ValueError, http.client.HTTPException) as problem:
        reason = getattr(problem, "reason", None) or type(problem).__name__
        raise _failed(host, f"{reason}.") from None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "the web"
    except ValueError:
        return "the web"


def _run(command: str, title: str, text: str) -> None:
    try:
        words = shlex.split(command)
        done = subprocess.run(
            words,
            input=f"{title}\n{text}\n",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, TITLE: title},
        )
    except subprocess.TimeoutExpired:
        why = f"It took more than {SECONDS:.0f} s."
        raise _failed(words[0], why) from None
    except (OSError, ValueError) as problem:
        name = command.split(" ", 1)[0]
        raise _failed(name, f"{problem}.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        why = f"Its exit code was {done.returncode}. {last}".strip()
        raise _failed(words[0], why)


def _failed(to: str, why: str) -> UsenetError:
    return UsenetError("backup.notice", to=to, why=why)
