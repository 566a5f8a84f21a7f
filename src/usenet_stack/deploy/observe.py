"""One look at the world: everything that the planner needs to know."""

import os
from pathlib import Path
from typing import Any

from usenet_stack.deploy import images
from usenet_stack.deploy.desired import Desired
from usenet_stack.deploy.planner import Observed, Wanted
from usenet_stack.deploy.record import read_record
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.docker.wire import socket_path
from usenet_stack.errors import UsenetError
from usenet_stack.hardware import Hardware
from usenet_stack.preflight import Finding, Site, plan_fixes, run_checks
from usenet_stack.sandbox import sandbox_image_tag
from usenet_stack.services import config_hashes, lost_guests
from usenet_stack.stack.compose import (
    HostFacts,
    SandboxImage,
    render_compose,
)
from usenet_stack.stack.layout import folders, seed_paths
from usenet_stack.stack.locate import (
    STACK_FILE,
    deploy_command,
    known_stacks,
)
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import missing_secrets, read_env
from usenet_stack.stack.service import Secret
from usenet_stack.storage import plan_pool, pool_is_shared, propagation
from usenet_stack.transaction import Step

CONFIG_HASH = "com.docker.compose.config-hash"
# The plan makes these itself, for a stack that may not be on disk yet.
PLANNED = ("folder.missing", "pool.propagation")


def wanted_of(
    desired: Desired, request: DeployRequest, hardware: Hardware
) -> Wanted:
    """Return what is to be there, as the planner reads it."""
    stack = desired.stack
    groups = (request.group,) if request.group else ()
    chosen = stack.select(request.services, groups)
    tag = sandbox_image_tag() if stack.sandbox else ""
    return Wanted(
        folder=stack.folder,
        project=stack.project,
        settings=desired.settings_text,
        compose=render_compose(
            stack,
            _host_facts(stack, hardware),
            SandboxImage(tag) if tag else None,
        ),
        tiers=tuple(
            tuple(service.name for service in batch)
            for batch in stack.batches(chosen)
        ),
        sandbox_tag=tag,
    )


def _host_facts(stack: Stack, hardware: Hardware) -> HostFacts:
    nodes = tuple(gpu.device for gpu in hardware.gpus if gpu.device)
    can_share = os.geteuid() == 0 or pool_is_shared(stack)
    return HostFacts(
        cores=hardware.cores,
        memory_bytes=hardware.memory_bytes,
        gpu_devices=nodes,
        gpu_groups=tuple(sorted({Path(node).stat().st_gid for node in nodes})),
        propagation="rslave" if can_share else "rprivate",
        root_is_shared=propagation(Path("/")) != "private",
        docker_socket=socket_path(os.environ),
    )


def observe(stack: Stack, wanted: Wanted, request: DeployRequest) -> Observed:
    """Look at disk, Engine and machine once; change nothing.

    Raises:
        UsenetError: deploy.preflight when something is wrong that the plan
            cannot mend.
    """
    fixes = () if request.skip_validation else _fixes(stack)
    env = read_env(stack.folder)
    missing = missing_secrets(stack, env)
    _refuse_wanting(stack, missing)
    compose = _text(stack.compose_path)
    secrets = tuple(s.name for s in missing if s.kind != "given")
    # Compose cannot say what a container should be without its secrets.
    comparable = compose == wanted.compose and not secrets
    running = _containers(stack)
    record = read_record(stack.folder)
    names = {service.name for service in stack.services}
    chosen = {name for tier in wanted.tiers for name in tier}
    return Observed(
        settings=_text(stack.folder / STACK_FILE),
        compose=compose,
        ignored=_text(stack.folder / ".gitignore"),
        folders=tuple(
            folder
            for folder in folders(stack)
            if not folder.path.exists()
            and not folder.path.is_relative_to(stack.data_root)
        ),
        secrets=secrets,
        seeds=tuple(
            (service, path)
            for service, path in seed_paths(stack)
            if not path.exists()
        ),
        pool=tuple(plan_pool(stack)),
        fixes=fixes,
        images=_images(stack, wanted, request),
        current=frozenset(
            _current(stack, running) if comparable and not request.pull else ()
        ),
        orphans=tuple(sorted(set(running) - names)),
        recorded=chosen <= set(record),
        registered=stack.folder in known_stacks(os.environ),
    )


def _refuse_wanting(stack: Stack, missing: tuple[Secret, ...]) -> None:
    # Compose would refuse the whole file, and every service with it.
    for service in stack.services:
        wanting = [
            secret.name
            for secret in service.secrets
            if secret in missing
            and secret.kind == "given"
            and not secret.optional
        ]
        if wanting:
            raise UsenetError(
                "secret.wanting",
                service=service.name,
                names=", ".join(wanting),
                name=wanting[0],
                path=stack.env_path,
                deploy=deploy_command(stack.folder, os.environ),
            )


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _fixes(stack: Stack) -> tuple[Step, ...]:
    site = Site(stack)
    failed = [
        finding
        for finding in run_checks(site)
        if finding.status == "fail" and finding.code not in PLANNED
    ]
    hopeless = [
        finding for finding in failed if not plan_fixes(site, [finding]).steps
    ]
    if hopeless:
        raise UsenetError(
            "deploy.preflight",
            count=len(hopeless),
            why=hopeless[0].message,
            hint=hopeless[0].hint,
            details=tuple(_line(finding) for finding in hopeless),
        )
    # Without what a check wants the rest would only fail less clearly.
    return tuple(
        Step(step.operation, step.why)
        for step in plan_fixes(site, failed).steps
    )


def _line(finding: Finding) -> str:
    return f"{finding.subject}: {finding.message}  Mend: {finding.hint}"


def _containers(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the project's containers by service; none without an Engine."""
    try:
        found = Engine().containers(stack.project)
    except UsenetError:
        return {}
    return {c["Labels"].get(SERVICE_LABEL, ""): c for c in found}


def _images(
    stack: Stack, wanted: Wanted, request: DeployRequest
) -> tuple[str, ...]:
    chosen = [name for tier in wanted.tiers for name in tier]
    references = [stack.catalog[name].image for name in chosen]
    if wanted.sandbox_tag:
        references = [wanted.sandbox_tag]
    elif request.pull:
        return tuple(dict.fromkeys(references))
    try:
        return images.missing(Engine(), references)
    except UsenetError:
        return tuple(dict.fromkeys(references))


def _current(stack: Stack, running: dict[str, dict[str, Any]]) -> list[str]:
    """Return the services whose container is as compose.yaml says."""
    if not running:
        return []
    engine = Engine()
    hashes = config_hashes(stack, engine)
    lost = lost_guests(engine, stack.project)
    return [
        name
        for name, container in running.items()
        if container["State"] == "running"
        and name not in lost
        and container["Labels"].get(CONFIG_HASH) == hashes.get(name)
    ]
