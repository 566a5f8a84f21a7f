"""Images: which are missing, pulling several at a time, their digests."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from usenet_stack.deploy.record import Record
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.transaction.operation import Progress

AT_ONCE = 4


def missing(engine: Engine, references: Iterable[str]) -> tuple[str, ...]:
    """Return the references that the Engine does not hold, each once."""
    wanted = dict.fromkeys(references)
    return tuple(r for r in wanted if engine.image(r) is None)


def pull_all(
    engine: Engine,
    references: tuple[str, ...],
    progress: Progress,
    deploy: str,
) -> None:
    """Pull images in parallel, reporting bytes of all of them together.

    Args:
        deploy: the command that tries again, for the error.

    Raises:
        UsenetError: deploy.images-missing, naming each that did not come.
            The others are there.
    """
    report = _Sum(progress)
    failed: dict[str, str] = {}

    def pull(reference: str) -> None:
        try:
            engine.pull(reference, report.part(reference))
        except UsenetError as error:
            failed[reference] = error.why or error.message

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(pull, references))
    if failed:
        raise UsenetError(
            "deploy.images-missing",
            count=len(failed),
            deploy=deploy,
            details=tuple(f"{ref}: {why}" for ref, why in failed.items()),
            references=tuple(failed),
        )


class _Sum:
    """Adds up the bytes of parallel pulls for one progress line."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._parts: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    def part(self, reference: str) -> Callable[[int, int], None]:
        def report(done: int, total: int) -> None:
            with self._lock:
                self._parts[reference] = (done, total)
                sums = [
                    sum(column)
                    for column in zip(*self._parts.values(), strict=True)
                ]
                self._progress("images", sums[0], sums[1] or None, "bytes")

        return report


def digests(engine: Engine, project: str) -> Record:
    """Return which image each container of a project runs."""
    found: Record = {}
    for container in engine.containers(project):
        labels = container["Labels"]
        service = labels.get("com.docker.compose.service", "")
        reference = str(container["Image"])
        image = engine.image(container["ImageID"]) or {}
        repo = image.get("RepoDigests") or [container["ImageID"]]
        found[service] = {"reference": reference, "digest": str(repo[0])}
    return dict(sorted(found.items()))
