"""Plans of updates, compared as text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from usenet_stack.stack.catalog import load_catalog
from usenet_stack.transaction import Plan
from usenet_stack.update.candidates import Candidate, same_repository
from usenet_stack.update.planner import plan_unit, units

CATALOG = load_catalog()
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def candidate(name: str, **facts: object) -> Candidate:
    """Return a service that runs and whose registry has a newer image."""
    usual = {
        "container": f"container-{name}",
        "reference": f"registry.example/{name}:latest",
        "image": "sha256:1",
        "digests": (OLD,),
        "awake": True,
        "has_config": True,
        "available": NEW,
    }
    return Candidate(CATALOG[name], **(usual | facts))  # type: ignore[arg-type]


def plans(*candidates: Candidate, chosen: str) -> list[Plan]:
    found = units(candidates, chosen.split())
    return [plan_unit("usenet", unit) for unit in found]


def test_one_service() -> None:
    (plan,) = plans(candidate("sonarr"), chosen="sonarr")
    assert plan.recovery == "back"
    assert plan.as_text() == (
        "1. pull registry.example/sonarr:latest as sha256:bbbbbbbbbbbb\n"
        "   why: the registry has a newer image under this name\n"
        "2. stop sonarr\n"
        "   why: its settings hold still while they are copied\n"
        "3. copy the settings of sonarr, for the way back\n"
        "   why: an older image may not read what a newer one wrote\n"
        "4. recreate sonarr with its new image and wait for it\n"
        "   why: a container never changes its image\n"
        "5. record the digest of each image\n"
        "   why: it tells which image each service runs\n"
    )


def test_plan_survives_its_journal() -> None:
    (plan,) = plans(candidate("sonarr"), chosen="sonarr")
    assert Plan.from_dict(plan.as_dict()) == plan


def test_only_what_is_new_and_was_asked_for() -> None:
    current = candidate("radarr", available=OLD)
    other = candidate("lidarr")
    assert plans(current, other, chosen="radarr sonarr") == []
    assert len(plans(current, other, chosen="radarr lidarr")) == 1


def test_those_that_share_an_image_go_together() -> None:
    shared = {"reference": "registry.example/one:latest"}
    first, second = candidate("sonarr", **shared), candidate("radarr", **shared)
    (plan,) = plans(first, second, chosen="radarr")
    assert [step.operation.describe() for step in plan.steps] == [
        "pull registry.example/one:latest as sha256:bbbbbbbbbbbb",
        "stop radarr",
        "stop sonarr",
        "copy the settings of sonarr, for the way back",
        "copy the settings of radarr, for the way back",
        "recreate sonarr with its new image and wait for it",
        "recreate radarr with its new image and wait for it",
        "record the digest of each image",
    ]


def test_stopped_one_is_neither_stopped_nor_copied() -> None:
    (plan,) = plans(candidate("sonarr", awake=False), chosen="sonarr")
    assert [step.operation.describe() for step in plan.steps][1:-1] == [
        "recreate sonarr with its new image, stopped"
    ]


def test_without_settings_there_is_nothing_to_copy() -> None:
    (plan,) = plans(candidate("sonarr", has_config=False), chosen="sonarr")
    assert "copy" not in plan.as_text()


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "new"),
        ({"available": OLD}, "current"),
        ({"digests": (NEW, OLD)}, "current"),
        ({"available": "", "problem": "refused"}, "unknown"),
        ({"reference": f"registry.example/sonarr@{OLD}"}, "pinned"),
        ({"reference": f"registry.example/sonarr:4@{OLD}"}, "pinned"),
        ({"reference": OLD}, "pinned"),
        ({"digests": ()}, "local"),
        ({"simulated": True}, "simulated"),
        ({"container": ""}, "absent"),
    ],
)
def test_status(facts: dict[str, object], status: str) -> None:
    found = candidate("sonarr", **facts)
    assert found.status == status
    # Whatever is left alone says why.
    assert bool(found.reason) == (status not in ("new", "current"))
    assert bool(units([found], ["sonarr"])) == (status == "new")


@pytest.mark.parametrize(
    ("created", "age"),
    [
        ("2026-03-01T00:00:00Z", 86400),
        ("2026-03-01T01:00:00.123456789+01:00", 86400),
        ("1970-01-01T00:00:01Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_age_of_an_image(created: str, age: int | None) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    row = candidate("sonarr", created=created).as_row(now)
    assert row["age_seconds"] == age
    assert bool(row["created"]) == (age is not None)


def test_retired_one_names_its_replacement() -> None:
    row = candidate("readarr").as_row(datetime.now(UTC))
    assert row["deprecated"] is True and row["replacement"] == "bookshelf"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("alpine", "docker.io/library/alpine", True),
        ("portainer/agent", "docker.io/portainer/agent", True),
        ("localhost/agent", "docker.io/localhost/agent", False),
        ("127.0.0.1:5000/a", "127.0.0.1:5000/a", True),
        ("ghcr.io/a/b", "lscr.io/a/b", False),
    ],
)
def test_names_of_a_repository(first: str, second: str, same: bool) -> None:
    assert same_repository(first, second) == same


def test_operations_are_found_by_kind_alone() -> None:
    """A recovery imports only what its journal names."""
    from usenet_stack.transaction.operation import MODULES

    path = Path(*MODULES["update"].split(".")).with_suffix(".py")
    assert (Path(__file__).parents[3] / "src" / path).is_file()
