"""The plan of a rotation, as text, and as data that a journal can hold."""

import pytest

from usenet_stack.keys.places import Place
from usenet_stack.keys.planner import Observed, plan_rotation
from usenet_stack.transaction import Plan

PROWLARR = Place(
    "provider", "prowlarr", "applications", 'application "TV"', 3, "apiKey"
)
RECYCLARR = Place(
    "text", "recyclarr", "recyclarr.yml", "SONARR_API_KEY in recyclarr.yml"
)
SONARR = Observed(
    "sonarr",
    "SONARR_API_KEY",
    "env",
    ("unpackerr",),
    (PROWLARR, RECYCLARR),
)


def test_the_application_comes_first_then_all_who_hold_its_key() -> None:
    assert (
        plan_rotation(SONARR).as_text()
        == """\
1. make a new SONARR_API_KEY, write it to .env, and recreate the container \
of sonarr and of unpackerr
   why: you asked for a new key
2. tell prowlarr the new key of sonarr: application "TV"
   why: it holds the old one
3. tell recyclarr the new key of sonarr: SONARR_API_KEY in recyclarr.yml
   why: it holds the old one
"""
    )


def test_jellyfin_s_old_key_goes_last_and_then_only_forward() -> None:
    seen = Observed("jellyfin", "JELLYFIN_API_KEY", "asked")
    plan = plan_rotation(seen)
    assert plan.recovery == "forward"
    assert [step.operation.kind for step in plan.steps] == [
        "keys.make-jellyfin",
        "keys.drop-jellyfin",
    ]
    assert "JELLYFIN_API_KEY" in plan.as_text()


def test_jellyfin_s_first_key_leaves_nothing_to_delete() -> None:
    seen = Observed("jellyfin", "JELLYFIN_API_KEY", "asked", first=True)
    plan = plan_rotation(seen)
    assert plan.recovery == "back"
    assert [step.operation.kind for step in plan.steps] == [
        "keys.make-jellyfin"
    ]


def test_who_could_not_use_the_old_key_is_not_made_to_use_the_new() -> None:
    plan = plan_rotation(SONARR._replace(unproven=(PROWLARR,)))
    proven = [getattr(s.operation, "proven", None) for s in plan.steps]
    assert proven == [None, False, True]


@pytest.mark.parametrize(
    ("way", "how"),
    [
        ("env", "recreate the container of x"),
        ("file", "put it into the settings of x while it is stopped"),
        ("live", "give it to x while it runs"),
    ],
)
def test_a_plan_says_how_the_key_gets_there(way: str, how: str) -> None:
    plan = plan_rotation(Observed("x", "X_KEY", way))  # type: ignore[arg-type]
    assert plan.recovery == "back"
    assert plan.steps[0].operation.describe() == (
        f"make a new X_KEY, write it to .env, and {how}"
    )


def test_a_plan_comes_back_from_a_journal() -> None:
    plan = plan_rotation(SONARR)
    assert Plan.from_dict(plan.as_dict()) == plan
