"""The operations of a deploy: secrets, first files, images, containers."""

import os
from pathlib import Path
from typing import ClassVar

from usenet_stack.deploy import images
from usenet_stack.deploy.containers import (
    remove_containers,
    start_tier,
    tier_containers,
)
from usenet_stack.deploy.record import read_record, write_record
from usenet_stack.docker.engine import Engine
from usenet_stack.sandbox import build_sandbox_image
from usenet_stack.stack.layout import seed_files
from usenet_stack.stack.locate import (
    deploy_command,
    known_stacks,
    register_stack,
)
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import (
    complete_env,
    read_env,
    read_env_text,
    write_env,
)
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before


class GenerateSecrets(Operation, frozen=True):
    """Add missing keys and passwords to `.env` (0600).

    Args:
        path: the `.env` of the stack.
        names: what is missing; the values are made while it runs.
    """

    kind: ClassVar[str] = "stack.generate-secrets"
    path: Path
    names: tuple[str, ...]

    def describe(self) -> str:
        return f"generate {len(self.names)} secrets in {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"kept": keep_file(context, self.path)}

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        text = read_env_text(stack.folder)
        write_env(stack.folder, complete_env(text, stack).text)

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], self.path)

    def verify(self, context: Context) -> bool:
        env = read_env(context.stack_folder)
        return all(env.get(name) for name in self.names)

    def manual(self, before: Before) -> str:
        kept = before["kept"]
        return f"cp -p {kept} {self.path}" if kept else f"rm {self.path}"


class SeedFile(Operation, frozen=True):
    """Write a file that an application must find at its first start.

    Its text may hold keys, so it is made from the catalogue and `.env`
    while it runs; an existing file is the application's and stays.

    Args:
        service: whose it is.
        path: absolute.
    """

    kind: ClassVar[str] = "stack.seed-file"
    service: str
    path: Path

    def describe(self) -> str:
        return f"write {self.path} for the first start of {self.service}"

    def prepare(self, context: Context) -> Before:
        return {"existed": self.path.exists()}

    def do(self, context: Context, before: Before) -> None:
        if before["existed"]:
            return
        stack = load_stack(context.stack_folder)
        for seed in seed_files(stack, read_env(stack.folder)):
            if seed.path == self.path:
                owner = (seed.uid, seed.gid) if os.geteuid() == 0 else None
                text = seed.text.reveal().encode()
                write_durably(seed.path, text, seed.mode, owner)

    def undo(self, context: Context, before: Before) -> None:
        if not before["existed"]:
            self.path.unlink(missing_ok=True)

    def verify(self, context: Context) -> bool:
        return self.path.exists()

    def manual(self, before: Before) -> str:
        return f"rm {self.path}"


class BuildSandboxImage(Operation, frozen=True):
    """Make the image of the simulated applications; nothing is pulled."""

    kind: ClassVar[str] = "stack.build-sandbox-image"
    tag: str

    def describe(self) -> str:
        return f"build image {self.tag} from this Python, without a pull"

    def prepare(self, context: Context) -> Before:
        return {"existed": Engine().image(self.tag) is not None}

    def do(self, context: Context, before: Before) -> None:
        if not before["existed"]:
            build_sandbox_image(
                Engine(),
                lambda sent: context.progress("image", sent, None, "bytes"),
            )

    def undo(self, context: Context, before: Before) -> None:
        if not before["existed"] and Engine().image(self.tag) is not None:
            Engine().remove_image(self.tag)

    def verify(self, context: Context) -> bool:
        return Engine().image(self.tag) is not None

    def manual(self, before: Before) -> str:
        return f"docker image rm {self.tag}"


class PullImages(Operation, frozen=True):
    """Pull images, several at a time; those that came stay.

    Args:
        references: as the catalogue and stack.toml name them.
    """

    kind: ClassVar[str] = "stack.pull-images"
    references: tuple[str, ...]

    def describe(self) -> str:
        return f"pull {len(self.references)} images"

    def do(self, context: Context, before: Before) -> None:
        again = deploy_command(context.stack_folder, os.environ)
        images.pull_all(Engine(), self.references, context.progress, again)

    def undo(self, context: Context, before: Before) -> None:
        """An image that is not used harms nobody and saves the next pull."""


class StartTier(Operation, frozen=True):
    """Create and start the containers of one tier; wait until they answer.

    Args:
        project: the compose project.
        services: their names.
    """

    kind: ClassVar[str] = "stack.start-tier"
    project: str
    services: tuple[str, ...]

    def describe(self) -> str:
        return f"start {', '.join(self.services)} and wait for their health"

    def prepare(self, context: Context) -> Before:
        found = tier_containers(Engine(), self.project, self.services)
        return {"existed": sorted(found)}

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        start_tier(stack, self.services, context.progress)

    def undo(self, context: Context, before: Before) -> None:
        # What it created goes; a container that was there before may have
        # been recreated, and the next deploy brings it in line again.
        found = tier_containers(Engine(), self.project, self.services)
        created = [name for name in found if name not in before["existed"]]
        remove_containers(Engine(), [found[name] for name in created])

    def manual(self, before: Before) -> str:
        created = set(self.services) - set(before["existed"])
        names = " ".join(f"{self.project}-{name}-1" for name in created)
        return f"docker rm -f {names}"


class RemoveContainers(Operation, frozen=True):
    """Remove containers of services that are off; their data stays.

    Args:
        project: the compose project.
        services: what is to go.
    """

    kind: ClassVar[str] = "stack.remove-containers"
    project: str
    services: tuple[str, ...]

    def describe(self) -> str:
        return f"remove the containers of {', '.join(self.services)}"

    def do(self, context: Context, before: Before) -> None:
        found = tier_containers(Engine(), self.project, self.services)
        remove_containers(Engine(), list(found.values()))

    def undo(self, context: Context, before: Before) -> None:
        """The next deploy makes what stack.toml asks for."""

    def verify(self, context: Context) -> bool:
        return not tier_containers(Engine(), self.project, self.services)


class RecordImages(Operation, frozen=True):
    """Note which image, by digest, each service runs."""

    kind: ClassVar[str] = "stack.record-images"

    def describe(self) -> str:
        return "record the digest of each image"

    def prepare(self, context: Context) -> Before:
        return {"record": read_record(context.stack_folder)}

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        write_record(stack.folder, images.digests(Engine(), stack.project))

    def undo(self, context: Context, before: Before) -> None:
        write_record(context.stack_folder, before["record"])


class RegisterStack(Operation, frozen=True):
    """Add the stack to this user's list of known stacks."""

    kind: ClassVar[str] = "stack.register"

    def describe(self) -> str:
        return "note this stack in your list of stacks"

    def do(self, context: Context, before: Before) -> None:
        register_stack(context.stack_folder, os.environ)

    def undo(self, context: Context, before: Before) -> None:
        """An entry whose folder is gone is ignored."""

    def verify(self, context: Context) -> bool:
        return context.stack_folder.resolve() in known_stacks(os.environ)
