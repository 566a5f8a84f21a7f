"""The operations of an update; each knows the way back.

Until `update.recreate` the old container is there, stopped at most. From
then on the way back is: the name of the image to the old one again, the
settings from the snapshot, a new container.
"""

from pathlib import Path
from typing import Any, ClassVar

from usenet_stack.docker.engine import Engine
from usenet_stack.docker.pull import split_reference
from usenet_stack.errors import UsenetError
from usenet_stack.services import come_to_rest, recreate_dependents
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.operation import Before
from usenet_stack.update.containers import (
    AWAKE,
    bring_back,
    containers_of,
    last_lines,
    recreate,
    wait_until_it_stays,
)
from usenet_stack.update.snapshot import (
    check_snapshot,
    config_of,
    put_back,
    snapshot_config,
)


class PullImage(Operation, frozen=True):
    """Pull an image by its digest; no name leads to it yet.

    Args:
        reference: the name that the registry gave the digest for.
    """

    kind: ClassVar[str] = "update.pull"
    reference: str
    digest: str

    def describe(self) -> str:
        return f"pull {self.reference} as {self.digest[:19]}"

    def do(self, context: Context, before: Before) -> None:
        engine, name = Engine(), by_digest(self.reference, self.digest)
        if engine.image(name) is None:
            engine.pull(
                name,
                lambda done, total: context.progress(
                    "image", done, total or None, "bytes"
                ),
            )

    def undo(self, context: Context, before: Before) -> None:
        """An image that is not used harms nobody and saves the next pull."""

    def verify(self, context: Context) -> bool:
        name = by_digest(self.reference, self.digest)
        return Engine().image(name) is not None


def by_digest(reference: str, digest: str) -> str:
    """Return the name under which an image is found by its digest."""
    return f"{split_reference(reference)[0]}@{digest}"


def without_network(reasons: dict[str, str]) -> str:
    """Return what keeps those that use a service's network, or ""."""
    failed = [f"{name}: {why}" for name, why in reasons.items() if why]
    return f"of those in its network failed {'; '.join(failed)}" * bool(failed)


def kept_name(project: str, service: str) -> str:
    """Return the name that the last image of a service keeps."""
    return f"usenet-previous:{project}.{service}"


class _OneService(Operation, frozen=True):
    """A step on one service.

    Args:
        project: the Compose project.
        reference: the name of its image.
    """

    project: str
    service: str
    reference: str

    def prepare(self, context: Context) -> Before:
        found = containers_of(Engine(), self.project, self.service)
        if not found:
            raise UsenetError("service.absent", name=self.service)
        return {"container": found[0]["Id"], "image": found[0]["ImageID"]}

    def manual(self, before: Before) -> str:
        return f"docker tag {before['image']} {self.reference}"


class StopForUpdate(_OneService, frozen=True):
    """Stop a service, so that nobody writes its settings."""

    kind: ClassVar[str] = "update.stop"

    def describe(self) -> str:
        return f"stop {self.service}"

    def prepare(self, context: Context) -> Before:
        return super().prepare(context) | {"stack": str(context.stack_folder)}

    def do(self, context: Context, before: Before) -> None:
        come_to_rest(self.project, (self.service,))

    def undo(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        bring_back(stack, self.service, self.reference, before, start=True)
        # It may have been unwell before: that is told, and is no failure.
        wait_until_it_stays(stack, self.service, context.progress)
        # So are those in its network: `services start` mends them.
        recreate_dependents(stack)

    def verify(self, context: Context) -> bool:
        found = containers_of(Engine(), self.project, self.service)
        return not any(c["State"] in AWAKE for c in found)

    def manual(self, before: Before) -> str:
        return (
            f"docker compose -p {self.project} --project-directory "
            f"'{before['stack']}' up -d --no-deps {self.service}"
        )


class SnapshotConfig(_OneService, frozen=True):
    """Keep a copy of a stopped service's settings."""

    kind: ClassVar[str] = "update.snapshot"

    def describe(self) -> str:
        return f"copy the settings of {self.service}, for the way back"

    def prepare(self, context: Context) -> Before:
        stack = load_stack(context.stack_folder)
        service = stack.catalog[self.service]
        context.keep_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_snapshot(stack, service, context.keep_folder)
        copy = context.keep_folder / f"{context.step}-{self.service}"
        folder = config_of(stack, service)
        found = {"copy": str(copy), "folder": str(folder)}
        return super().prepare(context) | found

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        service = stack.catalog[self.service]
        snapshot_config(stack, service, Path(before["copy"]))

    def undo(self, context: Context, before: Before) -> None:
        found = come_to_rest(self.project, (self.service,))
        if before["container"] in [container["Id"] for container in found]:
            return  # the new image never ran
        put_back(Path(before["copy"]), Path(before["folder"]))

    def verify(self, context: Context) -> bool:
        return True  # `do` has made it durable before it says so

    def manual(self, before: Before) -> str:
        copy, folder = before["copy"], before["folder"]
        return (
            f"docker stop {self.project}-{self.service}-1; "
            f"test -e '{copy}.whole' && "
            f"mv '{folder}' '{folder}.new' && mv '{copy}' '{folder}'"
        )


class RecreateService(_OneService, frozen=True):
    """Run a service from its new image; the old one keeps a name.

    Args:
        digest: of the new image, which is pulled.
        start: it ran before; one that was stopped is only created anew.
        changelog: where a person reads what is new, or "".
    """

    kind: ClassVar[str] = "update.recreate"
    digest: str
    start: bool = True
    changelog: str = ""

    def describe(self) -> str:
        if not self.start:
            return f"recreate {self.service} with its new image, stopped"
        return f"recreate {self.service} with its new image and wait for it"

    def prepare(self, context: Context) -> Before:
        kept = Engine().image(self._kept) or {}
        return super().prepare(context) | {"kept": kept.get("Id", "")}

    @property
    def _kept(self) -> str:
        return kept_name(self.project, self.service)

    def do(self, context: Context, before: Before) -> None:
        stack, engine = load_stack(context.stack_folder), Engine()
        engine.tag(before["image"], self._kept)
        engine.tag(self._image()["Id"], self.reference)
        recreate(stack, self.service, self.start)
        if not self.start:
            return
        why = wait_until_it_stays(stack, self.service, context.progress)
        why = why or without_network(recreate_dependents(stack))
        if why:
            raise UsenetError(
                "update.unwell",
                service=self.service,
                why=f"{why[0].upper()}{why[1:]}.",
                page=self.changelog or "the pages of its project",
                details=last_lines(stack, self.service),
            )

    def _image(self) -> dict[str, Any]:
        found = Engine().image(by_digest(self.reference, self.digest))
        if found is None:
            raise UsenetError(
                "image.pull-failed",
                image=self.reference,
                why="It came, and was removed meanwhile.",
            )
        return found

    def undo(self, context: Context, before: Before) -> None:
        engine = Engine()
        # A killed run may have asked for a start of the new one.
        come_to_rest(self.project, (self.service,))
        engine.tag(before["image"], self.reference)
        if before["kept"]:
            engine.tag(before["kept"], self._kept)
        if not self.start:
            stack = load_stack(context.stack_folder)
            bring_back(stack, self.service, self.reference, before, start=False)

    def verify(self, context: Context) -> bool:
        found = containers_of(Engine(), self.project, self.service)
        return bool(found) and found[0]["ImageID"] == self._image()["Id"]
