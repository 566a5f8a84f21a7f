"""Bring containers to rest, whatever the Engine was asked for before."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError

REGULAR = {"label": ["com.docker.compose.oneoff=False"]}
AT_REST = ("created", "exited")
# What was asked for comes within moments: each look is later than the last.
PAUSES = (0.1, 0.4, 1.0, 2.0)


def come_to_rest(project: str, names: Collection[str]) -> list[dict[str, Any]]:
    """Stop what runs of some services, spare containers included.

    A run that was killed may have asked the Engine for something: it goes
    on with that, and what looks as if it ran ends a moment later, what
    looks as if it rested starts, and what is there may go. So each is
    stopped in any case, which waits for a stop or a start that is under
    way, until nothing moves any more.

    Returns: those that are there then, as `Engine.containers` has them.
    Raises:
        UsenetError: the Engine does not answer.
    """
    engine = Engine()
    found = _containers(engine, project, names)
    for pause in PAUSES:
        for container in found:
            with _gone_is_fine():
                engine.stop(str(container["Id"]))
        before, found = found, _containers(engine, project, names)
        if _ids(before) == _ids(found) and _all_rest(found):
            break
        time.sleep(pause)
    return found


def _containers(
    engine: Engine, project: str, names: Collection[str]
) -> list[dict[str, Any]]:
    found = engine.containers(project, filters=REGULAR)
    return [c for c in found if c["Labels"].get(SERVICE_LABEL) in names]


def _ids(found: list[dict[str, Any]]) -> set[str]:
    return {str(container["Id"]) for container in found}


def _all_rest(found: list[dict[str, Any]]) -> bool:
    return all(container["State"] in AT_REST for container in found)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Let a container that was removed meanwhile be."""
    try:
        yield
    except UsenetError as error:
        if error.code not in ("docker.not-found", "docker.conflict"):
            raise
