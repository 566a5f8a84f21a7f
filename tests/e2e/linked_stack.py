"""A sandbox whose applications know each other's keys, through their APIs."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cli_process import Cli, Ran
from e2e.sandbox_stack import containers, small_stack
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import read_env

SERVICES = (
    *("sabnzbd", "transmission", "prowlarr", "sonarr", "bazarr", "mylar3"),
    *("recyclarr", "jellyfin", "seerr"),
)
RECYCLARR = """\
# mine: keep
sonarr:
  series:
    base_url: http://sonarr:8989
    api_key: {key}   # the key
    note: x{key}x
"""
Headers = dict[str, str]


class Answer(NamedTuple):
    status: int
    data: Any


class Linked(NamedTuple):
    """A deployed sandbox, and the ways into its applications."""

    cli: Cli
    host: str
    folder: Path
    project: str

    def __call__(self, *words: str | Path, **options: Any) -> Ran:
        return self.cli(f"--stack={self.folder}", *words, **options)

    @property
    def stack(self) -> Stack:
        return load_stack(self.folder)

    def key(self, service: str) -> str:
        name = self.stack.catalog[service].key.secret
        return read_env(self.folder)[name].reveal()

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        form: dict[str, str] | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """Send one request with the service's key, or another one."""
        stack = self.stack
        known = stack.catalog[service]
        address = stack.address(known, known.health_port)
        assert address is not None
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = None if body is None else json.dumps(body)
        if known.key.send == "header" and known.key.secret:
            sent[known.key.name] = self.key(service) if key is None else key
        if form is not None:
            data = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(*address, timeout=20)
        try:
            connection.request(method, path, data, sent)
            found = connection.getresponse()
            text = found.read().decode()
        finally:
            connection.close()
        try:
            return Answer(found.status, json.loads(text))
        except ValueError:
            return Answer(found.status, text)

    def good(self, *words: Any, **options: Any) -> Any:
        """Ask, and insist on a success."""
        found = self.ask(*words, **options)
        assert 200 <= found.status < 300, (words[:3], found)
        return found.data

    def sonarr_lets_in(self, key: str) -> int:
        return self.ask(
            "sonarr", "GET", "/api/v3/system/status", key=key
        ).status

    def provider_passes(self, service: str, path: str, name: str) -> bool:
        """Tell whether an application gets in with the key that it holds."""
        item = next(
            each
            for each in self.good(service, "GET", path)
            if each["name"] == name
        )
        return self.ask(service, "POST", f"{path}/test", item).status == 200

    def containers(self) -> dict[str, dict[str, Any]]:
        return containers(self.host, self.project)

    def fault(self, service: str, *faults: dict[str, Any]) -> None:
        """Let an application fail; without faults it is well again."""
        folder = self.stack.config_folder(self.stack.catalog[service])
        path = folder / ".simulator-faults.json"
        path.unlink(missing_ok=True)
        if faults:
            path.write_text(json.dumps(faults))
            path.chmod(0o644)


@contextmanager
def linked_stack(
    home: Path, host: str, services: tuple[str, ...] = SERVICES
) -> Iterator[Linked]:
    """Hand out a sandbox that is wired as a person would have done it."""
    cli = Cli(home, {"DOCKER_HOST": host})
    folder = home / "linked"
    with small_stack(cli, host, folder, services) as project:
        ran = cli(f"--stack={folder}", "deploy", "--yes")
        assert ran.rc == 0, ran
        linked = Linked(cli, host, folder, project)
        wire(linked, services)
        yield linked


def wire(stack: Linked, services: tuple[str, ...]) -> None:
    """Introduce the applications to each other."""
    application(stack, "Sonarr", "http://sonarr:8989", stack.key("sonarr"))
    bazarr_knows_sonarr(stack)
    recyclarr = stack.folder / "config/recyclarr/recyclarr.yml"
    recyclarr.write_text(RECYCLARR.format(key=stack.key("sonarr")))
    if "mylar3" in services:
        mylar = stack.key("mylar3")
        application(stack, "Mylar", "http://mylar3:8090", mylar)
    if "sabnzbd" in services:
        clients(stack)
    if "seerr" in services:
        seerr_knows_all(stack)


def provider(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "enable": True,
        "implementation": kind,
        "configContract": f"{kind}Settings",
        "fields": [{"name": n, "value": v} for n, v in fields.items()],
    }


def application(stack: Linked, name: str, url: str, key: str) -> None:
    fields = {"prowlarrUrl": "http://prowlarr:9696", "baseUrl": url}
    body = provider(name, name, **fields, apiKey=key)
    body |= {"syncLevel": "fullSync", "tags": []}
    stack.good("prowlarr", "POST", "/api/v1/applications", body)


def clients(stack: Linked) -> None:
    where = "/api/v3/downloadclient"
    sab = provider(
        "SABnzbd",
        "Sabnzbd",
        host="sabnzbd",
        port=8080,
        apiKey=stack.key("sabnzbd"),
        tvCategory="tv",
    )
    stack.good("sonarr", "POST", where, sab)
    if "transmission" not in (s.name for s in stack.stack.services):
        return
    torrents = provider(
        "Transmission",
        "Transmission",
        host="transmission",
        port=9091,
        urlBase="/transmission/",
        username="admin",
        password=stack.key("transmission"),
    )
    stack.good("sonarr", "POST", where, torrents)


def bazarr_knows_sonarr(stack: Linked) -> None:
    form = {
        "settings-general-use_sonarr": "true",
        "settings-sonarr-ip": "sonarr",
        "settings-sonarr-port": "8989",
        "settings-sonarr-apikey": stack.key("sonarr"),
    }
    stack.good("bazarr", "POST", "/api/system/settings", form=form)


def seerr_knows_all(stack: Linked) -> None:
    """Go through the first steps of Jellyfin and Seerr, then add Sonarr."""
    password = read_env(stack.folder)["JELLYFIN_ADMIN_PASSWORD"].reveal()
    login = {"Name": "admin", "Password": password}
    stack.good("jellyfin", "GET", "/Startup/User")
    stack.good("jellyfin", "POST", "/Startup/User", login)
    stack.good("jellyfin", "POST", "/Startup/Complete")
    signin = {
        "username": "admin",
        "password": password,
        "hostname": "jellyfin",
        "port": 8096,
        "urlBase": "",
        "useSsl": False,
        "serverType": 2,
    }
    stack.good("seerr", "POST", "/api/v1/auth/jellyfin", signin)
    server = {
        "name": "Sonarr",
        "hostname": "sonarr",
        "port": 8989,
        "apiKey": stack.key("sonarr"),
        "useSsl": False,
        "baseUrl": "",
        "activeDirectory": "/data/media/tv",
        "somethingNew": {"kept": True},
    }
    stack.good("seerr", "POST", "/api/v1/settings/sonarr", server)
