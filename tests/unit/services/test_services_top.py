"""What `services top` says between two looks at the health of services."""

from services_world import World

from engine_server import answer
from spoken import speaking
from usenet_stack.services.top import Top

OK = answer('{"status":"OK"}')


def state(top: Top, name: str) -> str:
    return {row["name"]: str(row["state"]) for row in top.rows()}[name]


def test_one_that_ended_since_is_not_well_any_more(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        top = Top(world.stack, world.engine)
        assert state(top, "sonarr") == "ready"
        world.listed.clear()
        world.put("sonarr", "exited", status="Exited (0)")
        assert state(top, "sonarr") == "stopped"


def test_one_that_came_since_is_starting(world: World) -> None:
    world.put("sonarr", "exited", status="Exited (0)")
    top = Top(world.stack, world.engine)
    assert state(top, "sonarr") == "stopped"
    world.listed.clear()
    world.put("sonarr")
    assert state(top, "sonarr") == "starting"
