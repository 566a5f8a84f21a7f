"""Wait until services are well, or will not be."""

import time
from collections.abc import Sequence

from usenet_stack.docker.engine import Engine
from usenet_stack.services.health import (
    RESTARTS,
    WELL,
    Health,
    probe_services,
)
from usenet_stack.stack.model import Stack
from usenet_stack.transaction.operation import Progress

ASK_SECONDS = 3.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
# An application that starts may not have read its keys yet; longer than this
# no waiting makes a wrong key right.
REFUSED_SECONDS = 15.0


def wait_until_well(
    stack: Stack,
    engine: Engine,
    names: Sequence[str],
    progress: Progress,
) -> dict[str, Health]:
    """Ask services until each is well, is hopeless or has had its time.

    Args:
        progress: called with how many of them are settled.

    Returns: the last health of each.
    Raises:
        UsenetError: the Engine does not answer.
    """
    began = time.monotonic()
    found: dict[str, Health] = {}
    waiting = list(names)
    pause = FIRST_PAUSE
    while waiting:
        found |= probe_services(stack, engine, waiting, ASK_SECONDS)
        spent = time.monotonic() - began
        waiting = [
            name
            for name in waiting
            if not _settled(found[name], spent)
            and spent < stack.catalog[name].health.limit_seconds
        ]
        done = len(names) - len(waiting)
        progress("healthy", done, len(names), "services")
        if waiting:
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
    return found


def _settled(health: Health, spent: float) -> bool:
    hopeless = health.state == "down" and health.restarts >= RESTARTS
    refused = health.api == "refused" and spent >= REFUSED_SECONDS
    return health.state in WELL or hopeless or refused
