"""Start, stop and restart: plans compared as text, and the remarks."""

from pathlib import Path

import pytest

from usenet_stack.services.planning import (
    Seen,
    already,
    remarks_on_start,
    remarks_on_stop,
    restart_plan,
    start_plan,
    stop_plan,
)
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.service import Service
from usenet_stack.stack.template import NewStack, new_settings_text
from usenet_stack.transaction import Plan

THROUGH = {"transmission": "gluetun"}
ON = ("gluetun", "transmission", "sabnzbd", "prowlarr", "sonarr", "jellyfin")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    text = new_settings_text(NewStack("home", enable=("gluetun",)))
    text += '[services.network]\ntransmission = "gluetun"\n'
    (tmp_path / "stack.toml").write_text(text)
    return load_stack(tmp_path)


def seen(*running: str, lost: tuple[str, ...] = ()) -> Seen:
    names = frozenset(running)
    return Seen(names, names, THROUGH, frozenset(lost), frozenset(ON))


def services(stack: Stack, *names: str) -> tuple[Service, ...]:
    return stack.select(names or ON)


def lines(plan: Plan) -> list[str]:
    return [
        line.partition(" ")[2].removesuffix(" and wait for their health")
        for line in plan.as_text().splitlines()
        if not line.startswith("   why")
    ]


def test_a_start_goes_from_network_to_media(stack: Stack) -> None:
    assert lines(start_plan(stack, services(stack), seen("sabnzbd"))) == [
        "start gluetun",
        "start transmission",
        "start prowlarr, sonarr",
        "start jellyfin",
    ]


def test_a_stop_goes_the_other_way(stack: Stack) -> None:
    assert lines(stop_plan(stack, services(stack), seen(*ON))) == [
        "stop jellyfin",
        "stop prowlarr, sonarr",
        "stop sabnzbd, transmission",
        "stop gluetun",
    ]


def test_a_restart_stops_all_before_it_starts_any(stack: Stack) -> None:
    chosen = services(stack, "gluetun", "transmission", "sonarr")
    assert lines(restart_plan(stack, chosen, seen(*ON))) == [
        "stop sonarr",
        "stop transmission",
        "stop gluetun",
        "start gluetun",
        "start transmission",
        "start sonarr",
    ]


def test_those_in_a_network_that_restarts_get_new_containers(
    stack: Stack,
) -> None:
    chosen = services(stack, "gluetun")
    assert lines(restart_plan(stack, chosen, seen(*ON))) == [
        "stop gluetun",
        "start gluetun",
        "recreate transmission",
    ]
    # One that does not run joins the network when it is started.
    assert lines(restart_plan(stack, chosen, seen("gluetun"))) == [
        "stop gluetun",
        "start gluetun",
    ]


def test_a_network_is_started_for_the_one_that_uses_it(stack: Stack) -> None:
    chosen = services(stack, "transmission")
    assert lines(start_plan(stack, chosen, seen())) == [
        "start gluetun",
        "start transmission",
    ]
    # It runs, but nothing reaches it.
    assert lines(start_plan(stack, chosen, seen("transmission"))) == [
        "start gluetun",
        "recreate transmission",
    ]
    lost = seen("gluetun", "transmission", lost=("transmission",))
    assert lines(start_plan(stack, chosen, lost)) == ["recreate transmission"]
    assert start_plan(stack, chosen, seen(*ON)).steps == ()


def test_one_that_docker_restarts_again_and_again_is_stopped(
    stack: Stack,
) -> None:
    ending = Seen(awake=frozenset(("sonarr",)), through=THROUGH)
    plan = stop_plan(stack, services(stack, "sonarr"), ending)
    assert lines(plan) == ["stop sonarr"]


def test_every_step_may_fail_alone_and_is_completed_after_a_crash(
    stack: Stack,
) -> None:
    plan = restart_plan(stack, services(stack), seen(*ON))
    assert {step.on_failure for step in plan.steps} == {"continue"}
    assert plan.recovery == "forward"


def test_a_stop_names_who_misses_it(stack: Stack) -> None:
    chosen = services(stack, "gluetun", "sabnzbd")
    assert list(remarks_on_stop(stack, chosen, seen(*ON))) == [
        "sonarr needs sabnzbd, which is stopped now.",
        "transmission has no network until gluetun runs again: "
        "usenet services stop transmission",
    ]
    assert not list(remarks_on_stop(stack, services(stack), seen(*ON)))
    assert not list(remarks_on_stop(stack, chosen, seen("sabnzbd")))


def test_a_start_names_what_is_wanting(stack: Stack) -> None:
    chosen = services(stack, "sonarr")
    assert list(remarks_on_start(stack, chosen, seen("prowlarr"))) == [
        "sonarr needs sabnzbd, transmission, which do not run: "
        "usenet services start sabnzbd transmission"
    ]
    assert not list(remarks_on_start(stack, chosen, seen(*ON)))
    assert not list(remarks_on_start(stack, services(stack), seen()))


def test_what_was_so_already_is_said(stack: Stack) -> None:
    chosen = services(stack, "sonarr", "transmission")
    assert already("start", chosen, seen(*ON)) == (
        "Ran already: transmission, sonarr."
    )
    # Without its network it does not count as running.
    assert already("start", chosen, seen("sonarr", "transmission")) == (
        "Ran already: sonarr."
    )
    assert already("stop", chosen, seen("transmission")) == (
        "Stopped already: sonarr."
    )
    assert already("restart", chosen, seen(*ON)) == ""
