"""Run a deploy: lock, look, plan, execute, tell."""

import os
from collections.abc import Callable
from pathlib import Path

from usenet_stack.deploy.desired import desired_stack, target_folder
from usenet_stack.deploy.observe import observe, wanted_of
from usenet_stack.deploy.planner import plan_deploy, plan_storage
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.deploy.summary import plan_result, summarise
from usenet_stack.hardware import detect_hardware, list_hardware
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage import pool_status
from usenet_stack.transaction import SILENT, Observer, Plan, open_session

Approve = Callable[[Plan], None]


def deploy_stack(
    request: DeployRequest,
    observer: Observer = SILENT,
    approve: Approve = lambda _fixes: None,
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
    if request.hardware_only:
        return list_hardware()
    folder = target_folder(request, Path.cwd(), os.environ)
    if request.dry_run:
        stack, plan = _plan(folder, request)
        return plan_result(stack, plan)
    folder.mkdir(parents=True, exist_ok=True)
    with open_session(folder, "deploy", observer, supersedes=True) as session:
        stack, plan = _plan(folder, request)
        fixes = tuple(
            step
            for step in plan.steps
            if step.operation.kind.startswith("fix.")
        )
        if fixes:
            approve(Plan("deploy", fixes))
        outcome = session.run(plan)
    if request.storage_only:
        return pool_status(stack)
    return summarise(stack, request, plan, outcome)


def _plan(folder: Path, request: DeployRequest) -> tuple[Stack, Plan]:
    hardware = detect_hardware()
    desired = desired_stack(folder, request, hardware)
    wanted = wanted_of(desired, request, hardware)
    observed = observe(desired.stack, wanted, request)
    planner = plan_storage if request.storage_only else plan_deploy
    return desired.stack, planner(wanted, observed)
