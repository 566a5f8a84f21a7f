"""Services in the network of another: what may be said, what is rendered."""

from typing import Any

import pytest
import yaml

from usenet_stack.errors import UsenetError
from usenet_stack.stack.compose import (
    HostFacts,
    SandboxImage,
    render_compose,
)
from usenet_stack.stack.editing import change_text
from usenet_stack.stack.facts import hosts
from usenet_stack.stack.model import Stack

HOST = HostFacts(4, 8 << 30)
IMAGE = SandboxImage("usenet-sandbox:0123")


def behind(make_stack: Any, lines: str, **more: Any) -> Stack:
    more.setdefault("enable", ("gluetun",))
    stack = make_stack(f"[services.network]\n{lines}\n", **more)
    assert isinstance(stack, Stack)
    return stack


def rendered(stack: Stack, **how: Any) -> dict[str, Any]:
    found = yaml.safe_load(render_compose(stack, HOST, **how))["services"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("image", [None, IMAGE], ids=["real", "sandbox"])
def test_its_ports_open_at_the_one_whose_network_it_uses(
    image: Any, make_stack: Any
) -> None:
    stack = behind(make_stack, 'transmission = "gluetun"')
    plain = rendered(make_stack(enable=("gluetun",)), sandbox=image)
    found = rendered(stack, sandbox=image)
    guest, host = found["transmission"], found["gluetun"]
    assert guest["network_mode"] == "service:gluetun"
    assert not {"ports", "hostname", "networks"} & set(guest)
    moved = plain["transmission"]["ports"]
    assert len(moved) == 3
    assert host["ports"] == plain["gluetun"]["ports"] + moved
    # The others go on finding it under its own name.
    assert host["networks"] == {"default": {"aliases": ["transmission"]}}
    assert {n for n in found if found[n] != plain[n]} == {
        "gluetun",
        "transmission",
    }


def test_it_starts_after_the_one_whose_network_it_uses(
    make_stack: Any,
) -> None:
    stack = behind(make_stack, 'transmission = "gluetun"')
    batches = [[s.name for s in b] for b in stack.batches(stack.services)]
    assert batches[0] == ["gluetun"]
    assert "transmission" in batches[1]


def test_both_names_may_be_asked_for(make_stack: Any) -> None:
    stack = behind(make_stack, 'sab = "gluetun"')
    assert hosts(stack, stack.catalog["sabnzbd"])[:2] == ("sabnzbd", "gluetun")
    assert hosts(stack, stack.catalog["sonarr"])[:2] == ("sonarr", "localhost")


def test_from_outside_all_stays_where_it_was(make_stack: Any) -> None:
    stack = behind(make_stack, 'transmission = "gluetun"')
    plain = make_stack()
    service = stack.catalog["transmission"]
    assert stack.url(service) == plain.url(service)
    assert stack.address(service) == plain.address(service)


FAULTS = {
    'sonarr = "gluetun"\ngluetun = "prowlarr"': "network.chain",
    'sonarr = "sonarr"': "network.chain",
    'sonarr = "radarr"\nradarr = "sonarr"': "network.chain",
    'sonarr = "plex"': "network.off",
    'sonarr = "nowhere"': "service.unknown",
    'nothing = "gluetun"': "service.unknown",
    # Both listen on 8080 inside.
    'sabnzbd = "gluetun"\nyacreader = "gluetun"': "network.ports",
}


@pytest.mark.parametrize(("lines", "code"), FAULTS.items())
def test_what_cannot_be_is_refused(
    lines: str, code: str, make_stack: Any
) -> None:
    with pytest.raises(UsenetError) as caught:
        behind(make_stack, lines)
    assert caught.value.code == code


def test_one_that_is_off_harms_nobody(make_stack: Any) -> None:
    stack = behind(make_stack, 'plex = "gluetun"\nqbittorrent = "whisparr"')
    assert stack.networks == {}


def test_a_service_s_network_is_set_like_any_other_key(
    make_stack: Any,
) -> None:
    stack = make_stack(enable=("gluetun",))
    path = stack.folder / "stack.toml"
    changes = {"services.network.transmission": "gluetun"}
    text = change_text(path.read_text(), path, changes)
    assert 'network = {transmission = "gluetun"}' in text
    assert "# Beyond the default set" in text
