"""Which stack a command acts on: a folder that holds a `stack.toml`."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.errors import UsenetError

STACK_FILE = "stack.toml"
REGISTRY_FILE = "stacks.list"

Origin = Literal["option", "environment", "folder", "default", "sandbox"]


class StackLocation(NamedTuple):
    """Where the stack is, and how it was found.

    Args:
        folder: absolute path of the folder with `stack.toml`.
        origin: what named it: --stack, $USENET_STACK, the current folder
            or one above it, or one of the two platform defaults.
        alone: True when no other stack is known; else commands say which
            one they act on.
    """

    folder: Path
    origin: Origin
    alone: bool


def find_stack(
    explicit: Path | None, cwd: Path, environ: Mapping[str, str]
) -> StackLocation:
    """Find the stack that a command addresses.

    The first of these that applies: `explicit`, $USENET_STACK, the nearest
    folder upward from `cwd`, the default folder, the sandbox.

    Raises:
        UsenetError: stack.not-found; stack.foreign when the one found
            upward from `cwd` belongs to another user.
    """
    folder, origin = _locate(explicit, cwd, environ)
    others = [known for known in known_stacks(environ) if known != folder]
    return StackLocation(folder, origin, not others)


def _locate(
    explicit: Path | None, cwd: Path, environ: Mapping[str, str]
) -> tuple[Path, Origin]:
    if explicit is not None:
        return _named(explicit, cwd, "--stack"), "option"
    if named := environ.get("USENET_STACK"):
        return _named(Path(named), cwd, "$USENET_STACK"), "environment"
    for folder in _upward(cwd):
        if _holds_stack(folder):
            _refuse_foreign(folder, environ)
            return folder, "folder"
    if _holds_stack(default_folder(environ)):
        return default_folder(environ).resolve(), "default"
    if _holds_stack(sandbox_folder(environ)):
        return sandbox_folder(environ).resolve(), "sandbox"
    raise UsenetError(
        "stack.not-found",
        why=f"No {STACK_FILE} lies in {cwd} or above it, and "
        f"{default_folder(environ)} does not exist.",
    )


def _named(folder: Path, cwd: Path, by: str) -> Path:
    full = (cwd / folder.expanduser()).resolve()
    if full.name == STACK_FILE:
        full = full.parent
    if not _holds_stack(full):
        raise UsenetError(
            "stack.not-found",
            why=f"{by} names {full}, which holds no {STACK_FILE}.",
        )
    return full


def _upward(cwd: Path) -> Iterator[Path]:
    full = cwd.resolve()
    yield full
    yield from full.parents


def _holds_stack(folder: Path) -> bool:
    try:
        return (folder / STACK_FILE).is_file()
    except OSError:
        return False


def _refuse_foreign(folder: Path, environ: Mapping[str, str]) -> None:
    # A stack.toml that a stranger left in a shared folder such as /tmp
    # would start containers of their choice with our rights.
    owner = (folder / STACK_FILE).stat().st_uid
    if not trusts(owner, environ):
        raise UsenetError("stack.foreign", folder=folder, owner=owner)


def trusts(owner: int, environ: Mapping[str, str]) -> bool:
    """Return whether a stack.toml of that user is acted on unnamed."""
    sudo = environ.get("SUDO_UID", "")
    return owner in (0, os.geteuid()) or str(owner) == sudo


def data_home(environ: Mapping[str, str]) -> Path:
    """Return the program's own folder for data: $XDG_DATA_HOME/usenet."""
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "usenet"


def cache_home(environ: Mapping[str, str]) -> Path:
    """Return the program's own folder for caches: $XDG_CACHE_HOME/usenet."""
    return _xdg(environ, "XDG_CACHE_HOME", ".cache") / "usenet"


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the program's own folder for notes: $XDG_STATE_HOME/usenet."""
    return _xdg(environ, "XDG_STATE_HOME", ".local/state") / "usenet"


def _xdg(environ: Mapping[str, str], name: str, below: str) -> Path:
    # The specification says that a relative path is to be ignored.
    chosen = environ.get(name, "")
    if chosen.startswith("/"):
        return Path(chosen)
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / below


def default_folder(environ: Mapping[str, str]) -> Path:
    """Return where `usenet deploy` makes a stack when none is named."""
    return data_home(environ) / "stacks" / "default"


def sandbox_folder(environ: Mapping[str, str]) -> Path:
    """Return where `usenet deploy --sandbox` makes its stack."""
    return data_home(environ) / "stacks" / "sandbox"


def deploy_command(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the command that brings the stack in `folder` up."""
    if folder == sandbox_folder(environ).resolve():
        return "usenet deploy --sandbox"
    if folder == default_folder(environ).resolve():
        return "usenet deploy"
    import shlex

    return f"usenet deploy --stack {shlex.quote(str(folder))}"


def known_stacks(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the folders of all stacks known to this user, sorted.

    Those are the registered ones and the folders under `stacks/`; one that
    has vanished is left out.
    """
    home = data_home(environ)
    found = {Path(line) for line in _registered(home)}
    # None may have been made yet.
    with contextlib.suppress(OSError):
        found.update((home / "stacks").iterdir())
    return tuple(sorted({f.resolve() for f in found if _holds_stack(f)}))


def _registered(home: Path) -> list[str]:
    try:
        text = (home / REGISTRY_FILE).read_text("utf-8", "surrogateescape")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.startswith("/")]


def register_stack(folder: Path, environ: Mapping[str, str]) -> None:
    """Remember that `folder` holds a stack.

    Effects: appends a line to `stacks.list`, unless it is there or the
        folder is found under `stacks/` anyway.
    """
    home = data_home(environ)
    full = folder.resolve()
    if "\n" in str(full) or full.parent == (home / "stacks").resolve():
        return
    if str(full) in _registered(home):
        return
    home.mkdir(parents=True, exist_ok=True)
    # One short write in append mode: two runs at once do not tear a line.
    with (home / REGISTRY_FILE).open("ab") as file:
        file.write(os.fsencode(f"{full}\n"))
