"""The order of `services restart --all`, from the Engine's own events."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli_process import Cli
from e2e.sandbox_stack import small_stack
from usenet_stack.docker.engine import PROJECT_LABEL, SERVICE_LABEL, Engine
from usenet_stack.services.health import probe_services
from usenet_stack.stack.model import Stack, load_stack

# Several of each tier, and two that may start at any time.
TIERS = (
    {"sabnzbd", "transmission", "samba", "portainer"},
    {"prowlarr", "sonarr", "recyclarr"},
    {"jellyfin", "audiobookshelf"},
)
ALL = {name for tier in TIERS for name in tier}
Event = tuple[str, str]


class Deployed(NamedTuple):
    cli: Cli
    stack: Stack
    engine: Engine

    def events(self, *words: str) -> list[Event]:
        """Run a command; return what happened to containers meanwhile."""
        began = time.time()
        ran = self.cli(f"--stack={self.stack.folder}", "services", *words)
        assert ran.rc == 0, ran
        filters = {
            "label": [f"{PROJECT_LABEL}={self.stack.project}"],
            "event": ["die", "start"],
        }
        found = self.engine.events(
            filters, since=began, until=time.time() + 0.5
        )
        return [(event["Action"], _service(event)) for event in found]


def _service(event: dict[str, Any]) -> str:
    return str(event["Actor"]["Attributes"][SERVICE_LABEL])


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("order")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "order"
    with small_stack(cli, docker_host, folder, sorted(ALL)):
        ran = cli(f"--stack={folder}", "deploy", "--yes")
        assert ran.rc == 0, ran
        engine = Engine(Path(docker_host.removeprefix("unix://")))
        yield Deployed(cli, load_stack(folder), engine)


def names(events: list[Event]) -> list[str]:
    return [name for _, name in events]


def in_tiers(found: list[str], tiers: tuple[set[str], ...]) -> bool:
    """Tell whether names come tier after tier, each name once."""
    for tier in tiers:
        if set(found[: len(tier)]) != tier:
            return False
        found = found[len(tier) :]
    return not found


def test_a_restart_stops_in_reverse_and_starts_in_order(
    deployed: Deployed,
) -> None:
    events = deployed.events("restart", "--all")
    stops = [event for event in events if event[0] == "die"]
    starts = [event for event in events if event[0] == "start"]
    assert events == stops + starts
    assert in_tiers(names(stops), tuple(reversed(TIERS)))
    assert in_tiers(names(starts), TIERS)


def test_stop_and_start_keep_the_same_order(deployed: Deployed) -> None:
    stops = deployed.events("stop", "--all")
    assert in_tiers(names(stops), tuple(reversed(TIERS)))
    assert {action for action, _ in stops} == {"die"}
    starts = deployed.events("start", "--all")
    assert in_tiers(names(starts), TIERS)
    assert {action for action, _ in starts} == {"start"}


def test_a_tier_starts_when_the_one_before_it_answers(
    deployed: Deployed,
) -> None:
    # Jellyfin must not start while sonarr is still starting.
    folder = deployed.stack.config_folder(deployed.stack.catalog["sonarr"])
    faults = folder / ".simulator-faults.json"
    faults.write_text('{"start_delay_s": 2}')
    try:
        began = time.time()
        deployed.events("restart", "sonarr", "jellyfin")
        found = {
            name: deployed.engine.inspect(f"{deployed.stack.project}-{name}-1")[
                "State"
            ]["StartedAt"]
            for name in ("sonarr", "jellyfin")
        }
    finally:
        faults.unlink()
    assert time.time() - began > 2
    gap = _seconds(found["jellyfin"]) - _seconds(found["sonarr"])
    assert gap > 1.9
    health = probe_services(deployed.stack, deployed.engine, sorted(ALL))
    assert {h.state for h in health.values()} == {"ready", "timer"}


def test_a_port_that_is_in_use_for_a_moment_is_waited_for(
    deployed: Deployed,
) -> None:
    deployed.events("stop", "sonarr")
    address = deployed.stack.address(deployed.stack.catalog["sonarr"])
    assert address is not None
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(address)
        holder.listen()
        letting_go = threading.Timer(1.2, holder.close)
        letting_go.start()
        began = time.time()
        deployed.events("start", "sonarr")
        letting_go.join()
    assert time.time() - began > 1.2


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
