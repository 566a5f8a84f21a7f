"""The operations of switching services on and off, beside those of deploy."""

from typing import ClassVar, cast

from usenet_stack.deploy.containers import last_lines, tier_containers
from usenet_stack.deploy.operations import StartTier
from usenet_stack.docker.compose import find_compose
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import recreate_dependents
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.operation import Before


class StartSwitched(StartTier, frozen=True):
    """The same for services that were switched on, which go if one fails.

    Args:
        again: the command that tries it again.
    """

    kind: ClassVar[str] = "switch.start"
    again: str

    def do(self, context: Context, before: Before) -> None:
        try:
            super().do(context, before)
        except UsenetError as error:
            if error.code != "deploy.services-failed":
                raise
            # Their logs go with the containers.
            stack = load_stack(context.stack_folder)
            reasons = cast(dict[str, str], error.facts["reasons"])
            lines = [
                f"{name} wrote: {line}"
                for name in reasons
                for line in last_lines(stack, name)
            ]
            raise UsenetError(
                "deploy.switch-failed",
                services=", ".join(reasons),
                again=self.again,
                details=(*error.details, *lines),
            ) from error


class KeepRunning(Operation, frozen=True):
    """Note which services run, so that undoing the plan runs them again.

    It stands before all that changes files: it is undone last, when
    compose.yaml is again what those services came from.

    Args:
        project: the compose project.
        services: those that the plan removes or makes anew.
    """

    kind: ClassVar[str] = "switch.keep-running"
    project: str
    services: tuple[str, ...]

    def describe(self) -> str:
        return f"note which of {', '.join(self.services)} run"

    def prepare(self, context: Context) -> Before:
        found = tier_containers(Engine(), self.project, self.services)
        awake = {
            str(container["Id"])
            for container in Engine().containers(self.project, all=False)
        }
        return {"running": sorted(n for n in found if found[n] in awake)}

    def do(self, context: Context, before: Before) -> None:
        """Nothing changes yet."""

    def undo(self, context: Context, before: Before) -> None:
        names = before["running"]
        if not names:
            return
        stack = load_stack(context.stack_folder)
        words = ("up", "-d", "--no-deps", "--pull", "never", *names)
        redact = read_env(stack.folder).masked
        find_compose().run(stack.folder, stack.project, *words, redact=redact)
        recreate_dependents(stack)

    def manual(self, before: Before) -> str:
        return f"usenet deploy --services {','.join(before['running'])}"
