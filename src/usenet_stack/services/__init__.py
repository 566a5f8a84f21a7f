"""The services room: see how they are, start and stop them, look inside.

Its modules are imported when they are first asked for, because a deploy
that finds nothing to change needs but one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usenet_stack.services.asking import ask_all
    from usenet_stack.services.explaining import explain_services
    from usenet_stack.services.health import WELL, Health, probe_services
    from usenet_stack.services.inside import exec_in
    from usenet_stack.services.listing import list_services
    from usenet_stack.services.logs import (
        LogLine,
        Wish,
        follow_logs,
        with_container,
    )
    from usenet_stack.services.network import (
        config_hashes,
        lost_guests,
        recreate_dependents,
    )
    from usenet_stack.services.probe import probe_once
    from usenet_stack.services.resting import come_to_rest
    from usenet_stack.services.steering import (
        plan_restart,
        plan_start,
        plan_stop,
        restart,
        select,
        start,
        stop,
    )
    from usenet_stack.services.waiting import wait_until_well

__all__ = [
    "WELL",
    "Health",
    "LogLine",
    "Wish",
    "ask_all",
    "come_to_rest",
    "config_hashes",
    "exec_in",
    "explain_services",
    "follow_logs",
    "list_services",
    "lost_guests",
    "plan_restart",
    "plan_start",
    "plan_stop",
    "probe_once",
    "probe_services",
    "recreate_dependents",
    "restart",
    "select",
    "start",
    "stop",
    "wait_until_well",
    "with_container",
]

_MODULES = {
    "WELL": "health",
    "Health": "health",
    "LogLine": "logs",
    "Wish": "logs",
    "ask_all": "asking",
    "come_to_rest": "resting",
    "exec_in": "inside",
    "explain_services": "explaining",
    "follow_logs": "logs",
    "list_services": "listing",
    "config_hashes": "network",
    "lost_guests": "network",
    "probe_once": "probe",
    "probe_services": "health",
    "recreate_dependents": "network",
    "wait_until_well": "waiting",
    "with_container": "logs",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"{__name__} has no {name}")
    module = _MODULES.get(name, "steering")
    return getattr(import_module(f"{__name__}.{module}"), name)
