"""The catalogue: what is shipped, what a user adds, what is refused."""

import os
import re
from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.stack import compiled
from usenet_stack.stack.catalog import Catalog, load_catalog
from usenet_stack.stack.names import CATALOG_FOLDER, service_names

DEFAULTS = {
    "media": "audiobookshelf jellyfin seerr tdarr yacreader",
    "automation": (
        "bazarr lidarr mylar3 prowlarr radarr readarr recyclarr sonarr"
    ),
    "download": "sabnzbd transmission",
    "monitoring": "netdata portainer",
    "sharing": "nfs-server samba",
}
EXTRAS = (
    "caddy cloudflared flaresolverr gluetun homepage kavita komga nzbget "
    "plex qbittorrent tautulli unpackerr uptime-kuma whisparr"
)
MINIMAL = 'group = "extra"\nimage = "example.org/x:1"\n[health]\n'
MINIMAL += 'kind = "container"\n'


@pytest.fixture
def services_d(tmp_path: Path) -> Path:
    folder = tmp_path / "services.d"
    folder.mkdir()
    return folder


def fault(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.toml").write_text(text)
    with pytest.raises(UsenetError) as caught:
        load_catalog(folder)
    assert caught.value.code == "catalog.invalid"
    return caught.value.details[0].removeprefix(f"{folder}/")


def test_the_19_services_are_on_and_the_extras_off() -> None:
    catalog = load_catalog()
    for group, names in DEFAULTS.items():
        found = [s.name for s in catalog.in_group(group) if s.default]
        assert " ".join(found) == names
    extras = catalog.in_group("extra")
    assert " ".join(service.name for service in extras) == EXTRAS
    assert not any(service.default for service in extras)
    assert sum(service.default for service in catalog.values()) == 19


def test_names_are_known_without_parsing() -> None:
    assert service_names() == tuple(sorted(load_catalog()))


def test_user_names_are_listed_as_well(services_d: Path) -> None:
    (services_d / "mine.toml").write_text("not even TOML")
    assert "mine" in service_names(services_d)
    assert service_names(services_d / "missing") == service_names()


def test_facts_that_users_would_miss() -> None:
    catalog = load_catalog()
    assert catalog["transmission"].ports[0].usual == 9092
    assert catalog["readarr"].deprecated
    assert catalog["readarr"].replacement == "bookshelf"
    assert "bookshelf" in catalog["readarr"].image
    assert catalog["netdata"].pid == "host"
    assert catalog["jellyfin"].health.starting_text == "Degraded"
    assert catalog["sonarr"].internal_url == "http://sonarr:8989"


@pytest.mark.parametrize("name", service_names())
def test_each_service_can_be_explained_and_probed(name: str) -> None:
    service = load_catalog()[name]
    assert service.description.endswith(".")
    assert service.upstream.startswith("https://")
    assert service.changelog.startswith("https://")
    if service.health.kind != "container":
        assert service.health_port
    if service.key.where in ("env", "file") and service.key.secret:
        assert service.key.send != "none"
    if service.key.where == "env":
        assert service.key.env in service.environment
        wanted = f"${{{service.key.secret}}}"
        assert service.environment[service.key.env] == wanted
    if service.key.where == "file" and service.key.secret:
        seeded = [s for s in service.seeds if s.path == service.key.file]
        assert service.key.secret in seeded[0].text


def test_no_service_uses_the_network_of_the_host() -> None:
    for path in CATALOG_FOLDER.glob("*.toml"):
        assert not re.search(r"^network", path.read_text(), re.M), path


def test_usual_ports_do_not_collide() -> None:
    seen: dict[tuple[int, str], str] = {}
    for service in load_catalog().values():
        for port in service.ports:
            key = (port.usual, port.protocol)
            assert seen.setdefault(key, service.name) == service.name


@pytest.mark.parametrize(
    ("typed", "found"),
    [("overseerr", "seerr"), (" Sonarr ", "sonarr"), ("sab", "sabnzbd")],
)
def test_a_service_answers_to_its_other_names(typed: str, found: str) -> None:
    assert load_catalog().resolve(typed).name == found


def test_an_unknown_service_names_the_nearest_one() -> None:
    with pytest.raises(UsenetError) as caught:
        load_catalog().resolve("sonar")
    assert caught.value.code == "service.unknown"
    assert "did you mean sonarr?" in caught.value.message
    assert "jellyfin" in caught.value.details[0]


@pytest.mark.parametrize("name", ["", "ünïcode", "../../etc", "a" * 5000])
def test_odd_names_are_unknown(name: str) -> None:
    with pytest.raises(UsenetError, match="There is no service"):
        load_catalog().resolve(name)


def test_an_unknown_group_names_the_nearest_one() -> None:
    with pytest.raises(UsenetError) as caught:
        load_catalog().in_group("meda")
    assert "did you mean media?" in caught.value.message


def test_a_user_adds_a_service(services_d: Path) -> None:
    (services_d / "my-app.toml").write_text(MINIMAL)
    service = load_catalog(services_d)["my-app"]
    assert (service.title, service.group) == ("My App", "extra")


def test_a_user_changes_one_value_of_a_table(services_d: Path) -> None:
    (services_d / "sonarr.toml").write_text(
        '[environment]\nSONARR__LOG__LEVEL = "debug"\n'
        "[health]\nlimit_seconds = 900\n"
    )
    service = load_catalog(services_d)["sonarr"]
    shipped = load_catalog()["sonarr"]
    assert service.environment == {
        **shipped.environment,
        "SONARR__LOG__LEVEL": "debug",
    }
    assert service.health.limit_seconds == 900
    assert service.health.path == "/ping"
    assert service.image == shipped.image


def test_a_list_is_replaced_not_merged(services_d: Path) -> None:
    (services_d / "sonarr.toml").write_text(
        "ports = [{ container = 8989, host = 12345 }]\n"
    )
    ports = load_catalog(services_d)["sonarr"].ports
    assert [port.usual for port in ports] == [12345]


FAULTS = {
    "syntax": ("a = 1\nb = \n", ":2: Invalid value"),
    "unknown key": (
        MINIMAL.replace("image", "imgae"),
        ":2: imgae: there is no such key: did you mean image?",
    ),
    "nested unknown key": (
        MINIMAL + "\n[[ports]]\ncontainer = 1\n[[ports]]\n"
        "container = 2\nhots = 3\n",
        ":10: ports[2].hots: there is no such key: did you mean host?",
    ),
    "wrong type": (
        MINIMAL + "limit_seconds = 'soon'\n",
        ":5: health.limit_seconds: expected a whole number, "
        "found text in quotes",
    ),
    "wrong word": (
        'image = "x:1"\n# a comment\ngroup = "medium"\n',
        ":3: group: 'medium' is not one of the allowed words: "
        "automation, download, extra, media, monitoring, sharing",
    ),
    "wrong value of a free table": (
        MINIMAL + "[environment]\nGOOD = 'x'\n\nBAD = 7\n",
        ":8: environment.BAD: expected text in quotes, found a whole number",
    ),
    "missing key": ('group = "extra"\n', ":1: image: this key is needed"),
    "no tag": (
        'group = "extra"\nimage = "example.org/x"\n',
        ":2: image: 'example.org/x' has no tag, such as :latest",
    ),
    "unknown placeholder": (
        MINIMAL + "[environment]\nWHO = '${pudi}'\n",
        ":6: environment.WHO: ${pudi} is neither a secret of this service "
        "nor a fact: did you mean puid?",
    ),
    "foreign secret": (
        MINIMAL + "[environment]\nK = '${SONARR_API_KEY}'\n",
        ":6: environment.K: ${SONARR_API_KEY} is neither a secret of this",
    ),
    "escape from the config folder": (
        MINIMAL + '[[seeds]]\npath = "../../etc/passwd"\ntext = ""\n',
        ":6: seeds[1].path: must lie below its own folder",
    ),
    "volume outside": (
        MINIMAL + '[[volumes]]\nkind = "config"\nsource = "../.."\n'
        'target = "/x"\n',
        ":7: volumes[1].source: must lie below its own folder",
    ),
    "relative host path": (
        MINIMAL + '[[volumes]]\nkind = "host"\nsource = "srv"\ntarget = "/x"\n',
        ":7: volumes[1].source: must be a whole path: /...",
    ),
    "port too large": (
        MINIMAL + "[[ports]]\ncontainer = 70000\n",
        ":6: ports[1].container: must be at most 65535",
    ),
    "another name": (
        'name = "other"\n' + MINIMAL,
        ":1: name: the file's name makes it 'bad'",
    ),
    "taken alias": (
        'aliases = ["fine", "overseerr"]\n' + MINIMAL,
        ":1: aliases[2]: 'overseerr' already means seerr",
    ),
    "probe of a port that is not there": (
        MINIMAL.replace('"container"', '"tcp"\nport = 81')
        + "[[ports]]\ncontainer = 80\n",
        ":5: health.port: is not one of its ports",
    ),
    "probe without ports": (
        MINIMAL.replace('"container"', '"tcp"'),
        ":4: health.kind: without ports: use container",
    ),
    "deprecated without a replacement": (
        "deprecated = true\n" + MINIMAL,
        ":1: replacement: a deprecated service needs one",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_bad_file_says_where_and_why(case: str, services_d: Path) -> None:
    text, expected = FAULTS[case]
    assert fault(services_d, "bad", text).startswith(f"bad.toml{expected}")


def test_a_line_after_long_text_is_counted_right(services_d: Path) -> None:
    text = MINIMAL + '[[seeds]]\npath = "a"\ntext = """\n[x]\ny = 1\n"""\n'
    text += "mode = 7\n"
    assert fault(services_d, "bad", text).startswith(
        "bad.toml:11: seeds[1].mode: expected text in quotes"
    )


def test_all_bad_files_are_told_at_once(services_d: Path) -> None:
    (services_d / "one.toml").write_text("= 1")
    (services_d / "two.toml").write_bytes(b"\xff\xfe")
    (services_d / "Three Ü.toml").write_text(MINIMAL)
    with pytest.raises(UsenetError) as caught:
        load_catalog(services_d)
    files = [Path(d.split(":")[0]).name for d in caught.value.details]
    assert sorted(files) == ["Three Ü.toml", "one.toml", "two.toml"]
    assert "(and 2 more)" in caught.value.message
    assert caught.value.hint.endswith("usenet config validate")


def test_a_file_name_that_compose_would_refuse(services_d: Path) -> None:
    assert fault(services_d, "My App", MINIMAL) == (
        "My App.toml:1: the file's name may only hold a-z, 0-9, - and _"
    )


def test_a_missing_folder_is_no_error(tmp_path: Path) -> None:
    assert len(load_catalog(tmp_path / "none")) == len(load_catalog())


def test_the_cache_gives_the_same_catalogue(home: Path) -> None:
    first = load_catalog()
    assert (home / ".cache/usenet/catalog.msgpack").stat().st_mode & 0o77 == 0
    assert dict(load_catalog()) == dict(first)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x82\xa5stamp\xc0"])
def test_a_torn_cache_is_parsed_anew(home: Path, content: bytes) -> None:
    load_catalog()
    cache = home / ".cache/usenet/catalog.msgpack"
    whole = cache.read_bytes()
    cache.write_bytes(content)
    assert len(load_catalog()) == 33
    assert cache.read_bytes() == whole


def test_a_changed_file_is_parsed_anew(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("x = 1")
    assert compiled.load_shipped(tmp_path) == {"a": {"x": 1}}
    (tmp_path / "a.toml").write_text("x = 2")
    os.utime(tmp_path / "a.toml", ns=(1, 1))
    assert compiled.load_shipped(tmp_path) == {"a": {"x": 2}}


def test_without_a_writable_cache_all_works(home: Path) -> None:
    (home / ".cache").write_text("a file where the folder should be")
    assert len(load_catalog()) == 33


def test_a_catalogue_is_ordered_by_group() -> None:
    catalog = load_catalog()
    assert isinstance(catalog, Catalog)
    assert catalog.groups()[0] == "media"
    assert next(iter(catalog)) == "audiobookshelf"
