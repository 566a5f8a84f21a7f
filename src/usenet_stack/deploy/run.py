"""Run a deploy: the fast way when nothing changed, else the whole one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from usenet_stack.deploy.request import DeployRequest, target_folder
from usenet_stack.deploy.settled import settled
from usenet_stack.result import Result

if TYPE_CHECKING:
    from usenet_stack.transaction import Observer, Plan

Approve = Callable[["Plan"], None]


def deploy_stack(
    request: DeployRequest, observer: "Observer", approve: Approve
) -> Result:
    """Bring a stack up, or only what differs from what should be.

    Args:
        request: what the user asked for.
        observer: is told of every step.
        approve: called with the steps that change the machine itself
            (installing Docker, raising limits), if there are any; raises
            when the user does not want them.

    Returns: the services with their states; errors and exit 3 when some of
        them failed; the plan for a dry run.
    Raises:
        UsenetError: nothing was deployed: deploy.preflight, lock.held,
            transaction.rolled-back (exit 13).
    Effects: those of the plan, which its journal holds.
    """
    folder = target_folder(request, Path.cwd(), os.environ)
    if found := settled(folder, request):
        return found
    from usenet_stack.deploy.converge import converge

    return converge(folder, request, observer, approve)
