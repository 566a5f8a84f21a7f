"""Masks, addresses, ways, ages, and errors without secrets."""

import json
from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.keys.addresses import address_of, reached_as
from usenet_stack.keys.age import changed_at
from usenet_stack.keys.holders import Seen, exactly
from usenet_stack.keys.kept import is_kept, keep, kept, kept_path, veiled
from usenet_stack.keys.looking import may_hold
from usenet_stack.keys.masking import masked
from usenet_stack.keys.places import Link, Place
from usenet_stack.keys.ways import (
    check_rotatable,
    dependents,
    differs,
    is_first,
    missing,
    secret_name,
    way_of,
)
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import SecretValue, parse_env
from usenet_stack.transaction import Context

KEY = SecretValue("0123456789abcdef0123456789abcdef")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "stack.toml").write_text(
        '[stack]\nname = "home"\nhosts = ["nas.lan"]\n'
        '[services]\nenable = ["unpackerr", "homepage"]\n'
        "[ports]\nsonarr = 18989\n"
    )
    return load_stack(folder)


@pytest.mark.parametrize(
    ("value", "password", "shown"),
    [
        (KEY, False, "********cdef"),
        (KEY, True, "********"),
        (SecretValue("short"), False, "********"),
        (SecretValue("x" * 23), False, "********"),
        (None, False, ""),
    ],
)
def test_masks(value: SecretValue | None, password: bool, shown: str) -> None:
    assert masked(value, password=password) == shown


def test_an_application_is_known_by_its_names_and_ports(stack: Stack) -> None:
    found = reached_as(stack, stack.catalog["sonarr"])
    inside = {("sonarr", 8989), (f"{stack.project}-sonarr-1", 8989)}
    outside = {("nas.lan", 18989), ("host.docker.internal", 18989)}
    assert inside | outside <= found
    assert ("sonarr", 18989) not in found
    assert ("nas.lan", 8989) not in found


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://Sonarr:8989/base/", ("sonarr", 8989)),
        ("https://tv.example", ("tv.example", 443)),
        ("sabnzbd:8080", ("sabnzbd", 8080)),
        ("http://x:99999", ("", 0)),
        ("", ("", 80)),
    ],
)
def test_addresses_of_urls(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address


def links(*found: Link) -> Seen:
    return Seen({link.place.service: [link] for link in found}, {})


def test_a_link_belongs_to_whom_it_leads_to(stack: Stack) -> None:
    sab, sonarr = stack.catalog["sabnzbd"], stack.catalog["sonarr"]
    place = Place("provider", "radarr", "downloadclient", "x", 1, "apiKey")
    password = Place("provider", "lidarr", "downloadclient", "x", 1, "password")
    seen = links(Link(place, "sabnzbd", 8080), Link(password, "sabnzbd", 8080))
    assert seen.holders(stack, sab, KEY) == (place,)
    assert seen.holders(stack, sonarr, KEY) == ()
    moved = links(Link(place, "elsewhere", 1, KEY))
    assert moved.holders(stack, sab, KEY) == (place,)


def test_a_key_of_jellyfin_s_that_is_another_s_stays(stack: Stack) -> None:
    jellyfin = stack.catalog["jellyfin"]
    place = Place("seerr-jellyfin", "seerr", "jellyfin", "media server")
    theirs = links(Link(place, "jellyfin", 8096, SecretValue("a" * 32)))
    ours = links(Link(place, "jellyfin", 8096, KEY))
    assert theirs.holders(stack, jellyfin, KEY) == ()
    assert ours.holders(stack, jellyfin, KEY) == (place,)


def test_texts_are_held_by_exactly_the_key(stack: Stack) -> None:
    folder = stack.config_root / "recyclarr"
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "tv.yml").write_text(f"api_key: {KEY.reveal()}\n")
    (folder / "secrets.yml").write_text(f"a: x{KEY.reveal()}\n")
    sonarr = stack.catalog["sonarr"]
    (place,) = links().holders(stack, sonarr, KEY)
    assert (place.kind, place.resource) == ("text", "configs/tv.yml")
    assert not exactly(KEY).search(f"{KEY.reveal()}0".encode())


def test_who_is_asked_about_whose_key(stack: Stack) -> None:
    catalog = stack.catalog
    asked = {
        name: {s.name for s in stack.services if may_hold(s, catalog[name])}
        for name in ("sonarr", "sabnzbd", "jellyfin", "bazarr")
    }
    arrs = {"sonarr", "radarr", "lidarr", "readarr"} & set(catalog)
    on = {s.name for s in stack.services}
    family = arrs & on
    assert asked["sonarr"] == (family - {"sonarr"}) | {
        *("prowlarr", "bazarr", "seerr")
    }
    assert asked["sabnzbd"] == family | {"prowlarr", "mylar3"}
    assert asked["jellyfin"] == family | {"seerr"}
    assert asked["bazarr"] == set()


def test_how_each_key_is_changed(stack: Stack) -> None:
    ways = {name: way_of(stack.catalog[name]) for name in stack.catalog}
    by_way: dict[str, set[str]] = {}
    for name, way in ways.items():
        if stack.catalog[name].key.where != "none":
            by_way.setdefault(way, set()).add(name)
    assert by_way["live"] == {"sabnzbd"}
    assert by_way["asked"] == {"jellyfin"}
    assert by_way["file"] == {"bazarr", "mylar3", "whisparr"}
    assert {"sonarr", "transmission", "seerr", "tdarr"} <= by_way["env"]
    assert {"portainer", "audiobookshelf"} <= by_way[""]
    assert secret_name(stack.catalog["jellyfin"]) == "JELLYFIN_API_KEY"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("portainer", "keys.by-hand"),
        ("sonarr", "keys.missing"),
        ("samba", "keys.none"),
    ],
)
def test_what_cannot_be_rotated_says_why(
    stack: Stack, name: str, code: str
) -> None:
    with pytest.raises(UsenetError) as found:
        check_rotatable(stack, stack.catalog[name], parse_env(""))
    assert found.value.code == code
    assert found.value.hint.startswith("usenet ")


def test_the_fix_names_this_stack_and_not_another(stack: Stack) -> None:
    sonarr = stack.catalog["sonarr"]
    for error in (missing(stack, sonarr), differs(stack, sonarr)):
        assert f"--stack {stack.folder}" in error.hint


def test_an_application_that_makes_its_key_has_a_first_one(
    stack: Stack,
) -> None:
    jellyfin, sonarr = stack.catalog["jellyfin"], stack.catalog["sonarr"]
    check_rotatable(stack, jellyfin, parse_env(""))
    assert is_first(jellyfin, parse_env(""))
    assert is_first(jellyfin, parse_env("JELLYFIN_API_KEY="))
    assert not is_first(jellyfin, parse_env("JELLYFIN_API_KEY=x"))
    assert not is_first(sonarr, parse_env(""))


def test_those_who_get_it_with_their_environment(stack: Stack) -> None:
    sonarr = stack.catalog["sonarr"]
    assert dependents(stack, sonarr) == ("unpackerr",)
    stack.override_path.write_text(
        "services:\n"
        "  homepage:\n    environment: !override\n"
        "      - HOMEPAGE_VAR_SONARR=${SONARR_API_KEY}\n"
        "  seerr:\n    image: x\n"
    )
    assert dependents(stack, sonarr) == ("unpackerr", "homepage")
    stack.override_path.write_text("services: [")
    assert dependents(stack, sonarr) == ("unpackerr",)


def test_since_when_comes_from_the_audit_log(stack: Stack) -> None:
    stack.state_path.mkdir()
    path = stack.state_path / "audit.jsonl"
    made = {
        "at": "2026-01-02T03:04:05Z",
        "command": "deploy",
        "plan": ["generate 9 secrets in .env"],
        "outcome": "committed",
    }
    rotated = made | {
        "at": "2026-05-06T07:08:09Z",
        "command": "keys rotate",
        "plan": ["make a new SONARR_API_KEY, write it to .env, and x"],
    }
    failed = rotated | {"at": "2026-09-09", "outcome": "rolled-back"}
    lines = [json.dumps(line) for line in (made, rotated, failed)]
    path.write_text("\n".join([*lines, "torn {"]))
    assert changed_at(stack) == {
        "": "2026-01-02T03:04:05Z",
        "SONARR_API_KEY": "2026-05-06T07:08:09Z",
    }
    path.write_text("\n".join([lines[0], *lines]))
    # Which of two deploys made a key is not known.
    assert "" not in changed_at(stack)


def test_what_is_kept_is_private_and_stays(tmp_path: Path) -> None:
    context = Context(tmp_path, tmp_path / "x.kept")
    keep(context, "A.old", KEY)
    keep(context, "A.old", SecretValue("another"))
    assert kept(context, "A.old") == KEY
    assert kept_path(context, "A.old").stat().st_mode & 0o777 == 0o600
    assert kept_path(context, "A.old").parent.stat().st_mode & 0o777 == 0o700
    assert not is_kept(context, "A.new")


def test_errors_lose_the_old_and_the_new_key(tmp_path: Path) -> None:
    context = Context(tmp_path, tmp_path / "x.kept")
    new = SecretValue("new-and-secret-value")
    keep(context, "A.old", KEY)
    keep(context, "A.new", new)
    with pytest.raises(UsenetError) as found, veiled(context, "A"):
        raise UsenetError(
            "app.refused",
            service=f"x {KEY.reveal()}",
            call="PUT /x",
            why=f"said {new.reveal()}",
            details=(f"ApiKey {KEY.reveal()} is wrong",),
        )
    said = f"{found.value} {found.value.as_dict()}"
    assert KEY.reveal() not in said and new.reveal() not in said
    assert "ApiKey ******** is wrong" in said
