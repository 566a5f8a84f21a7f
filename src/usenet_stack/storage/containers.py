"""Which containers of a stack show a folder of its pool."""

from pathlib import Path
from typing import Any

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.storage.views import View, views_from


def pool_views(project: str, path: Path) -> list[View]:
    """Return how the running containers of a project see `path`.

    Raises:
        UsenetError: the Engine does not answer. Where none is installed or
            running, no container sees anything.
    """
    engine = Engine()
    try:
        running = engine.containers(project, all=False)
    except UsenetError as problem:
        if problem.code in ("docker.not-installed", "docker.not-running"):
            return []
        raise
    found = [_inspect(engine, container["Id"]) for container in running]
    return views_from([entry for entry in found if entry], path)


def _inspect(engine: Engine, container: str) -> dict[str, Any]:
    try:
        return engine.inspect(container)
    except UsenetError as problem:
        if problem.code != "docker.not-found":
            raise
        return {}  # it has ended meanwhile
