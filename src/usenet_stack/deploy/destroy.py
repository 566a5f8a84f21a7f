"""Take a stack down: containers and networks; data only when asked."""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from usenet_stack.deploy.operations import RemoveContainers
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.result import Result
from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.storage import plan_unshare
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.durable import sync_folder
from usenet_stack.transaction.operation import Before


class RemoveNetworks(Operation, frozen=True):
    """Remove the networks of a compose project."""

    kind: ClassVar[str] = "stack.remove-networks"
    project: str

    def describe(self) -> str:
        return f"remove the network of {self.project}"

    def do(self, context: Context, before: Before) -> None:
        for network in Engine().networks(self.project):
            Engine().remove_network(network["Id"])

    def undo(self, context: Context, before: Before) -> None:
        """Compose makes it again with the next container."""


class SetAside(Operation, frozen=True):
    """Move a folder out of the way, to be deleted once all else is done.

    Args:
        path: absolute, on the file system of the stack's folder.
    """

    kind: ClassVar[str] = "stack.set-aside"
    path: Path

    @property
    def aside(self) -> Path:
        """Where it waits for its end."""
        return self.path.with_name(f".{self.path.name}.deleted")

    def describe(self) -> str:
        return f"delete {self.path}"

    def do(self, context: Context, before: Before) -> None:
        if self.path.exists():
            shutil.rmtree(self.aside, ignore_errors=True)
            self.path.rename(self.aside)
            sync_folder(self.path.parent)

    def undo(self, context: Context, before: Before) -> None:
        if self.aside.exists() and not self.path.exists():
            self.aside.rename(self.path)
            sync_folder(self.path.parent)

    def verify(self, context: Context) -> bool:
        return not self.path.exists()

    def manual(self, before: Before) -> str:
        return f"mv '{self.aside}' '{self.path}'"


def plan_destroy(stack: Stack, *, volumes: bool) -> Plan:
    """Return the steps that take a stack down.

    Args:
        volumes: the services' own settings and databases go as well; media,
            downloads, stack.toml and `.env` always stay.
    """
    found = Engine().containers(stack.project)
    names = sorted({c["Labels"].get(SERVICE_LABEL, "") for c in found})
    why = "you asked to take the stack down"
    steps = []
    if names:
        gone = RemoveContainers(stack.project, tuple(names))
        steps.append(Step(gone, why))
    if Engine().networks(stack.project):
        steps.append(Step(RemoveNetworks(stack.project), why))
    steps += plan_unshare(stack)
    if volumes:
        why = "--volumes deletes what the services keep"
        for path in (stack.config_root, stack.cache_root):
            if path.exists():
                steps.append(Step(SetAside(path), why))
    return Plan("destroy", tuple(steps), recovery="forward")


def destroy_stack(
    stack: Stack, volumes: bool, observer: Observer = SILENT
) -> Result:
    """Take a stack down; `usenet deploy` brings it up again.

    Args:
        volumes: delete the services' settings and databases as well.

    Returns: the names of the services that were removed.
    Raises:
        UsenetError: docker.not-running, lock.held, exit 13 or 14.
    """
    with open_session(stack.folder, "destroy", observer) as session:
        plan = plan_destroy(stack, volumes=volumes)
        session.run(plan)
        removed = [step.operation for step in plan.steps]
        for operation in removed:
            if isinstance(operation, SetAside):
                shutil.rmtree(operation.aside, ignore_errors=True)
    return Result(
        {
            "stack": str(stack.folder),
            "deploy": deploy_command(stack.folder, os.environ),
            "removed": [
                name
                for operation in removed
                if isinstance(operation, RemoveContainers)
                for name in operation.services
            ],
            "kept": [] if volumes else [str(stack.config_root)],
        }
    )
