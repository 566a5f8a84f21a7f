"""What a deploy tells at its end."""

import os
from typing import Any, cast

from usenet_stack.deploy.containers import last_lines
from usenet_stack.deploy.planner import Wanted
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services import WELL, list_services
from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import Outcome, Plan

# A deploy that finds nothing to do has only seen that all runs and answers:
# what is true for a moment only is told by `services list`.
KNOWN = (
    "name",
    "title",
    "group",
    "state",
    "reason",
    "port",
    "url",
    "simulated",
    "image",
    "deprecated",
    "replacement",
)


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
    chosen = {service.name for service in stack.select(request.services)}
    result.data = {
        "services": [
            {key: row[key] for key in KNOWN}
            for row in result.data["services"]
            if row["name"] in chosen
        ],
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
    unchanged: set[str] = set()
    absent: set[str] = set()
    for failure in outcome.failures:
        error = failure.error
        if error.code == "deploy.services-failed":
            reasons |= cast(dict[str, str], error.facts["reasons"])
            unchanged.update(cast(tuple[str, ...], error.facts["unchanged"]))
            continue
        errors.append(error)
        if error.code == "deploy.images-missing":
            absent.update(cast(tuple[str, ...], error.facts["references"]))
    for row in rows:
        name = row["name"]
        explained = stack.catalog[name].image in absent
        if explained:
            continue
        if row["state"] not in WELL:
            reason = reasons.get(name) or row["reason"]
            errors.append(_service_error(stack, name, row["state"], reason))
        elif name in unchanged:
            errors.append(_unchanged_error(stack, name, reasons[name]))
    return errors


def _unchanged_error(stack: Stack, name: str, reason: str) -> UsenetError:
    return UsenetError(
        "deploy.not-changed",
        service=name,
        deploy=deploy_command(stack.folder, os.environ),
        why=reason,
    )


def _service_error(
    stack: Stack, name: str, state: str, reason: str
) -> UsenetError:
    return UsenetError(
        "deploy.service-failed",
        service=name,
        deploy=deploy_command(stack.folder, os.environ),
        state=state,
        why=reason,
        details=last_lines(stack, name),
    )
