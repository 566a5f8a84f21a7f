"""A stack as a whole: services, ports, folders, shares of the machine."""

import configparser
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from usenet_stack.errors import UsenetError
from usenet_stack.stack.layout import folders, seed_files
from usenet_stack.stack.locate import StackLocation
from usenet_stack.stack.model import load_stack, project_name, tiers
from usenet_stack.stack.ports import claims, reassign, refuse_duplicates
from usenet_stack.stack.profiles import (
    BUILT_IN,
    MIB,
    find_profile,
    limits,
    profile_names,
)
from usenet_stack.stack.secrets import Secrets, complete_env, parse_env
from usenet_stack.stack.settings import ProfileTable, WeightTable


def secrets_of(stack: Any) -> Secrets:
    return parse_env(complete_env("", stack).text.reveal())


def test_the_default_services_start_in_tiers(make_stack: Any) -> None:
    stack = make_stack()
    assert len(stack.services) == 19
    batches = [[s.name for s in batch] for batch in tiers(stack.services)]
    assert {"sabnzbd", "transmission", "netdata"} <= set(batches[0])
    assert {"sonarr", "prowlarr", "bazarr"} <= set(batches[1])
    assert {"jellyfin", "seerr"} <= set(batches[2])
    assert sum(map(len, batches)) == 19


def test_services_are_switched_by_any_name(make_stack: Any) -> None:
    stack = make_stack(enable=("plex",), disable=("overseerr", "tdarr"))
    assert stack.enabled("plex")
    assert not stack.enabled("seerr") and not stack.enabled("tdarr")
    assert len(stack.services) == 18


def test_a_name_in_stack_toml_that_is_not_there(make_stack: Any) -> None:
    with pytest.raises(UsenetError) as caught:
        make_stack(enable=("plx",))
    assert "did you mean plex?" in caught.value.message
    assert "stack.toml names it" in caught.value.why


def test_a_stack_loads_from_its_location(make_stack: Any) -> None:
    stack = make_stack()
    where = StackLocation(stack.folder, "folder", True)
    assert load_stack(where).folder == stack.folder


def test_selection_keeps_the_start_order(make_stack: Any) -> None:
    stack = make_stack()
    chosen = stack.select(["overseerr", "sonarr"], ["download"])
    assert [s.name for s in chosen] == [
        "sabnzbd",
        "transmission",
        "sonarr",
        "seerr",
    ]
    assert stack.select() == stack.services
    assert stack.select(groups=["extra"]) == ()
    assert stack.select(["plex"]) == ()
    with pytest.raises(UsenetError, match="no group"):
        stack.select(groups=["mdia"])


@pytest.mark.parametrize(
    ("bind", "url", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9092", ("127.0.0.1", 9092)),
        ("0.0.0.0", "http://127.0.0.1:9092", ("127.0.0.1", 9092)),
        ("::", "http://[::1]:9092", ("::1", 9092)),
        ("10.0.0.9", "http://10.0.0.9:9092", ("10.0.0.9", 9092)),
    ],
)
def test_where_a_service_is_reached(
    bind: str, url: str, address: tuple[str, int], make_stack: Any
) -> None:
    stack = make_stack(bind=bind)
    service = stack.resolve("transmission")
    assert stack.url(service) == url
    assert stack.address(service) == address
    assert stack.address(service, 9091) == address
    assert stack.address(service, 1) is None
    assert stack.url(stack.resolve("samba")) is None


@given(st.text(min_size=1, max_size=60))
def test_any_name_gives_a_project_that_compose_takes(name: str) -> None:
    project = project_name(name)
    assert project.startswith("usenet")
    assert set(project) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def test_like_names_give_other_projects() -> None:
    names = ["home", "Home", "ho me", "ho-me", "ü", "ö", "sandbox"]
    assert len({project_name(name) for name in names}) == len(names)
    assert project_name("default") == "usenet"
    assert project_name("sandbox") == "usenet-sandbox"


def test_paths_follow_stack_toml(make_stack: Any, tmp_path: Path) -> None:
    stack = make_stack()
    text = (stack.folder / "stack.toml").read_text()
    text = text.replace('data = "data"', f'data = "{tmp_path}/big"')
    text = text.replace("[pool]", '[pool]\npath = "films"')
    (stack.folder / "stack.toml").write_text(text)
    stack = load_stack(stack.folder)
    assert stack.media_root == tmp_path / "big/films"
    assert stack.media_inside == "/data/films"
    made = [folder.path for folder in folders(stack)]
    assert tmp_path / "big" in made and tmp_path not in made
    assert tmp_path / "big/downloads/usenet/complete" in made


def test_folders_come_parents_first_and_have_owners(make_stack: Any) -> None:
    stack = make_stack(puid=1234, pgid=1235)
    found = folders(stack)
    paths = [folder.path for folder in found]
    assert len(set(paths)) == len(paths)
    for index, path in enumerate(paths):
        later = set(paths[index + 1 :])
        assert later.isdisjoint(path.parents)
    owners = {
        str(folder.path.relative_to(stack.folder)): (folder.uid, folder.gid)
        for folder in found
    }
    assert owners["config/sonarr"] == (1234, 1235)
    assert owners["config/portainer/data"] == (0, 0)
    assert owners["data/media"] == (1234, 1235)
    assert owners["data/downloads/torrents/watch"] == (1234, 1235)
    assert owners["config/mylar3/mylar"] == (1234, 1235)
    modes = {folder.path.name: folder.mode for folder in found}
    assert modes["sonarr"] == 0o750 and modes["media"] == 0o755


def test_in_the_sandbox_all_files_are_the_users(make_stack: Any) -> None:
    stack = make_stack(sandbox=True, puid=1234, pgid=1235)
    assert {(f.uid, f.gid) for f in folders(stack)} == {(1234, 1235)}


def test_first_files_hold_keys_and_paths(make_stack: Any) -> None:
    stack = make_stack()
    secrets = secrets_of(stack)
    files = {file.service: file for file in seed_files(stack, secrets)}
    assert sorted(files) == [
        "bazarr",
        "mylar3",
        "portainer",
        "sabnzbd",
        "transmission",
    ]
    assert all(file.mode == 0o600 for file in files.values())
    assert all("$" not in f.text.reveal() for f in files.values())
    assert "********" in repr(files["sabnzbd"])
    sab = files["sabnzbd"].text.reveal()
    assert f"api_key = {secrets['SABNZBD_API_KEY'].reveal()}\n" in sab
    assert "host_whitelist = sabnzbd,localhost,127.0.0.1\n" in sab
    assert "complete_dir = /data/downloads/usenet/complete\n" in sab
    torrent = json.loads(files["transmission"].text.reveal())
    assert torrent["watch-dir"] == "/data/downloads/torrents/watch"
    assert torrent["umask"] == "002"
    bazarr = yaml.safe_load(files["bazarr"].text.reveal())
    key = secrets["BAZARR_API_KEY"].reveal()
    assert bazarr == {"auth": {"apikey": key}}
    mylar = configparser.ConfigParser()
    mylar.read_string(files["mylar3"].text.reveal())
    assert mylar["API"]["api_key"] == secrets["MYLAR3_API_KEY"].reveal()
    assert mylar["General"]["comic_dir"] == "/data/media/comics"
    password = secrets["PORTAINER_ADMIN_PASSWORD"].reveal()
    assert files["portainer"].text.reveal() == password
    assert files["portainer"].path == (
        stack.config_root / "portainer/secrets/admin-password"
    )


def test_seed_folders_are_made(make_stack: Any) -> None:
    stack = make_stack(enable=("caddy", "whisparr"))
    made = {folder.path for folder in folders(stack)}
    for file in seed_files(stack, secrets_of(stack)):
        assert file.path.parent in made


def test_all_ports_free_moves_nothing(make_stack: Any) -> None:
    assert reassign(make_stack(), lambda port, protocol: True) == {}


def test_taken_ports_move_and_shared_numbers_stay_shared(
    make_stack: Any,
) -> None:
    stack = make_stack()
    taken = {8989, 28989, 51413}
    moved = reassign(stack, lambda port, protocol: port not in taken)
    assert moved["sonarr"] == {"web": 28990}
    assert moved["transmission"]["peer"] == moved["transmission"]["peer-udp"]
    assert set(moved) == {"sonarr", "transmission"}
    again = make_stack(ports=moved)
    refuse_duplicates(again)
    assert taken.isdisjoint(claim.port for claim in claims(again))


def test_a_port_moves_and_the_plain_number_beside_it_stays(
    make_stack: Any,
) -> None:
    stack = make_stack()
    text = (stack.folder / "stack.toml").read_text()
    (stack.folder / "stack.toml").write_text(
        text.replace("[ports]", "[ports]\ntransmission = 50849")
    )
    moved = reassign(
        load_stack(stack.folder), lambda port, protocol: port != 51413
    )
    assert 50849 in moved["transmission"].values()
    assert len(moved["transmission"]) == 3


def test_nothing_free_below_20000_still_ends_without_clashes(
    make_stack: Any,
) -> None:
    stack = make_stack()
    moved = reassign(stack, lambda port, protocol: port > 60000)
    again = make_stack(ports=moved)
    refuse_duplicates(again)
    assert all(claim.port > 60000 for claim in claims(again))


def test_two_services_on_one_port_are_told(make_stack: Any) -> None:
    stack = make_stack(ports={"transmission": {"peer": 8989}})
    with pytest.raises(UsenetError) as caught:
        refuse_duplicates(stack)
    assert caught.value.code == "port.duplicate"
    assert "want port 8989" in caught.value.message


def test_a_plain_number_moves_the_first_port_only(make_stack: Any) -> None:
    stack = make_stack()
    text = (stack.folder / "stack.toml").read_text()
    (stack.folder / "stack.toml").write_text(
        text.replace("[ports]", "[ports]\ntransmission = 1234")
    )
    ports = [
        claim.port
        for claim in claims(load_stack(stack.folder))
        if claim.service == "transmission"
    ]
    assert ports == [1234, 51413, 51413]


def table(profile: str, cores: int, memory: int) -> str:
    lines = []
    for weight in ("heavy", "normal", "light"):
        found = limits(BUILT_IN[profile], weight, cores, memory)  # type: ignore[arg-type]
        size = found.memory_bytes
        shown = "-" if size is None else f"{size // MIB}m"
        lines.append(f"{weight} {found.cpus} {shown} {found.cpu_shares}")
    return "; ".join(lines)


@pytest.mark.parametrize(
    ("profile", "cores", "gib", "expected"),
    [
        (
            "dedicated",
            8,
            16,
            "heavy None - 1024; normal None - 512; light None - 256",
        ),
        (
            "balanced",
            8,
            16,
            "heavy 6.0 8192m 1024; normal 4.0 4096m 512; light 2.0 2048m 256",
        ),
        (
            "light",
            8,
            16,
            "heavy 4.0 4096m 1024; normal 2.0 2048m 512; light 1.0 1024m 256",
        ),
        (
            "light",
            1,
            1,
            "heavy 0.5 1024m 1024; normal 0.5 512m 512; light 0.5 256m 256",
        ),
        (
            "balanced",
            3,
            0,
            "heavy 2.25 - 1024; normal 1.5 - 512; light 0.75 - 256",
        ),
    ],
)
def test_profiles(profile: str, cores: int, gib: int, expected: str) -> None:
    assert table(profile, cores, gib << 30) == expected


@given(
    st.sampled_from(sorted(BUILT_IN)),
    st.sampled_from(["heavy", "normal", "light"]),
    st.integers(1, 512),
    st.integers(0, 1 << 42),
)
def test_no_limit_is_beyond_the_machine(
    name: str, weight: Any, cores: int, memory: int
) -> None:
    found = limits(BUILT_IN[name], weight, cores, memory)
    assert found.cpus is None or 0 < found.cpus <= cores
    assert found.memory_bytes is None or found.memory_bytes <= memory


def test_a_profile_of_the_users_own() -> None:
    own = {"quiet": ProfileTable(heavy=WeightTable(cpus=0.25))}
    assert profile_names(own) == ("dedicated", "balanced", "light", "quiet")
    found = limits(find_profile("quiet", own), "heavy", 8, 8 << 30)
    assert (found.cpus, found.memory_bytes) == (2.0, None)
    with pytest.raises(UsenetError, match="no profile quit") as caught:
        find_profile("quit", own)
    assert "did you mean quiet?" in caught.value.message
