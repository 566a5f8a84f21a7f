"""`usenet keys rotate`: one service after another, each all or nothing."""

from collections.abc import Sequence
from typing import Any

from usenet_stack.errors import Exit, UsenetError
from usenet_stack.keys.containers import containers
from usenet_stack.keys.holders import holding_services, look_around
from usenet_stack.keys.jellyfin_keys import check_first
from usenet_stack.keys.places import Place
from usenet_stack.keys.planner import COMMAND, Observed, plan_rotation
from usenet_stack.keys.telling import try_out
from usenet_stack.keys.verdict import judge
from usenet_stack.keys.ways import (
    check_rotatable,
    dependents,
    differs,
    has_key,
    is_first,
    secret_name,
    way_of,
)
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, read_env
from usenet_stack.stack.service import Service
from usenet_stack.transaction import (
    SILENT,
    Observer,
    Plan,
    Session,
    Step,
    open_session,
)


def plan_rotations(
    stack: Stack, names: Sequence[str], *, all: bool = False
) -> tuple[Plan, list[UsenetError]]:
    """Return what `rotate` would do, and which services it would leave.

    Raises:
        UsenetError: as `rotate`; with `all` only those about no service.
    """
    steps: list[Step] = []
    left: list[UsenetError] = []
    for service in chosen(stack, names, all):
        try:
            seen = observe(stack, service)
        except UsenetError as error:
            if not all:
                raise
            left.append(error)
            continue
        steps += plan_rotation(seen).steps
    return Plan(COMMAND, tuple(steps)), left


def rotate(
    stack: Stack,
    names: Sequence[str],
    *,
    all: bool = False,
    observer: Observer = SILENT,
) -> Result:
    """Give services new keys, and tell everybody who holds the old ones.

    Args:
        names: of the services; `all` takes every one that has a key.

    Returns: data with `rotated`: service, outcome and who was told.
    Raises:
        UsenetError: service.unknown, service.off, keys.*, lock.held. With
            one service: what went wrong; it was put back (exit 13).
    Effects: `.env`, the application and its holders; one journal for each
        service. Nothing when one who may hold the key cannot be asked.
    """
    result = Result({"rotated": []})
    wanted = chosen(stack, names, all)
    with open_session(stack.folder, COMMAND, observer) as session:
        for service in wanted:
            try:
                row = _rotate_one(stack, service, session, result)
            except UsenetError as error:
                if len(wanted) == 1:
                    raise
                row = _left(result, service, error, all)
                if error.exit_code == Exit.ROLLBACK_FAILED:
                    result.data["rotated"].append(row)
                    break
            result.data["rotated"].append(row)
    rows = result.data["rotated"]
    done = [row["service"] for row in rows if row["outcome"] == "rotated"]
    made = any(row["outcome"] == "made" for row in rows)
    result.partial = bool(result.errors and (done or made))
    if done:
        result.info(
            "Programs outside of the stack that use an old key (phones, "
            f"scripts) need the new one: usenet keys show {done[0]}"
        )
    return result


def _rotate_one(
    stack: Stack, service: Service, session: Session, result: Result
) -> dict[str, Any]:
    seen = observe(stack, service)
    outcome = session.run(plan_rotation(seen))
    for place in seen.unproven:
        result.warn(
            f"{place.service} could not use the old key either "
            f"({place.title}): it has the new one, untried."
        )
    told = [*holding_services(seen.places), *seen.others]
    return {
        "service": service.name,
        "outcome": "made" if seen.first else "rotated",
        "told": list(dict.fromkeys(told)),
        "places": [f"{p.service}: {p.title}" for p in seen.places],
        "reason": "",
        "journal": outcome.journal,
    }


def _left(
    result: Result, service: Service, error: UsenetError, all: bool
) -> dict[str, Any]:
    """Return the row of a service that has its old key still."""
    by_nature = (
        "keys.by-hand",
        "keys.not-set-up",
        "keys.login-refused",
        "keys.given",
    )
    if all and error.code in by_nature:
        outcome = "skipped"
    else:
        result.errors.append(error)
        back = error.exit_code == Exit.ROLLED_BACK
        outcome = "rolled back" if back else "not changed"
        if error.exit_code == Exit.ROLLBACK_FAILED:
            outcome = "stuck"
    return {
        "service": service.name,
        "outcome": outcome,
        "told": [],
        "places": [],
        "reason": error.why or error.message,
        "journal": "",
    }


def chosen(
    stack: Stack, names: Sequence[str], all: bool
) -> tuple[Service, ...]:
    """Return the services in the order of their start.

    Raises:
        UsenetError: service.unknown, service.off, keys.none.
    """
    if all:
        return tuple(s for s in stack.services if has_key(s))
    for name in names:
        service = stack.resolve(name)
        if not stack.enabled(service.name):
            raise UsenetError("service.off", name=service.name)
        if not has_key(service):
            raise UsenetError("keys.none", service=service.name)
    return stack.select(names)


def observe(stack: Stack, service: Service) -> Observed:
    """Return what a rotation needs to know; nothing changes.

    Raises:
        UsenetError: keys.*: it cannot be rotated now.
    """
    env = read_env(stack.folder)
    containers(stack)  # without Docker nothing is begun
    check_rotatable(stack, service, env)
    if is_first(service, env):
        check_first(stack, service.name, env)
        return _first(stack, service)
    _check_key(stack, service, env)
    seen = look_around(stack, env, service)
    for name, error in seen.silent.items():
        raise UsenetError(
            "keys.holder-silent",
            holder=name,
            service=service.name,
            why=f"{error.message} {error.why}".strip(),
            hint=error.hint,
        )
    secret = secret_name(service)
    places = seen.holders(stack, service, env.get(secret))
    return Observed(
        service.name,
        secret,
        way_of(service),
        dependents(stack, service),
        places,
        tuple(place for place in places if not _works(stack, place)),
    )


def _first(stack: Stack, service: Service) -> Observed:
    """Return what there is to know where nobody can hold a key yet."""
    secret, others = secret_name(service), dependents(stack, service)
    return Observed(service.name, secret, "asked", others, first=True)


def _works(stack: Stack, place: Place) -> bool:
    """Tell whether a holder gets in with the key that it has."""
    try:
        return try_out(stack, place)
    except UsenetError:
        return False


def _check_key(stack: Stack, service: Service, env: Secrets) -> None:
    found = judge(stack, service, env)
    if found.state == "refused":
        raise differs(stack, service)
    if found.state in ("silent", "none"):
        start = f"usenet services start {service.name}"
        raise UsenetError(
            "keys.silent",
            service=service.name,
            why=found.reason,
            hint=found.hint or start,
        )
