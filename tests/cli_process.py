"""Run the CLI as its own process, apart from the user's real files."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[1]
# What the launcher executes; see `start` there.
COMMAND = (
    sys.executable,
    "-I",
    str(CHECKOUT / "src/usenet_stack/__main__.py"),
)


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    rc: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The envelope on stdout; an error shows what was there instead."""
        try:
            return json.loads(self.stdout)
        except json.JSONDecodeError as error:
            raise AssertionError(f"no JSON on stdout: {self}") from error


def isolated_environment(home: Path) -> dict[str, str]:
    """Return this environment with every user folder below `home`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("USENET_", "XDG_", "PYTEST_"))
    }
    folders = {
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local/share",
        "XDG_STATE_HOME": home / ".local/state",
    }
    return (
        kept
        | {name: str(path) for name, path in folders.items()}
        | {
            "HOME": str(home),
            "TERM": "dumb",
            "COLUMNS": "80",
            # The tools of the development environment, Compose among them.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
    )


@dataclass(frozen=True)
class Cli:
    """A CLI with a home folder of its own."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def environment(
        self, extra: dict[str, str] | None = None
    ) -> dict[str, str]:
        return isolated_environment(self.home) | self.environ | (extra or {})

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdin: str = "",
        timeout: float = 240,
    ) -> Ran:
        """Run to the end; the home folder is the default place to stand."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd or self.home,
            env=self.environment(env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start without waiting, in a session of its own (for kills)."""
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd or self.home,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
