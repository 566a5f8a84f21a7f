"""What a deploy tells at its end."""

import os
from typing import Any, cast

from usenet_stack.deploy.planner import Wanted
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services import WELL, list_services
from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction import Outcome, Plan

LOG_LINES = 5


def plan_result(wanted: Wanted, plan: Plan) -> Result:
    """Return what a dry run shows: the steps, and the stack's folder."""
    steps = [step.as_dict() for step in plan.steps]
    for step, shown in zip(plan.steps, steps, strict=True):
        shown["operation"] = step.operation.describe()
    return Result({"stack": str(wanted.folder), "plan": steps})


def summarise(
    stack: Stack, request: DeployRequest, plan: Plan, outcome: Outcome
) -> Result:
    """Return the services as they are now, and an error for each failure."""
    result = list_services(stack, group=request.group)
    if request.services:
        chosen = {service.name for service in stack.select(request.services)}
        result.data["services"] = [
            row for row in result.data["services"] if row["name"] in chosen
        ]
    result.data |= {
        "stack": str(stack.folder),
        "project": stack.project,
        "sandbox": stack.sandbox,
        "changed": len(plan.steps),
        "journal": outcome.journal,
        "credentials": str(stack.env_path),
    }
    result.errors += _errors(stack, result.data["services"], outcome)
    result.partial = bool(result.errors)
    return result


def _errors(
    stack: Stack, rows: list[dict[str, Any]], outcome: Outcome
) -> list[UsenetError]:
    """Return causes first: images that are missing, then each service."""
    errors = []
    reasons: dict[str, str] = {}
    absent: set[str] = set()
    for failure in outcome.failures:
        error = failure.error
        if error.code == "deploy.services-failed":
            reasons |= cast(dict[str, str], error.facts["reasons"])
            continue
        errors.append(error)
        if error.code == "deploy.images-missing":
            absent.update(cast(tuple[str, ...], error.facts["references"]))
    for row in rows:
        name = row["name"]
        explained = stack.catalog[name].image in absent
        if row["state"] not in WELL and not explained:
            reason = reasons.get(name) or row["reason"]
            errors.append(_service_error(stack, name, row["state"], reason))
    return errors


def _service_error(
    stack: Stack, name: str, state: str, reason: str
) -> UsenetError:
    return UsenetError(
        "deploy.service-failed",
        service=name,
        deploy=deploy_command(stack.folder, os.environ),
        state=state,
        why=reason,
        details=_last_lines(stack, name),
    )


def _last_lines(stack: Stack, service: str) -> tuple[str, ...]:
    container = f"{stack.project}-{service}-1"
    secrets = read_env(stack.folder)
    try:
        lines = list(Engine().logs(container, tail=LOG_LINES))
    except UsenetError:
        return ()
    return tuple(secrets.masked(line.text) for line in lines)
