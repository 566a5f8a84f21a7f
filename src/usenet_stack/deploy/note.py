"""Write the note from which `settled` sees that nothing changed."""

import json
from typing import Any

from usenet_stack.deploy.planner import Wanted
from usenet_stack.deploy.settled import (
    Question,
    depends,
    mount_line,
    note_path,
)
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.result import Result
from usenet_stack.stack.layout import folders, seed_paths
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.stack.model import Stack
from usenet_stack.storage import media_folders
from usenet_stack.transaction.durable import write_durably


def write_note(stack: Stack, wanted: Wanted, result: Result) -> None:
    """Note a deploy that ended well; a stack.toml edited since gets none.

    Args:
        wanted: what was deployed; `result` what came of it.

    Effects: one file, which holds no secret and may vanish at any time.
    """
    settings = (stack.folder / STACK_FILE).read_text()
    if settings != wanted.settings or result.messages:
        return
    containers = {
        container["Labels"].get(SERVICE_LABEL): container["Id"]
        for container in Engine().containers(stack.project)
    }
    paths = [str(folder.path) for folder in folders(stack)]
    paths += [str(path) for _, path in seed_paths(stack)]
    paths += map(str, media_folders(stack))
    data_root = str(stack.data_root.resolve())
    note = {
        "depends": depends(stack.folder),
        "socket": str(Engine().wire.path),
        "containers": containers,
        "paths": paths,
        "data_root": data_root,
        "mount": mount_line(data_root),
        "questions": _questions(stack),
        "data": result.data,
    }
    content = json.dumps(note).encode()
    write_durably(note_path(stack.folder), content, 0o600)


def _questions(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for service in stack.services:
        health = service.health
        address = stack.address(service, service.health_port)
        if health.kind != "container" and address is not None:
            question = Question(
                *address,
                health.kind,
                health.method,
                health.path,
                list(health.status),
                health.text,
                health.json,
            )
            found[service.name] = question._asdict()
    return found
