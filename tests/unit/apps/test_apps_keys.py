"""Keys go where they belong and nowhere else; modules load late."""

import json
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request, target_of
from usenet_stack.apps.opening import api_key_name, carried, open_http
from usenet_stack.apps.registry import has_api
from usenet_stack.errors import UsenetError
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Key

SOURCE = Path(__file__).parents[3] / "src"
KEY = "f00dfeed" * 4
ADDRESS = ("127.0.0.1", 1)
ADDRESS_OF_ITS_OWN = ("127.0.0.1", 0)
CATALOG = load_catalog(None)


def env(**values: str) -> Secrets:
    return Secrets({name: SecretValue(v) for name, v in values.items()})


@pytest.mark.parametrize(
    ("key", "headers", "query"),
    [
        (Key(send="header", name="X-Api-Key"), {"X-Api-Key": KEY}, {}),
        (
            Key(send="header", name="Authorization", template="Bearer {key}"),
            {"Authorization": f"Bearer {KEY}"},
            {},
        ),
        (Key(send="query", name="apikey"), {}, {"apikey": KEY}),
        (Key(send="none"), {}, {}),
    ],
)
def test_how_a_key_is_carried(
    key: Key, headers: dict[str, str], query: dict[str, str]
) -> None:
    found = carried(key, SecretValue(KEY))
    plain = [{n: v.reveal() for n, v in each.items()} for each in found]
    assert plain == [headers, query]


def test_a_login_is_carried_as_basic() -> None:
    key = Key(send="basic", username="Aladdin")
    headers, _ = carried(key, SecretValue("open sesame"))
    # The pair of RFC 7617.
    expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert headers["Authorization"].reveal() == expected


@pytest.mark.parametrize(
    "name", [s.name for s in CATALOG.values() if has_api(s)]
)
def test_every_service_has_its_key_or_says_so(name: str) -> None:
    service = CATALOG[name]
    if service.key.where in ("env", "file"):
        with pytest.raises(UsenetError) as caught:
            open_http(service, ADDRESS, env(), 1)
        assert caught.value.code == "app.no-key"
        assert service.key.secret in caught.value.why
    known = env(**{service.key.secret or api_key_name(service): KEY})
    http = open_http(service, ADDRESS, known, 1)
    assert http.authorised is (service.key.send != "none")
    assert KEY not in repr(http) + str(vars(http))


@pytest.mark.parametrize("name", [s.name for s in CATALOG.values()])
def test_every_automated_service_of_the_catalogue_has_a_client(
    name: str,
) -> None:
    service = CATALOG[name]
    without = {"recyclarr", "samba", "nfs-server"}
    if service.default and name not in without:
        assert has_api(service)
    if service.api in ("servarr", "prowlarr"):
        assert service.api_root.startswith("/api/v")


@pytest.mark.parametrize("bad", ["a\nb" + KEY, "a\r\nX: y" + KEY, "é€" + KEY])
def test_a_key_that_cannot_be_sent_is_not_shown(bad: str) -> None:
    headers = {"X-Api-Key": SecretValue(bad)}
    with socket.create_server(ADDRESS_OF_ITS_OWN) as listener:
        http = Http("x", listener.getsockname(), headers=headers, seconds=1)
        with pytest.raises(UsenetError) as caught:
            http.get("/")
        http.close()
    assert caught.value.code == "app.no-key"
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told + json.dumps(caught.value.as_dict())


def test_labels_hold_no_query_and_no_secret_path() -> None:
    request = Request("GET", f"/api?apikey={KEY}", {"token": KEY})
    assert request.label == "GET /api"
    shown = Request("DELETE", f"/Auth/Keys/{KEY}", shown="/Auth/Keys/{key}")
    assert shown.label == "DELETE /Auth/Keys/{key}"


def test_errors_are_veiled() -> None:
    http = Http("x", ADDRESS, query={"apikey": SecretValue(KEY)})
    http.keep_secret(SecretValue("second-secret"))
    body = json.dumps({"message": f"no {KEY} and second-secret here"})
    with pytest.raises(UsenetError) as caught:
        http.read(Request("GET", "/"), Raw(400, {}, body.encode()))
    assert caught.value.details == ("no ******** and ******** here",)


@pytest.mark.parametrize(
    ("base", "request_", "target"),
    [
        ("", Request("GET", "/a"), "/a"),
        ("/x", Request("GET", "/a"), "/x/a"),
        ("/x", Request("GET", "/a?b=1", {"c": 2}), "/x/a?b=1&c=2&k=K"),
        ("", Request("GET", "/a", {"b": True, "c": None}), "/a?b=true&k=K"),
        ("", Request("GET", "/a", {"b": [1, 2]}), "/a?b=1&b=2&k=K"),
        ("", Request("GET", "/a", {"b": "x y/&"}), "/a?b=x+y%2F%26&k=K"),
    ],
)
def test_targets(base: str, request_: Request, target: str) -> None:
    more = {"k": "K"} if "k=K" in target else {}
    assert target_of(base, request_, more) == target


@pytest.mark.parametrize(
    ("location", "base"),
    [
        ("/tv/api/v3/x", "/tv"),
        ("/a/b/api/v3/x?y=1", "/a/b"),
        ("http://127.0.0.1:1/tv/api/v3/x", "/tv"),
        ("http://other.example/tv/api/v3/x", ""),
        ("//other.example/api/v3/x", ""),
        ("https://127.0.0.1:1/tv/api/v3/x", ""),
        ("/login", ""),
        ("/api/v3/x", ""),
        ("", ""),
    ],
)
def test_only_a_base_of_the_same_application_is_taken(
    location: str, base: str
) -> None:
    http = Http("x", ADDRESS)
    raw = Raw(307, {"location": location}, b"")
    assert http._moved(raw, Request("GET", "/api/v3/x")) is bool(base)
    assert http.base == base


def loaded(code: str) -> set[str]:
    """Return what is imported after some code has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        env={"PYTHONPATH": str(SOURCE), "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_the_registry_costs_nothing() -> None:
    found = loaded("import usenet_stack.apps.registry")
    heavy = {"msgspec", "rich", "yaml", "tomlkit", "http.client", "ssl"}
    assert not heavy & found
    ours = {name for name in found if name.startswith("usenet_stack.")}
    assert ours == {
        "usenet_stack.apps",
        "usenet_stack.apps.app",
        "usenet_stack.apps.registry",
    }


def test_only_the_client_that_is_opened_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text('[stack]\nname = "x"\n')
    found = loaded(
        "from pathlib import Path\n"
        "from usenet_stack.apps.registry import open_app\n"
        "from usenet_stack.stack.model import load_stack\n"
        "from usenet_stack.stack.secrets import Secrets, SecretValue\n"
        f"stack = load_stack(Path({str(tmp_path)!r}))\n"
        "env = Secrets({'SONARR_API_KEY': SecretValue('x')})\n"
        "assert open_app(stack, stack.catalog['sonarr'], env)\n"
    )
    clients = {"servarr", "prowlarr", "sabnzbd", "transmission", "jellyfin",
               "seerr", "bazarr", "tdarr", "netdata", "portainer",
               "audiobookshelf", "declared"}  # fmt: skip
    here = {each for each in clients if f"usenet_stack.apps.{each}" in found}
    assert here == {"servarr"}
    assert not {"rich", "yaml", "requests", "transmission_rpc"} & found
