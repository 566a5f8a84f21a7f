"""Open a page in the browser of the desktop, where there is one."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def open_in_browser(url: str) -> None:
    """Start a browser, on a desktop and in a terminal only.

    Effects: a process that outlives this one; what it says goes nowhere.
    """
    line = browser_line(url, os.environ)
    if line is None or not sys.stdout.isatty():
        return
    try:
        subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return  # the address has been printed


def browser_line(url: str, environ: Mapping[str, str]) -> list[str] | None:
    """Return the command line that opens a page, None without a desktop.

    Source: $BROWSER as other programs read it: alternatives with colons
        between, %s for the address.
    """
    if not any(environ.get(name) for name in DISPLAYS):
        return None
    for choice in environ.get("BROWSER", "").split(":"):
        try:
            words = shlex.split(choice)
        except ValueError:
            continue
        if words and shutil.which(words[0], path=environ.get("PATH")):
            if any("%s" in word for word in words):
                return [word.replace("%s", url) for word in words]
            return [*words, url]
    found = shutil.which("xdg-open", path=environ.get("PATH"))
    return [found, url] if found else None
