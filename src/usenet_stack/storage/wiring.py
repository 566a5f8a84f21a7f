"""Which folders of the pool each application should have: plain planning."""

from collections.abc import Iterable, Mapping

from usenet_stack.stack.service import MediaType
from usenet_stack.storage.applications import Application
from usenet_stack.storage.layouts import same
from usenet_stack.storage.mounts import is_below
from usenet_stack.storage.shelving import AddFolder, RemoveFolder
from usenet_stack.transaction import Step


def steps_to_add(
    applications: Iterable[Application],
    roots: Mapping[MediaType, str],
    seconds: float,
) -> list[Step]:
    """Return the steps that make folders known to those that lack them.

    Args:
        applications: as they were found.
        roots: the folder of each media type, as containers see it.
        seconds: how long an application may take to answer.
    """
    return [
        Step(
            AddFolder(app.service.name, roots[media], media, seconds),
            f"{app.service.title} keeps {media}",
        )
        for app in applications
        for media in app.service.keeps
        if not any(same(path, roots[media]) for path in app.paths)
    ]


def steps_to_remove(
    applications: Iterable[Application],
    tops: Iterable[str],
    seconds: float,
    why: str,
) -> list[Step]:
    """Return the steps that take all folders below some others away.

    Args:
        tops: the drives, as containers see them.
    """
    above = list(tops)
    return [
        Step(
            RemoveFolder(app.service.name, path, app.service.keeps[0], seconds),
            why,
        )
        for app in applications
        for path in dict.fromkeys(app.paths)
        if path not in app.kept and any(is_below(path, top) for top in above)
    ]
