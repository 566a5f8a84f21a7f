"""The pure planner: what should be and what is there give the plan."""

from pathlib import Path
from typing import NamedTuple

from usenet_stack.deploy.operations import (
    BuildSandboxImage,
    GenerateSecrets,
    PullImages,
    RecordImages,
    RegisterStack,
    RemoveContainers,
    SeedFile,
    StartTier,
)
from usenet_stack.stack.layout import Folder
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.transaction import Operation, Plan, Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders, WriteFile

# Keys and the program's own state have no place in a user's repository.
IGNORED = ".env\n.usenet/\nbackups/\nconfig/\ncache/\ndata/\n"


class Wanted(NamedTuple):
    """What a deploy is to bring about, as the planner needs it.

    Args:
        folder, project: of the stack.
        settings: text of stack.toml; `compose` of compose.yaml.
        tiers: names of the services to start, batch after batch.
        sandbox_tag: the image of the simulators, "" for real ones.
    """

    folder: Path
    project: str
    settings: str
    compose: str
    tiers: tuple[tuple[str, ...], ...]
    sandbox_tag: str


class Observed(NamedTuple):
    """What is there already.

    Args:
        settings, compose, ignored: texts on disk, None when missing.
        folders: those that are missing.
        secrets: names missing from `.env` that can be made.
        seeds: (service, path) of first files that are missing.
        pool, fixes: ready steps of the storage and preflight rooms.
        images: references to pull (or the sandbox's, to build).
        current: services whose container runs as compose.yaml says.
        wiring: ready steps that introduce the applications to each other,
            once they run.
        orphans: services with a container that stack.toml does not want.
        recorded: the digests noted are those of the images that run.
        registered: the stack is in this user's list.
    """

    settings: str | None = None
    compose: str | None = None
    ignored: str | None = None
    folders: tuple[Folder, ...] = ()
    secrets: tuple[str, ...] = ()
    seeds: tuple[tuple[str, Path], ...] = ()
    pool: tuple[Step, ...] = ()
    fixes: tuple[Step, ...] = ()
    images: tuple[str, ...] = ()
    current: frozenset[str] = frozenset()
    wiring: tuple[Step, ...] = ()
    orphans: tuple[str, ...] = ()
    recorded: bool = False
    registered: bool = False


def plan_deploy(wanted: Wanted, observed: Observed) -> Plan:
    """Return the steps from what is there to what should be.

    Nothing to do gives an empty plan. Starts and pulls may fail alone, so
    that one broken service does not stop the others; all else is undone.
    """
    steps = [
        *observed.fixes,
        *_file_steps(wanted, observed),
        *_folder_steps(observed),
        *_secret_steps(wanted, observed),
        *_compose_steps(wanted, observed),
        *_image_steps(wanted, observed),
        *_container_steps(wanted, observed),
        *observed.wiring,
    ]
    if not observed.registered:
        steps.append(Step(RegisterStack(), "other commands find it by it"))
    if not observed.recorded or any(_starts(step) for step in steps):
        why = "an update can be taken back to what ran before"
        steps.append(Step(RecordImages(), why, "continue"))
    return Plan("deploy", tuple(steps), recovery="forward")


def plan_storage(wanted: Wanted, observed: Observed) -> Plan:
    """Return only the steps up to a pool that containers can use."""
    steps = (*_file_steps(wanted, observed), *observed.pool)
    return Plan("deploy", steps, recovery="forward")


def _starts(step: Step) -> bool:
    return isinstance(step.operation, StartTier)


def _file_steps(wanted: Wanted, observed: Observed) -> list[Step]:
    steps = []
    if observed.settings != wanted.settings:
        why = "this is where you decide about your stack"
        if observed.settings is not None:
            why = "the options of this deploy are kept there"
        settings = WriteFile(wanted.folder / STACK_FILE, wanted.settings)
        steps.append(Step(settings, why))
    if observed.ignored is None:
        path = wanted.folder / ".gitignore"
        why = "secrets and state must not end in a repository"
        steps.append(Step(WriteFile(path, IGNORED), why))
    return steps


def _folder_steps(observed: Observed) -> list[Step]:
    """Return the pool's steps, and one step for all the other folders."""
    steps = list(observed.pool)
    if observed.folders:
        folders = tuple(
            MakeFolder(folder.path, folder.mode, folder.uid, folder.gid)
            for folder in observed.folders
        )
        why = "each service keeps its files in a folder of its own"
        steps.append(Step(MakeFolders(folders), why))
    return steps


def _secret_steps(wanted: Wanted, observed: Observed) -> list[Step]:
    steps = []
    if observed.secrets:
        secrets = GenerateSecrets(wanted.folder / ".env", observed.secrets)
        why = "each service gets a key of its own"
        steps.append(Step(secrets, why))
    for service, path in observed.seeds:
        why = f"{service} takes its first settings and key from it"
        steps.append(Step(SeedFile(service, path), why))
    return steps


def _compose_steps(wanted: Wanted, observed: Observed) -> list[Step]:
    if observed.compose == wanted.compose:
        return []
    why = "Docker Compose runs what stands in it"
    path = wanted.folder / "compose.yaml"
    return [Step(WriteFile(path, wanted.compose), why)]


def _image_steps(wanted: Wanted, observed: Observed) -> list[Step]:
    if not observed.images:
        return []
    if wanted.sandbox_tag:
        image = BuildSandboxImage(wanted.sandbox_tag)
        return [Step(image, "all simulated applications run from it")]
    pull = PullImages(observed.images)
    return [Step(pull, "this machine does not hold them yet", "continue")]


def _container_steps(wanted: Wanted, observed: Observed) -> list[Step]:
    steps = []
    if observed.orphans:
        gone: Operation = RemoveContainers(wanted.project, observed.orphans)
        steps.append(Step(gone, "they are no longer part of the stack"))
    changed = observed.compose != wanted.compose
    for tier in wanted.tiers:
        if changed or not observed.current.issuperset(tier):
            start = StartTier(wanted.project, tier)
            why = "what it needs has started before it"
            steps.append(Step(start, why, "continue"))
    return steps
