"""What a deploy is to bring about: the stack, new or changed by options."""

import os
import socket
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from usenet_stack.deploy.request import DeployRequest
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.hardware import Hardware
from usenet_stack.preflight import Site, port_is_free
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.editing import change_text
from usenet_stack.stack.locate import (
    STACK_FILE,
)
from usenet_stack.stack.model import Stack, project_name
from usenet_stack.stack.ports import reassign
from usenet_stack.stack.settings import parse_settings, read_settings_text
from usenet_stack.stack.template import NewStack, new_settings_text

Edit = Callable[[Path, str], str]

WORKING_FOLDER = "com.docker.compose.project.working_dir"


class Desired(NamedTuple):
    """The stack as it is to be, and the `stack.toml` that says so."""

    stack: Stack
    settings_text: str


def desired_stack(
    folder: Path,
    request: DeployRequest,
    hardware: Hardware,
    edit: Edit = lambda _path, text: text,
) -> Desired:
    """Return the stack in `folder` with the options of a deploy applied.

    Args:
        edit: changes the text of its stack.toml further.

    Raises:
        UsenetError: settings.invalid, catalog.invalid, service.unknown;
            deploy.not-sandbox when --sandbox names a stack of real
            applications; deploy.name-taken.
    """
    path = folder / STACK_FILE
    if path.exists():
        text = read_settings_text(folder)
    else:
        text = new_settings_text(_new_stack(folder, request))
    changes: dict[str, str] = {}
    if request.profile:
        changes["stack.profile"] = request.profile
    elif request.auto:
        changes["stack.profile"] = hardware.profile
    if request.lan:
        changes["stack.bind"] = lan_address()
    text = change_text(text, path, changes) if changes else text
    text = edit(path, text)
    stack = _stack(folder, text)
    if request.sandbox and not stack.sandbox:
        raise UsenetError("deploy.not-sandbox", folder=folder)
    owner = project_owner(stack.project)
    if owner not in (None, folder):
        raise UsenetError(
            "deploy.name-taken", name=stack.name, owner=owner, folder=folder
        )
    if stack.sandbox:
        text = _with_free_ports(stack, text)
        stack = _stack(folder, text)
    return Desired(stack, text)


def _stack(folder: Path, text: str) -> Stack:
    settings = parse_settings(text, folder / STACK_FILE)
    return Stack(folder, settings, load_catalog(folder / "services.d"))


def _new_stack(folder: Path, request: DeployRequest) -> NewStack:
    uid, gid = _person()
    name = "sandbox" if request.sandbox else folder.name
    return NewStack(
        name=_free_name(name, folder),
        sandbox=request.sandbox,
        timezone=_timezone(),
        puid=uid,
        pgid=gid,
        hosts=(socket.gethostname(),),
    )


def _free_name(name: str, folder: Path) -> str:
    """Return `name`, or name-2, ... where another folder's stack has it."""
    for number in count(1):
        chosen = name if number == 1 else f"{name}-{number}"
        if project_owner(project_name(chosen)) in (None, folder):
            return chosen
    raise AssertionError("count never ends")


def project_owner(project: str) -> Path | None:
    """Return the folder whose containers bear a project's name.

    Returns: None when there are none, or no Engine that could tell.
    """
    try:
        found = Engine().containers(project)
    except UsenetError:
        return None
    if not found:
        return None
    return Path(found[0]["Labels"].get(WORKING_FOLDER, "/"))


def _person() -> tuple[int, int]:
    # Media should belong to the person, not to root, also under sudo.
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    uid = os.environ.get("SUDO_UID", "1000")
    gid = os.environ.get("SUDO_GID", uid)
    return (int(uid), int(gid)) if uid.isdigit() and uid != "0" else (1000,) * 2


def _timezone() -> str:
    try:
        parts = Path("/etc/localtime").readlink().parts
        return "/".join(parts[parts.index("zoneinfo") + 1 :])
    except (OSError, ValueError):
        return "Etc/UTC"


def _with_free_ports(stack: Stack, text: str) -> str:
    """Return the settings with other ports where the usual are taken."""
    site = Site(stack)
    moved = reassign(stack, partial(port_is_free, site))
    changes = {
        f"ports.{service}.{name}": str(port)
        for service, ports in moved.items()
        for name, port in ports.items()
    }
    return change_text(text, stack.folder / STACK_FILE, changes)


def lan_address() -> str:
    """Return this machine's own address on its default route.

    Raises:
        UsenetError: deploy.no-lan when there is no route out.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing: it only asks the
            # routing table. 192.0.2.1 is reserved for documentation.
            probe.connect(("192.0.2.1", 9))
        except OSError as problem:
            raise UsenetError("deploy.no-lan", why=str(problem)) from problem
        return str(probe.getsockname()[0])
