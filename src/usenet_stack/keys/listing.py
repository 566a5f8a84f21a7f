"""`usenet keys list`: every key, masked, and who holds it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.keys.age import changed_at
from usenet_stack.keys.holders import Seen, look_around
from usenet_stack.keys.keyfile import read_element, read_text
from usenet_stack.keys.masking import masked
from usenet_stack.keys.verdict import Verdict, judge
from usenet_stack.keys.ways import (
    dependents,
    differs,
    has_key,
    is_password,
    missing,
    secret_name,
    way_of,
)
from usenet_stack.result import Result
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, SecretValue, read_env
from usenet_stack.stack.service import Service

SECONDS = 5.0
_LOOK = ""
Row = dict[str, Any]


def list_keys(stack: Stack, seconds: float = SECONDS) -> Result:
    """Return the keys of all services that are on; never a value.

    Args:
        seconds: how long an application may take to say whether it
            accepts its key; all are asked at once.

    Returns: data with `keys`; see docs/reference/json.md.
    Raises:
        UsenetError: env.invalid, file.denied.
    """
    env = read_env(stack.folder)
    keyed = [service for service in stack.services if has_key(service)]
    questions: dict[str, Callable[[], Verdict | Seen]] = {
        service.name: partial(judge, stack, service, env, None, seconds)
        for service in keyed
    }
    questions[_LOOK] = partial(look_around, stack, env, None, seconds)
    answers = ask_all(questions, seconds + 2)
    seen = answers.get(_LOOK)
    inside = _environments(stack, keyed)
    ages = changed_at(stack)
    result = Result({"keys": []})
    for service in keyed:
        verdict = answers.get(service.name)
        row = _row(stack, service, env, ages)
        row |= _said(verdict if isinstance(verdict, Verdict) else None)
        row |= _inside(stack, service, env, inside.get(service.name))
        row["holders"] = _holders(stack, service, env, seen)
        row["fix"] = _fix(stack, service, row)
        result.data["keys"].append(row)
    if isinstance(seen, Seen):
        for name, error in seen.silent.items():
            result.warn(f"{name} was not asked what it holds: {error.message}")
    return result


def _row(
    stack: Stack, service: Service, env: Secrets, ages: dict[str, str]
) -> Row:
    name = secret_name(service)
    value = env.get(name) if name else None
    made = ages.get("") if service.key.where != "api" else None
    return {
        "service": service.name,
        "kind": "password" if is_password(service) else "key",
        "where": service.key.where,
        "place": service.key.env
        if service.key.where == "env"
        else service.key.file,
        "name": name,
        "masked": masked(value, password=is_password(service)),
        "changed_at": (ages.get(name) or made) if value else None,
        "rotation": "yes" if way_of(service) else "by hand",
    }


def _said(verdict: Verdict | None) -> Row:
    found = verdict or Verdict("silent", "it gave no answer in time")
    return {"accepted": found.state, "reason": found.reason}


def _inside(
    stack: Stack, service: Service, env: Secrets, inside: str | None
) -> Row:
    """Return whether container or file hold what `.env` has."""
    name = secret_name(service)
    wanted = env.get(name) if name else None
    found: str | None = None
    if service.key.where == "env":
        found = inside
    elif service.key.where == "file":
        found = _in_file(stack, service)
    if found is None or not wanted:
        return {"agrees": None}
    return {"agrees": SecretValue(found) == wanted}


def _in_file(stack: Stack, service: Service) -> str | None:
    key = service.key
    path = stack.config_folder(service) / key.file
    try:
        return read_element(read_text(path), key.format, key.element)
    except OSError:
        return None


def _environments(stack: Stack, services: list[Service]) -> dict[str, str]:
    """Return the key in the environment of each container that has one."""
    variables = {s.name: s.key.env for s in services if s.key.where == "env"}
    found: dict[str, str] = {}
    try:
        engine = Engine()
        for container in engine.containers(stack.project):
            name = container["Labels"].get(SERVICE_LABEL, "")
            if name not in variables:
                continue
            details = engine.inspect(str(container["Id"]))
            start = f"{variables[name]}="
            for line in details["Config"].get("Env") or ():
                if line.startswith(start):
                    found[name] = line.removeprefix(start)
    except UsenetError:
        return found
    return found


def _fix(stack: Stack, service: Service, row: Row) -> str:
    """Return what mends a key that is missing or not the right one."""
    if row["where"] != "api" and not row["masked"]:
        return missing(stack, service).hint
    if row["agrees"] is False or row["accepted"] == "refused":
        return differs(stack, service).hint
    return ""


def _holders(
    stack: Stack, service: Service, env: Secrets, seen: object
) -> list[Row] | None:
    """Return who holds the key, None when nobody could be asked."""
    if not isinstance(seen, Seen):
        return None
    name = secret_name(service)
    try:
        value = env.get(name) if name else None
        places = seen.holders(stack, service, value)
    except UsenetError:
        return None
    rows = [{"service": p.service, "title": p.title} for p in places]
    if name:
        rows += [
            {"service": other, "title": f"{name} in its environment"}
            for other in dependents(stack, service)
        ]
    return rows
