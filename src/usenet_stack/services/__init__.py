"""The services room: see how they are, start and stop them, look inside."""

from usenet_stack.services.health import WELL, Health, probe_services
from usenet_stack.services.inside import exec_in
from usenet_stack.services.listing import list_services
from usenet_stack.services.logs import LogLine, follow_logs
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
    "exec_in",
    "follow_logs",
    "list_services",
    "plan_restart",
    "plan_start",
    "plan_stop",
    "probe_services",
    "restart",
    "start",
    "stop",
    "wait_until_well",
]
