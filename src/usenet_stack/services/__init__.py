"""The services room: see how they are, start and stop them, look inside.

Its modules are imported when they are first asked for, because a deploy
that finds nothing to change needs but two of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usenet_stack.services.asking import ask_all
    from usenet_stack.services.health import WELL, Health, probe_services
    from usenet_stack.services.inside import exec_in
    from usenet_stack.services.listing import list_services
    from usenet_stack.services.logs import LogLine, follow_logs
    from usenet_stack.services.memory import memory_of
    from usenet_stack.services.steering import (
        plan_restart,
        plan_start,
        plan_stop,
        restart,
        start,
        stop,
    )
    from usenet_stack.services.waiting import wait_until_well

__all__ = [
    "WELL",
    "Health",
    "LogLine",
    "ask_all",
    "exec_in",
    "follow_logs",
    "list_services",
    "memory_of",
    "plan_restart",
    "plan_start",
    "plan_stop",
    "probe_services",
    "restart",
    "start",
    "stop",
    "wait_until_well",
]

_MODULES = {
    "WELL": "health",
    "Health": "health",
    "LogLine": "logs",
    "ask_all": "asking",
    "exec_in": "inside",
    "follow_logs": "logs",
    "list_services": "listing",
    "memory_of": "memory",
    "probe_services": "health",
    "wait_until_well": "waiting",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"{__name__} has no {name}")
    module = _MODULES.get(name, "steering")
    return getattr(import_module(f"{__name__}.{module}"), name)
