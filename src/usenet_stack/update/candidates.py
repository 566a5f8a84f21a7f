"""What runs, and what the registries have: one look at the world."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.docker.pull import split_reference
from usenet_stack.errors import UsenetError
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service
from usenet_stack.update.containers import AWAKE, ONE_OFF
from usenet_stack.update.snapshot import config_of

CONFIG_HASH = "com.docker.compose.config-hash"
REGISTRY_SECONDS = 20.0
# Images that are built to be the same every time say 1970 or so.
NO_DATE_YEAR = 1990

Status = Literal[
    "new", "current", "pinned", "simulated", "local", "absent", "unknown"
]


class Candidate(NamedTuple):
    """One service, the image that it runs and the one that it could.

    Args:
        reference: the name of its image, as its container was made with.
        image: the id of the image; `digests` what the registry calls it.
        created: when the image was made, RFC 3339, or "".
        awake: it runs, or tries to.
        simulated: its container is one of the sandbox.
        has_config: it has settings on the disk.
        config_hash: of the Compose file that its container was made from.
        available: the digest that the registry has now, "" when unknown.
        problem: why that is unknown.
    """

    service: Service
    container: str = ""
    reference: str = ""
    image: str = ""
    digests: tuple[str, ...] = ()
    created: str = ""
    awake: bool = False
    simulated: bool = False
    has_config: bool = False
    config_hash: str = ""
    available: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def status(self) -> Status:
        """Return what an update would find."""
        if not self.container:
            return "absent"
        if self.simulated:
            return "simulated"
        if "@" in self.reference or self.reference.startswith("sha256:"):
            return "pinned"
        if not self.digests:
            return "local"
        if not self.available:
            return "unknown"
        return "current" if self.available in self.digests else "new"

    @property
    def reason(self) -> str:
        """Return one clause on why there is nothing to do, or ""."""
        told = {
            "absent": "has no container yet",
            "simulated": "simulated, nothing to pull",
            "pinned": "pinned to one image by its digest",
            "local": "its image was made on this machine",
            "unknown": self.problem,
        }
        return told.get(self.status, "")

    @property
    def asks(self) -> bool:
        """Tell whether the registry knows of it."""
        return self.status in ("new", "current", "unknown")

    def age_seconds(self, now: datetime) -> float | None:
        """Return how old its image is, None when the image does not say."""
        try:
            made = datetime.fromisoformat(self.created)
        except ValueError:
            return None
        if made.year < NO_DATE_YEAR:
            return None
        return max(0.0, (now - made).total_seconds())

    def as_row(self, now: datetime) -> dict[str, Any]:
        """Return it as `--check` tells it; see docs/reference/json.md."""
        age = self.age_seconds(now)
        return {
            "name": self.name,
            "title": self.service.title,
            "status": self.status,
            "reason": self.reason,
            "reference": self.reference or self.service.image,
            "image": self.image,
            "digest": self.digests[0] if self.digests else "",
            "available": self.available,
            "created": self.created if age is not None else "",
            "age_seconds": None if age is None else round(age),
            "running": self.awake,
            "changelog": self.service.changelog,
            "deprecated": self.service.deprecated,
            "deprecated_reason": self.service.deprecated_reason,
            "replacement": self.service.replacement,
        }


def observe(stack: Stack, chosen: Collection[str]) -> tuple[Candidate, ...]:
    """Return every service of a stack, in the order of their start.

    Args:
        chosen: names of those whose registries are asked, all at once and
            under one deadline; others with the same image are told as well.

    Raises:
        UsenetError: the Engine does not answer. A registry that does not
            is told in `problem`.
    """
    found = installed(stack)
    names = {c.reference for c in found if c.asks and c.name in chosen}
    answers = ask_registries(names)
    late = ("", f"its registry gave no answer within {REGISTRY_SECONDS:g} s")
    return tuple(
        c._replace(available=told[0], problem=told[1])
        if c.asks and c.reference in names
        else c
        for c in found
        for told in [answers.get(c.reference, late)]
    )


def installed(stack: Stack) -> list[Candidate]:
    """Return what runs; the registries are not asked."""
    engine = Engine()
    filters = {"label": [ONE_OFF]}
    containers: dict[str, dict[str, Any]] = {}
    for entry in engine.containers(stack.project, filters=filters):
        name = entry["Labels"].get(SERVICE_LABEL, "")
        if name not in containers or entry["State"] in AWAKE:
            containers[name] = entry
    return [
        _candidate(stack, engine, service, containers[service.name])
        if service.name in containers
        else Candidate(service)
        for service in stack.services
    ]


def _candidate(
    stack: Stack, engine: Engine, service: Service, entry: dict[str, Any]
) -> Candidate:
    # The list shows an id once the name leads to another image.
    reference = str(engine.inspect(entry["Id"])["Config"]["Image"])
    image = engine.image(entry["ImageID"]) or {}
    name = split_reference(reference)[0]
    digests = [
        digest.partition("@")[2]
        for digest in image.get("RepoDigests") or []
        if same_repository(digest.partition("@")[0], name)
    ]
    return Candidate(
        service,
        container=entry["Id"],
        reference=reference,
        image=entry["ImageID"],
        digests=tuple(digests),
        created=str(image.get("Created", "")),
        awake=entry["State"] in AWAKE,
        simulated=stack.sandbox,
        has_config=config_of(stack, service).is_dir(),
        config_hash=str(entry["Labels"].get(CONFIG_HASH, "")),
    )


def same_repository(first: str, second: str) -> bool:
    """Tell whether two names, written short or in full, are the same."""
    return _in_full(first) == _in_full(second)


def _in_full(name: str) -> str:
    head, _, rest = name.partition("/")
    has_host = bool(rest) and (
        "." in head or ":" in head or head == "localhost"
    )
    full = name if has_host else f"docker.io/{name}"
    path = full.removeprefix("docker.io/")
    if path != full and "/" not in path:
        return f"docker.io/library/{path}"
    return full


def ask_registries(
    references: Iterable[str],
) -> dict[str, tuple[str, str]]:
    """Return digest and problem, one of them "", of those that answer."""
    engine = Engine(seconds=REGISTRY_SECONDS)
    questions: dict[str, Callable[[], tuple[str, str]]] = {
        reference: partial(_ask, engine, reference) for reference in references
    }
    return ask_all(questions, REGISTRY_SECONDS)


def _ask(engine: Engine, reference: str) -> tuple[str, str]:
    try:
        digest = engine.registry_digest(reference)
    except UsenetError as error:
        return "", str(error.facts.get("reason") or error.message)
    return digest, "" if digest else "its registry named no digest"
