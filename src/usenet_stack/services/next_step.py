"""The command to try next, for every state that a service can be in."""

import os
from collections.abc import Mapping
from typing import Any

from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

Row = Mapping[str, Any]


def next_step(stack: Stack, service: Service, row: Row) -> str:
    """Return the command that helps most; there always is one.

    Args:
        row: of `services list`, and `container`: None or its facts.
    """
    name, container = service.name, row["container"]
    match row["state"]:
        case "ready" | "timer" if row["api"] == "setup":
            return f"usenet services open {name}"
        case "ready" | "timer" if service.deprecated:
            return f"usenet help services   ({name} is retired upstream)"
        case "ready" if service.web:
            return f"usenet services open {name}"
        case "ready" | "timer" | "starting":
            return f"usenet services logs {name} --follow"
        case "stopped" if container is None:
            return _deploy(stack, name)
        case "stopped":
            return f"usenet services start {name}"
        case "unknown" if container is None:
            return "usenet validate"
    if container is not None and container["state"] == "paused":
        return f"docker unpause {container['name']}"
    if container is not None and container["out_of_memory"]:
        return "usenet config set stack.profile dedicated   (more memory)"
    if container is not None and container["error"]:
        return _deploy(stack, name)
    if "nothing listens" in row["reason"]:
        return f"usenet services restart {name}"
    return f"usenet services logs {name}"


def _deploy(stack: Stack, name: str) -> str:
    return f"{deploy_command(stack.folder, os.environ)} --services {name}"
