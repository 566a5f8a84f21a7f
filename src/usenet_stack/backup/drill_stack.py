"""The throw-away stack of a drill: made, started, taken down.

It is deployed and destroyed by this very program, in processes of their own:
what a drill proves is then what a user gets.
"""

import contextlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.clock import usenet_command
from usenet_stack.backup.copy_databases import die_with_parent
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.stack.model import Stack, project_name
from usenet_stack.stack.template import NewStack, new_settings_text

SECONDS = 1200.0
# Stands in the folder of a drill of which containers were made.
CONTAINERS = "containers"
MOUNTS = Path("/proc/self/mountinfo")


def write_settings(
    stack: Stack, folder: Path, names: Sequence[str], was: Path
) -> None:
    """Write the stack.toml of a sandbox with just these services.

    Args:
        was: the backed-up one, whose owner of files counts; it may be
            missing.
    """
    ids = {"puid": stack.settings.stack.puid, "pgid": stack.settings.stack.pgid}
    with contextlib.suppress(OSError, tomllib.TOMLDecodeError):
        table = tomllib.loads(was.read_text("utf-8", "replace")).get("stack")
        found = table if isinstance(table, dict) else {}
        ids |= {
            key: found[key] for key in ids if isinstance(found.get(key), int)
        }
    defaults = {s.name for s in stack.catalog.values() if s.default}
    new = NewStack(
        folder.name,
        sandbox=True,
        profile="light",
        puid=ids["puid"],
        pgid=ids["pgid"],
        enable=tuple(n for n in names if n not in defaults),
        disable=tuple(sorted(defaults - set(names))),
    )
    (folder / STACK_FILE).write_text(new_settings_text(new))


def start_drill(folder: Path) -> dict[str, tuple[str, str]]:
    """Deploy the sandbox.

    Returns: the state of each service, and what is said of it.
    Raises:
        UsenetError: backup.drill-start: nothing was started.
    """
    done = _usenet(folder, "deploy", "--yes", "--format=json")
    try:
        told = msgspec.json.decode(done.stdout, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    rows = told.get("data", {}).get("services", [])
    if not rows:
        errors = told.get("errors") or [{"message": done.stderr[-300:]}]
        first = errors[0]
        why = f"{first.get('message', '')} {first.get('why', '')}".strip()
        raise UsenetError("backup.drill-start", why=why)
    return {
        row["name"]: (row.get("state", ""), row.get("reason", ""))
        for row in rows
    }


def stop_drill(folder: Path) -> None:
    """Take the containers and the network down; the files stay."""
    _usenet(folder, "destroy", "--yes", "--quiet")


def announce_containers(folder: Path) -> None:
    """Note that there will be containers, so that none is forgotten."""
    (folder / CONTAINERS).touch()


def remove_drill(folder: Path) -> None:
    """Remove a sandbox with all that it left on the machine.

    Raises:
        UsenetError: backup.drill-left: something is still mounted there;
            backup.drill-owned: its files belong to somebody else;
            docker.not-running while there may be containers.
    """
    if not folder.exists():
        return
    if (folder / STACK_FILE).exists():
        stop_drill(folder)
    # Whatever was left by one that was killed half way.
    try:
        _remove_containers(project_name(folder.name))
    except UsenetError:
        if (folder / CONTAINERS).exists():
            raise
    if any(_is_mounted_below(folder)):
        raise UsenetError("backup.drill-left", path=folder)
    try:
        shutil.rmtree(folder)
    except PermissionError as problem:
        raise UsenetError("backup.drill-owned", path=folder) from problem


def _remove_containers(project: str) -> None:
    engine = Engine()
    for container in engine.containers(project):
        engine.remove(container["Id"], volumes=True)
    for network in engine.networks(project):
        engine.remove_network(network["Id"])


def _is_mounted_below(folder: Path) -> list[str]:
    lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    targets = [line.split(" ")[4] for line in lines]
    below = str(folder).replace(" ", "\\040")
    return [t for t in targets if t == below or t.startswith(f"{below}/")]


def _usenet(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    home = folder / "home"
    # It is to be in no list of stacks, and to leave no file elsewhere.
    names = ("CACHE", "CONFIG", "DATA", "STATE")
    own = {f"XDG_{name}_HOME": str(home / name.lower()) for name in names}
    kept = {k: v for k, v in os.environ.items() if k != "USENET_STACK"}
    try:
        return subprocess.run(
            [*usenet_command(), f"--stack={folder}", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=kept | own,
            cwd=folder,
            timeout=SECONDS,
            preexec_fn=die_with_parent,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise UsenetError("backup.drill-start", why=f"{problem}.") from problem
