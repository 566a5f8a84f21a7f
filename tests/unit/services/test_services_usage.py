"""What containers use: two readings, and the Engine where it must be."""

import json
import time

from services_world import World

from engine_server import answer
from usenet_stack.services.containers import Container
from usenet_stack.services.cpu import Reading
from usenet_stack.services.top import ordered
from usenet_stack.services.usage import SHORTEST, Meter, Usage

# No control group of this machine has such a name.
SONARR = Container("sonarr", "sonarr", "running", "", "image", False)


def sample(world: World, nanoseconds: int, memory: int = 5000) -> None:
    world.server.answers["/v1.41/containers/sonarr/stats"] = answer(
        json.dumps(
            {
                "memory_stats": {"usage": memory},
                "cpu_stats": {"cpu_usage": {"total_usage": nanoseconds}},
            }
        )
    )


def test_one_sample_of_the_engine_has_no_share_yet(world: World) -> None:
    sample(world, 1_000_000)
    meter = Meter(world.engine)
    meter.begin([SONARR])
    assert meter.measure([SONARR], 1) == {"sonarr": Usage(5000, None)}
    assert meter.readings["sonarr"].nanoseconds == 1_000_000


def test_the_reading_of_another_run_counts(world: World) -> None:
    sample(world, 11_000_000_000)
    earlier = {"sonarr": Reading(1_000_000_000, time.monotonic() - 20)}
    meter = Meter(world.engine, earlier)
    meter.begin([SONARR])
    (used,) = meter.measure([SONARR], 1).values()
    assert used.cpu_percent is not None and 48 < used.cpu_percent <= 50


def test_an_old_reading_says_nothing_of_now(world: World) -> None:
    sample(world, 11_000_000_000)
    earlier = {"sonarr": Reading(1, time.monotonic() - 1000)}
    meter = Meter(world.engine, earlier)
    meter.begin([SONARR])
    assert meter.measure([SONARR], 1)["sonarr"].cpu_percent is None


def test_an_engine_that_hangs_costs_its_figures_only(world: World) -> None:
    world.server.answers["/v1.41/containers/sonarr/stats"] = lambda _: (
        time.sleep(3)
    )
    began = time.monotonic()
    found = Meter(world.engine).measure([SONARR], 0.2)
    assert time.monotonic() - began < 1
    assert found == {"sonarr": Usage()}


def test_readings_are_far_enough_apart(world: World) -> None:
    sample(world, 2)
    now = time.monotonic()
    meter = Meter(world.engine, {"sonarr": Reading(1, now)})
    meter.measure([SONARR], 1)
    assert time.monotonic() - now >= SHORTEST


def test_the_order_of_top() -> None:
    rows = [
        {"name": "b", "cpu_percent": 1.0, "memory_bytes": 5},
        {"name": "a", "cpu_percent": None, "memory_bytes": 9},
        {"name": "c", "cpu_percent": 7.5, "memory_bytes": None},
    ]
    names = {
        by: "".join(str(row["name"]) for row in ordered(rows, by))
        for by in ("cpu", "memory", "name")
    }
    assert names == {"cpu": "cba", "memory": "abc", "name": "abc"}
