"""Switch services on and off: stack.toml and the containers in one plan."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from usenet_stack.deploy.containers import tier_containers
from usenet_stack.deploy.desired import Desired, desired_stack
from usenet_stack.deploy.observe import observe, wanted_of
from usenet_stack.deploy.operations import RemoveContainers, StartTier
from usenet_stack.deploy.planner import plan_deploy
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.deploy.switched import KeepRunning, StartSwitched
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.hardware import detect_hardware
from usenet_stack.result import Result
from usenet_stack.services import probe_services
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.editing import Value, change_text
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.stack.model import Stack
from usenet_stack.stack.networks import users_of
from usenet_stack.stack.settings import load_settings, parse_settings
from usenet_stack.transaction import Observer, Plan, Step, open_session
from usenet_stack.transaction.files import WriteFile

if TYPE_CHECKING:
    from usenet_stack.deploy.run import Approve


class Switch(NamedTuple):
    """What is to be switched.

    Args:
        names: of services, or what they were called earlier.
        on: on, else off.
    """

    names: tuple[str, ...]
    on: bool

    @property
    def command(self) -> str:
        return "services enable" if self.on else "services disable"

    @property
    def line(self) -> str:
        """Return what a user types for it."""
        return f"usenet {self.command} {' '.join(self.names)}"


def switch_services(
    folder: Path,
    names: Sequence[str],
    *,
    on: bool,
    observer: Observer,
    approve: "Approve",
) -> Result:
    """Switch services on or off and bring the stack in line.

    Args:
        folder: of an existing stack.
        approve: as for `deploy_stack`.

    Returns: data with `services` (name, state, reason, url), `changed` and
        `journal`; messages for what was so already, for what is retired and
        for what others need.
    Raises:
        UsenetError: service.unknown, network.off, secret.wanting and all
            that a deploy raises before it begins; transaction.rolled-back
            (exit 13) when a service does not get well: all is as before.
    Effects: stack.toml, compose.yaml and the containers concerned; data of
        a service that goes off stays.
    """
    switch = Switch(_resolved(folder, names), on)
    with open_session(folder, switch.command, observer) as session:
        desired, plan = _plan(folder, switch)
        fixes = tuple(s for s in plan.steps if _is_fix(s))
        if fixes:
            approve(Plan(switch.command, fixes))
        outcome = session.run(plan)
    result = Result({"services": _rows(desired.stack, switch)})
    result.data |= {"changed": len(plan.steps), "journal": outcome.journal}
    for name in switch.names:
        _remark(result, desired.stack, name, switch.on)
    if not plan.steps:
        so = f"{', '.join(switch.names)}: {'on' if on else 'off'} already"
        result.info(f"{so}; nothing had to change.")
    return result


def plan_switch(folder: Path, names: Sequence[str], *, on: bool) -> Plan:
    """Return what `switch_services` would do.

    Raises:
        UsenetError: as `switch_services`.
    """
    return _plan(folder, Switch(_resolved(folder, names), on))[1]


def _resolved(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    catalog = load_catalog(folder / "services.d")
    return tuple(dict.fromkeys(catalog.resolve(name).name for name in names))


def _is_fix(step: Step) -> bool:
    return step.operation.kind.startswith("fix.")


def _plan(folder: Path, switch: Switch) -> tuple[Desired, Plan]:
    hardware = detect_hardware()
    request = DeployRequest(stack_folder=folder)
    desired = desired_stack(
        folder, request, hardware, partial(switched_text, switch)
    )
    stack, before = desired.stack, _networks_before(folder)
    _refuse_host(stack, switch, before)
    concerned = _concerned(stack, switch, before)
    wanted = wanted_of(desired, request, hardware)
    batches = stack.batches(s for s in stack.services if s.name in concerned)
    wanted = wanted._replace(
        tiers=tuple(tuple(s.name for s in batch) for batch in batches)
    )
    try:
        observed = observe(stack, wanted, request)
    except UsenetError as error:
        if error.code == "secret.wanting":
            raise _with_own_command(error, switch) from error
        raise
    # What else stack.toml does not want is for a deploy to see to.
    plan = plan_deploy(wanted, observed._replace(orphans=()))
    steps = [_whole(step, switch) for step in plan.steps]
    gone = switch.names if not switch.on else ()
    there = tier_containers(Engine(), stack.project, (*gone, *concerned))
    off = tuple(name for name in gone if name in there)
    if off:
        remove = RemoveContainers(stack.project, off)
        steps.insert(0, Step(remove, "you switched them off"))
    if there and steps:
        keep = KeepRunning(stack.project, tuple(there))
        steps.insert(0, Step(keep, "they run again if this fails"))
    return desired, Plan(switch.command, tuple(steps), "back")


def _whole(step: Step, switch: Switch) -> Step:
    """Return a step of a deploy for a plan that is done whole or not."""
    operation, why = step.operation, step.why
    if isinstance(operation, WriteFile) and operation.path.name == STACK_FILE:
        why = f"you switched {', '.join(switch.names)} "
        why += "on" if switch.on else "off"
    if isinstance(operation, StartTier):
        operation = StartSwitched(
            operation.project, operation.services, switch.line
        )
    return Step(operation, why)


def _refuse_host(stack: Stack, switch: Switch, before: dict[str, str]) -> None:
    for guest, named in before.items():
        service, host = stack.resolve(guest).name, stack.resolve(named).name
        gone = not switch.on and host in switch.names
        if gone and stack.enabled(service):
            raise UsenetError("network.in-use", service=service, host=host)


def _networks_before(folder: Path) -> dict[str, str]:
    return load_settings(folder).services.network


def _concerned(
    stack: Stack, switch: Switch, before: dict[str, str]
) -> tuple[str, ...]:
    """Return the services that are on and have to be brought in line.

    The ports of one without its own network open at its host, which needs
    a new container then; and so do all that use the host's network.
    """
    named = before.items()
    pairs = {(stack.resolve(a).name, stack.resolve(b).name) for a, b in named}
    hosts = [host for guest, host in pairs if guest in switch.names]
    found = dict.fromkeys(switch.names if switch.on else ())
    for host in hosts:
        if stack.enabled(host):
            found |= dict.fromkeys((host, *users_of(stack.networks, host)))
    return tuple(found)


def _with_own_command(error: UsenetError, switch: Switch) -> UsenetError:
    facts = error.facts
    return UsenetError(
        error.code,
        service=facts["service"],
        names=facts["names"],
        name=facts["name"],
        path=facts["path"],
        deploy=switch.line,
    )


def switched_text(switch: Switch, path: Path, text: str) -> str:
    """Return the text of stack.toml with services switched.

    Args:
        path: of stack.toml; service files are looked for beside it.
    """
    catalog = load_catalog(path.parent / "services.d")
    table = parse_settings(text, path).services
    lists = {"enable": list(table.enable), "disable": list(table.disable)}
    wish, other = ("enable", "disable") if switch.on else ("disable", "enable")

    def names(key: str) -> list[str]:
        return [catalog.resolve(name).name for name in lists[key]]

    lists[other] = [
        name
        for name in lists[other]
        if catalog.resolve(name).name not in switch.names
    ]
    for name in switch.names:
        if catalog[name].default != switch.on and name not in names(wish):
            lists[wish].append(name)
    changes: dict[str, Value] = {
        f"services.{key}": lists[key]
        for key in (other, wish)
        if tuple(lists[key]) != getattr(table, key)
    }
    return change_text(text, path, changes) if changes else text


def _rows(stack: Stack, switch: Switch) -> list[dict[str, str | None]]:
    if not switch.on:
        return [
            {
                "name": name,
                "state": "off",
                "reason": "",
                "url": None,
            }
            for name in switch.names
        ]
    found = probe_services(stack, Engine(), switch.names)
    return [
        {
            "name": name,
            "state": found[name].state,
            "reason": found[name].reason,
            "url": stack.url(stack.catalog[name]),
        }
        for name in switch.names
    ]


def _remark(result: Result, stack: Stack, name: str, on: bool) -> None:
    service = stack.catalog[name]
    if on:
        if service.deprecated:
            result.warn(
                f"{name}: {service.deprecated_reason.rstrip('.')}. "
                f"Replacement: {service.replacement}."
            )
        return
    folder = stack.config_folder(service)
    if folder.exists():
        result.info(f"What {name} keeps stays in {folder}")
    users = [s.name for s in stack.services if name in s.needs]
    if users:
        needs = "needs" if len(users) == 1 else "need"
        result.warn(f"{', '.join(users)} {needs} {name}, which is off now.")
