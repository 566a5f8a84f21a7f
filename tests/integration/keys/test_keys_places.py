"""Looking for keys, and telling new ones, against simulated applications."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from simulator_process import Simulator

from usenet_stack.errors import UsenetError
from usenet_stack.keys.holders import Seen, look_around
from usenet_stack.keys.telling import tell, try_out
from usenet_stack.keys.verdict import judge
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import SecretValue, read_env

OLD, NEW = SecretValue("a" * 32), SecretValue("b" * 32)
ON = ("readarr", "prowlarr", "sabnzbd")
NAMES = {
    "readarr": ("READARR__AUTH__APIKEY", "READARR_API_KEY"),
    "prowlarr": ("PROWLARR__AUTH__APIKEY", "PROWLARR_API_KEY"),
}
Make = Callable[..., Stack]


@pytest.fixture
def simulators(tmp_path: Path) -> Iterator[dict[str, Simulator]]:
    with ExitStack() as ending:
        found = {}
        for name in ON:
            variable = NAMES.get(name, ("", ""))[0]
            env = {variable: OLD.reveal()} if variable else {}
            root = tmp_path / name
            if name == "sabnzbd":
                (root / "config").mkdir(parents=True)
                ini = f"[misc]\napi_key = {OLD.reveal()}\n"
                (root / "config/sabnzbd.ini").write_text(ini)
            found[name] = Simulator(name, root, env)
            ending.callback(found[name].kill)
        yield found


@pytest.fixture
def stack(tmp_path: Path, simulators: dict[str, Simulator]) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    off = [s.name for s in load_catalog().values() if s.default]
    off = [name for name in off if name not in ON]
    ports = "".join(f"{n} = {s.port}\n" for n, s in simulators.items())
    folder.joinpath("stack.toml").write_text(
        f'[stack]\nname = "home"\n[services]\nenable = ["readarr"]\n'
        f"disable = {json.dumps(off)}\n[ports]\n{ports}"
    )
    names = ("READARR_API_KEY", "PROWLARR_API_KEY", "SABNZBD_API_KEY")
    lines = "".join(f"{name}={OLD.reveal()}\n" for name in names)
    folder.joinpath(".env").write_text(lines)
    return load_stack(folder)


def add_client(
    simulator: Simulator, port: int, category: str, key: str
) -> None:
    fields = {
        "host": "127.0.0.1",
        "port": port,
        "apiKey": key,
        category: "*",
    }
    body = {
        "name": "SAB",
        "enable": False,
        "implementation": "Sabnzbd",
        "configContract": "SabnzbdSettings",
        "fields": [{"name": n, "value": v} for n, v in fields.items()],
    }
    made = simulator.post("/api/v1/downloadclient", body)
    assert made.status == 201, made.text


def seen(stack: Stack) -> Seen:
    found = look_around(stack, read_env(stack.folder))
    assert found.silent == {}
    return found


@pytest.mark.parametrize(
    ("name", "category"),
    [("readarr", "musicCategory"), ("prowlarr", "category")],
)
def test_a_masked_and_an_open_holder_are_found_told_and_tried(
    stack: Stack,
    simulators: dict[str, Simulator],
    name: str,
    category: str,
) -> None:
    holder, sab = simulators[name], simulators["sabnzbd"]
    holder.headers = {"X-Api-Key": OLD.reveal()}
    add_client(holder, sab.port, category, OLD.reveal())
    before = holder.get("/api/v1/downloadclient").json()
    (place,) = seen(stack).holders(stack, stack.catalog["sabnzbd"], OLD)
    assert (place.service, place.title) == (name, 'download client "SAB"')
    try_out(stack, place)

    tell(stack, place, NEW)
    with pytest.raises(UsenetError) as found:
        try_out(stack, place)
    assert found.value.code == "keys.holder-refused"
    said = json.dumps(found.value.as_dict())
    assert OLD.reveal() not in said and NEW.reveal() not in said

    tell(stack, place, OLD)
    try_out(stack, place)
    assert holder.get("/api/v1/downloadclient").json() == before


def test_another_s_download_client_is_not_ours(
    stack: Stack, simulators: dict[str, Simulator]
) -> None:
    holder = simulators["prowlarr"]
    holder.headers = {"X-Api-Key": OLD.reveal()}
    other = simulators["sabnzbd"].port - 1
    add_client(holder, other, "category", OLD.reveal())
    assert seen(stack).holders(stack, stack.catalog["sabnzbd"], OLD) == ()


def test_one_who_is_away_is_named(
    stack: Stack, simulators: dict[str, Simulator]
) -> None:
    simulators["readarr"].kill()
    found = look_around(stack, read_env(stack.folder), None, 3)
    assert list(found.silent) == ["readarr"]
    assert found.silent["readarr"].code == "app.unreachable"


@pytest.mark.parametrize("name", ON)
def test_what_an_application_says_to_keys(
    stack: Stack, simulators: dict[str, Simulator], name: str
) -> None:
    service, env = stack.catalog[name], read_env(stack.folder)
    assert judge(stack, service, env).state == "accepted"
    assert judge(stack, service, env, NEW).state == "refused"
    simulators[name].kill()
    found = judge(stack, service, env)
    assert found.state == "silent" and name in found.reason
