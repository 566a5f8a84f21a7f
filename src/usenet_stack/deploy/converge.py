"""Converge: lock, look, plan, execute, tell."""

from pathlib import Path
from typing import TYPE_CHECKING

from usenet_stack.deploy.desired import desired_stack
from usenet_stack.deploy.note import write_note
from usenet_stack.deploy.observe import observe, wanted_of
from usenet_stack.deploy.planner import Wanted, plan_deploy, plan_storage
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.deploy.settled import is_plain, user_files
from usenet_stack.deploy.summary import plan_result, summarise
from usenet_stack.hardware import detect_hardware, list_hardware
from usenet_stack.result import Result
from usenet_stack.stack.model import load_stack
from usenet_stack.storage import pool_status
from usenet_stack.transaction import Observer, Plan, open_session

if TYPE_CHECKING:
    from usenet_stack.deploy.run import Approve


def converge(
    folder: Path,
    request: DeployRequest,
    observer: Observer,
    approve: "Approve",
) -> Result:
    """Bring the stack in `folder` to what it should be; see `deploy_stack`."""
    if request.hardware_only:
        return list_hardware()
    if request.dry_run:
        wanted, plan = _plan(folder, request)
        return plan_result(wanted, plan)
    folder.mkdir(parents=True, exist_ok=True)
    with open_session(folder, "deploy", observer, supersedes=True) as session:
        theirs = user_files(folder)
        wanted, plan = _plan(folder, request)
        fixes = tuple(
            step
            for step in plan.steps
            if step.operation.kind.startswith("fix.")
        )
        if fixes:
            approve(Plan("deploy", fixes))
        outcome = session.run(plan)
    stack = load_stack(folder)
    if request.storage_only:
        return pool_status(stack)
    result = summarise(stack, request, plan, outcome)
    # What was edited meanwhile has not been deployed: nothing is settled.
    if result.ok and is_plain(request) and theirs == user_files(folder):
        write_note(stack, wanted, result)
    return result


def _plan(folder: Path, request: DeployRequest) -> tuple[Wanted, Plan]:
    hardware = detect_hardware()
    desired = desired_stack(folder, request, hardware)
    wanted = wanted_of(desired, request, hardware)
    observed = observe(desired.stack, wanted, request)
    planner = plan_storage if request.storage_only else plan_deploy
    return wanted, planner(wanted, observed)
