"""Transmission 4.1: the gate of its RPC server, and settings.json."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import secrets
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from ..application import Application
from ..place import Place
from ..routing import Json, Reply, Request, Route, json_reply, text_reply
from . import rpc

HEADER = "X-Transmission-Session-Id"
_TITLES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    421: "Misdirected Request",
}
_CONFLICT = """<p>Your request had an invalid session_id header.</p>
<p>To fix this, follow these steps:<ol><li>When reading a response, get its
X-Transmission-Session-Id header and remember it</li><li>Add the updated
header to your outgoing requests</li></ol></p>
<p><code>X-Transmission-Session-Id: {}</code></p>"""


class Transmission(Application):
    """A session with torrents that are kept in resume files."""

    port = 9091
    folders = ("/config", "/config/torrents", "/config/resume")

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.session_id = secrets.token_urlsafe(36)
        self.settings: dict[str, Json] = {}
        self.torrents: list[dict[str, Json]] = []
        self._file = place.path("/config/settings.json")

    def start(self) -> None:
        """Read settings.json under what the image forces, and torrents."""
        super().start()
        self.settings = rpc.first_settings()
        if self._file.exists():
            self.settings |= json.loads(self._file.read_text())
        self._force_environment()
        stats = self.settings_folder / "stats.json"
        self.stats: dict[str, Json] = dict(rpc.NO_STATS)
        if stats.exists():
            self.stats |= json.loads(stats.read_text())
        self.stats["session-count"] += 1
        for each in sorted((self.settings_folder / "resume").glob("*.resume")):
            self.torrents.append(json.loads(each.read_text()))
        self.save()
        self.in_background(self._keep_saving)

    @property
    def settings_folder(self) -> Path:
        """The real place of the config folder."""
        return self._file.parent

    def _force_environment(self) -> None:
        """What the image rewrites at every start."""
        env = self.place.env
        both = bool(env("USER") and env("PASS"))
        self.settings |= {
            "rpc-authentication-required": both,
            "rpc-username": env("USER") if both else "",
            "rpc-password": salted(env("PASS")) if both else "",
            "rpc-whitelist-enabled": bool(env("WHITELIST")),
            "rpc-whitelist": env("WHITELIST"),
            "rpc-host-whitelist-enabled": bool(env("HOST_WHITELIST")),
            "rpc-host-whitelist": env("HOST_WHITELIST"),
            "umask": env("UMASK", "002"),
        }
        if env("PEERPORT"):
            self.settings["peer-port"] = int(env("PEERPORT"))

    def _keep_saving(self) -> None:
        while not self.stopping.wait(30):
            self.save()

    def stop(self) -> None:
        """Write settings.json, as the application does at its end."""
        super().stop()
        self.save()

    def save(self) -> None:
        """Write settings, statistics and one resume file per torrent."""
        folder = self.settings_folder
        draft = folder / ".settings.json.tmp"
        draft.touch(0o600)
        draft.write_text(json.dumps(self.settings, indent=4, sort_keys=True))
        draft.replace(self._file)
        (folder / "stats.json").write_text(json.dumps(self.stats))
        for torrent in self.torrents:
            name = f"{torrent['hashString']}.resume"
            (folder / "resume" / name).write_text(json.dumps(torrent))

    def routes(self) -> Iterable[Route[Transmission]]:
        """The RPC endpoint; the gate answers everything else."""
        yield Route("POST", "/transmission/rpc", _rpc)

    def gate(self, request: Request) -> Reply | None:
        """The application's checks, in its order."""
        if not self._address_allowed(request):
            return error(403)
        if request.method == "OPTIONS":
            return Reply(200)
        if not self._logged_in(request):
            reply = error(401)
            reply.headers["WWW-Authenticate"] = 'Basic realm="Transmission"'
            return reply
        path = request.path
        web = "/transmission/web/"
        if not path.startswith("/transmission/") or path in (
            "/transmission/",
            "/transmission/web",
        ):
            return Reply(301, headers={"Location": web, **_common()})
        if path.startswith(web):
            return _with_common(
                text_reply("<h1>Transmission</h1>", 200, "html")
            )
        if not self._host_allowed(request):
            return error(421)
        if request.headers.get(HEADER.lower()) != self.session_id:
            return self._conflict()
        if path != "/transmission/rpc":
            return error(404)
        return error(405) if request.method != "POST" else None

    def _conflict(self) -> Reply:
        reply = error(409, _CONFLICT.format(self.session_id))
        reply.headers[HEADER] = self.session_id
        reply.headers["X-Transmission-Rpc-Version"] = rpc.SEMVER
        return reply

    def _address_allowed(self, request: Request) -> bool:
        if not self.settings["rpc-whitelist-enabled"]:
            return True
        listed = str(self.settings["rpc-whitelist"]).split(",")
        return any(fnmatch(request.client, each.strip()) for each in listed)

    def _host_allowed(self, request: Request) -> bool:
        if (
            not self.settings["rpc-host-whitelist-enabled"]
            or self.settings["rpc-authentication-required"]
        ):
            return True
        host = request.host.lower()
        if host in ("localhost", "localhost."):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            listed = str(self.settings["rpc-host-whitelist"]).split(",")
            return any(fnmatch(host, each.strip()) for each in listed)
        return True

    def _logged_in(self, request: Request) -> bool:
        if not self.settings["rpc-authentication-required"]:
            return True
        scheme, _, code = request.headers.get("authorization", "").partition(
            " "
        )
        if scheme.lower() != "basic":
            return False
        try:
            text = base64.b64decode(code).decode()
        except ValueError:
            return False
        name, _, password = text.partition(":")
        stored = str(self.settings["rpc-password"])
        return name == self.settings["rpc-username"] and (
            salted(password, stored[-8:]) == stored
        )

    def finish(self, request: Request, reply: Reply) -> Reply:
        """The headers that every answer has."""
        return _with_common(reply)


def salted(password: str, salt: str = "") -> str:
    """A password as settings.json keeps it."""
    salt = salt or secrets.token_hex(4)
    digest = hashlib.sha1((password + salt).encode()).hexdigest()
    return "{" + digest + salt


def _common() -> dict[str, str]:
    return {"Server": "Transmission", "X-Frame-Options": "SAMEORIGIN"}


def _with_common(reply: Reply) -> Reply:
    reply.headers |= _common()
    return reply


def error(status: int, more: str = "") -> Reply:
    """An error page as the RPC server writes it."""
    text = f"<h1>{status}: {_TITLES[status]}</h1>{more}"
    return _with_common(text_reply(text, status, "html"))


def _rpc(app: Transmission, request: Request) -> Reply:
    try:
        call = request.json()
    except ValueError:
        return json_reply({"arguments": {}, "result": "invalid json"})
    return json_reply(rpc.answer(app, call))
