"""What the user asked `usenet deploy` for, as frozen data."""

from pathlib import Path
from typing import NamedTuple


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
