"""What the user asked `usenet deploy` for, as frozen data."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack.locate import (
    default_folder,
    find_stack,
    sandbox_folder,
)


class DeployRequest(NamedTuple):
    """The options of `usenet deploy`.

    Args:
        stack_folder: the stack named by --stack, or None for the one found.
        sandbox: the practice stack with simulated applications.
        profile: resource profile; None keeps what stack.toml says.
        services: only these; empty means all that are enabled.
        group: only the services of this group, or None.
        skip_validation: do not check the machine first.
        storage_only, hardware_only: stop after that step.
        lan: publish the ports on the machine's LAN address.
        pull: ask the registry for newer images of the same tags.
        auto: choose the profile from the hardware, ask nothing.
        dry_run: return the plan, touch nothing.
    """

    stack_folder: Path | None = None
    sandbox: bool = False
    profile: str | None = None
    services: tuple[str, ...] = ()
    group: str | None = None
    skip_validation: bool = False
    storage_only: bool = False
    hardware_only: bool = False
    lan: bool = False
    pull: bool = False
    auto: bool = False
    dry_run: bool = False


def target_folder(
    request: DeployRequest, cwd: Path, environ: Mapping[str, str]
) -> Path:
    """Return the folder that a deploy acts on; it may not exist yet.

    Without --sandbox the sandbox is never taken for the user's own stack
    when there is none: deploying for real makes the default one.
    """
    if request.stack_folder is not None:
        return (cwd / request.stack_folder.expanduser()).resolve()
    if request.sandbox:
        return sandbox_folder(environ).resolve()
    try:
        found = find_stack(None, cwd, environ)
    except UsenetError as error:
        if error.code != "stack.not-found" or "USENET_STACK" in environ:
            raise
        return default_folder(environ).resolve()
    if found.origin == "sandbox":
        return default_folder(environ).resolve()
    return found.folder
