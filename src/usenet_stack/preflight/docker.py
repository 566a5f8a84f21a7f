"""Is Docker there, does it run, may we use it, is it new enough?"""

import getpass
import shutil
from collections.abc import Iterator

from usenet_stack.errors import UsenetError
from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.site import Site

OLDEST_API = (1, 41)


def check_installed(site: Site) -> Iterator[Finding]:
    """The daemon's program, unless a daemon answers already."""
    code, path = "docker.installed", site.environ.get("PATH")
    if site.daemon.state in ("running", "denied"):
        yield ok(code, "Docker", f"A daemon is behind {site.socket}.")
    elif found := shutil.which("dockerd", path=path):
        yield ok(code, "Docker", f"Installed: {found}.")
    else:
        yield Finding(
            code,
            "fail",
            "Docker",
            "Docker is not installed.",
            site.fix_command,
        )


def check_running(site: Site) -> Iterator[Finding]:
    """A daemon that answers, and the right to ask it."""
    code, state = "docker.running", site.daemon.state
    if state == "denied":
        user = getpass.getuser()
        yield Finding(
            "docker.permission",
            "fail",
            str(site.socket),
            f"The user {user} may not use Docker.",
            f"sudo usermod -aG docker {user}   (then log in again)",
        )
        return
    if state == "running":
        message = f"Engine {site.daemon.version} answers."
        yield ok(code, str(site.socket), message)
        yield ok("docker.permission", str(site.socket), "You may use it.")
        return
    yield Finding(
        code,
        "fail",
        str(site.socket),
        f"Docker does not run: {site.daemon.why}",
        site.fix_command,
    )


def check_api(site: Site) -> Iterator[Finding]:
    """An API version that we speak."""
    daemon = site.daemon
    if daemon.state != "running":
        return
    try:
        number = tuple(map(int, daemon.api.split(".")))
    except ValueError:
        number = (0,)
    if number >= OLDEST_API:
        yield ok("docker.api", "Docker", f"API {daemon.api} is supported.")
        return
    yield Finding(
        "docker.api",
        "fail",
        "Docker",
        f"API {daemon.api} is too old: 1.41 (Engine 20.10) is needed.",
        "sudo apt-get install docker.io   (or your distribution's own)",
    )


def check_compose(site: Site) -> Iterator[Finding]:
    """Compose, version 2 or later."""
    from usenet_stack.docker.compose import find_compose

    try:
        found = find_compose(site.environ)
    except UsenetError as problem:
        yield Finding(
            "compose.version",
            "fail",
            "Compose",
            f"{problem.message} {problem.why}".strip(),
            problem.hint,
        )
        return
    yield ok(
        "compose.version",
        "Compose",
        f"Version {found.version}, from {found.origin}.",
    )
