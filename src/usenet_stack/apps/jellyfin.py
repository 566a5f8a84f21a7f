"""Jellyfin: an API key where there is one, else a login.

Source: Jellyfin 10.11, its OpenAPI document and Jellyfin.Api/Controllers.
"""

from typing import Any
from urllib.parse import quote

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import SETUP_PENDING, Client, Figures
from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Request
from usenet_stack.apps.opening import filled
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue
from usenet_stack.stack.service import Key

_PUBLIC = "/System/Info/Public"
_LIBRARIES = "/Library/VirtualFolders"
_LOGIN = "/Users/AuthenticateByName"
# What is said of the caller before there is a token.
_NOBODY = ', Token="{key}"'
_RECENT_SECONDS = 300


class Jellyfin(Client):
    """A key cannot be given to it: it makes one when the wizard is done.

    Args:
        key: how a token is sent, and the administrator's name.
        password: the administrator's, for want of a key.
    """

    def __init__(
        self, http: Http, key: Key, password: SecretValue | None
    ) -> None:
        super().__init__(http)
        self._key = key
        self._password = password

    def public(self) -> dict[str, Any]:
        """Return what it tells everybody: Version, StartupWizardCompleted.

        While it starts, all of that is untrue, and the names begin with
        small letters.
        """
        return self._public().record

    def version(self) -> str:
        """Return the application's own version."""
        return self._public().text("Version")

    def figures(self) -> Figures:
        """Return streams, transcodes, gpu, counts and version.

        gpu: streams that the graphics processor transcodes. Three calls,
        and a login without a key.
        """
        with self.http.together():
            public = self._public()
            found: Figures = {"version": public.text("Version")}
            if not self._let_in(public):
                return found | SETUP_PENDING
            found |= _watched(self.http.get(
                "/Sessions", activeWithinSeconds=_RECENT_SECONDS
            ))  # fmt: skip
            return found | _counted(self.http.get("/Items/Counts"))

    def sessions(self) -> list[dict[str, Any]]:
        """Return who was there in the last minutes."""
        self.sign_in()
        query = {"activeWithinSeconds": _RECENT_SECONDS}
        return self.http.get("/Sessions", **query).records

    def libraries(self) -> list[dict[str, Any]]:
        """Return its libraries with their folders."""
        self.sign_in()
        return self.http.get(_LIBRARIES).records

    def updated(self, updates: list[dict[str, str]]) -> None:
        """Let it look at places that changed: Path, and UpdateType."""
        self.sign_in()
        body = {"Updates": updates}
        self.http.send("POST", "/Library/Media/Updated", body)

    def add_library(self, name: str, kind: str, path: str) -> None:
        """Make a library of one folder and look through it.

        A name that is taken silently becomes another ("Movies2"): look at
        `libraries` first.

        Args:
            kind: its CollectionType: movies, tvshows, music, books.

        Undo: delete_library.
        """
        self.sign_in()
        body = {"LibraryOptions": {"PathInfos": [{"Path": path}]}}
        query = {"name": name, "collectionType": kind, "refreshLibrary": True}
        self.http.ask(Request("POST", _LIBRARIES, query, body))

    def delete_library(self, name: str) -> None:
        """Remove a library; its files stay."""
        self.sign_in()
        query = {"name": name, "refreshLibrary": False}
        self.http.ask(Request("DELETE", _LIBRARIES, query))

    def add_path(self, name: str, path: str) -> None:
        """Add a folder to a library and look through it.

        Twice makes two of it: look at its Locations first.

        Undo: delete_path.
        """
        self.sign_in()
        body = {"Name": name, "PathInfo": {"Path": path}}
        query = {"refreshLibrary": True}
        self.http.ask(Request("POST", f"{_LIBRARIES}/Paths", query, body))

    def delete_path(self, name: str, path: str) -> None:
        """Take a folder out of a library, all of its entries.

        No scan begins: until the next one the items of the folder, and
        what people have watched of them, stay.
        """
        self.sign_in()
        query = {"name": name, "path": path, "refreshLibrary": False}
        request = Request(
            "DELETE", f"{_LIBRARIES}/Paths", query, repeatable=True
        )
        self.http.ask(request)

    def realtime(self) -> list[str]:
        """Return the ItemIds of libraries that watch their folders."""
        return [
            str(each.get("ItemId"))
            for each in self.libraries()
            if _options(each).get("EnableRealtimeMonitor") is True
        ]

    def set_realtime(self, library: str, on: bool) -> None:
        """Let a library watch its folders, or not.

        Args:
            library: its ItemId; one that is gone is fine.
        """
        for each in self.libraries():
            if each.get("ItemId") == library:
                options = {**_options(each), "EnableRealtimeMonitor": on}
                body = {"Id": library, "LibraryOptions": options}
                path = "/Library/VirtualFolders/LibraryOptions"
                self.http.send("POST", path, body)

    def scan_triggers(self) -> list[dict[str, Any]] | None:
        """Return when it scans by itself; None when it does not say."""
        triggers = (self._scan_task() or {}).get("Triggers")
        return triggers if isinstance(triggers, list) else None

    def set_scan_triggers(self, triggers: list[dict[str, Any]]) -> None:
        """Change when it scans by itself; [] is never."""
        task = self._scan_task()
        if task is not None:
            path = f"/ScheduledTasks/{quote(str(task.get('Id')))}/Triggers"
            self.http.send("POST", path, triggers)

    def stop_scan(self) -> None:
        """End a scan that runs."""
        task = self._scan_task()
        if task is not None and task.get("State") == "Running":
            path = f"/ScheduledTasks/Running/{quote(str(task.get('Id')))}"
            self.http.send("DELETE", path)

    def _scan_task(self) -> dict[str, Any] | None:
        self.sign_in()
        for each in self.http.get("/ScheduledTasks").records:
            if each.get("Key") == "RefreshLibrary":
                return each
        return None

    def keys(self) -> list[dict[str, Any]]:
        """Return its API keys: AppName, AccessToken (the key itself)."""
        self.sign_in()
        return self.http.get("/Auth/Keys").list_at("Items")

    def create_key(self, app: str = "usenet") -> SecretValue:
        """Make an API key and return it; `app` is the name it gets.

        Undo: delete_key.
        """
        before = {each.get("AccessToken") for each in self.keys()}
        self.http.send("POST", "/Auth/Keys", app=app)
        for each in reversed(self.keys()):
            token = each.get("AccessToken")
            if each.get("AppName") == app and token not in before:
                made = SecretValue(str(token))
                self.http.keep_secret(made)
                return made
        raise UsenetError(
            "app.unexpected",
            service=self.name,
            call="POST /Auth/Keys",
            why="it made no key",
        )

    def delete_key(self, key: SecretValue) -> None:
        """Take a key back; one that is not there is fine."""
        self.sign_in()
        self.http.keep_secret(key)
        path = f"/Auth/Keys/{quote(key.reveal(), safe='')}"
        shown = "/Auth/Keys/{key}"
        self.http.ask(Request("DELETE", path, repeatable=True, shown=shown))

    def sign_in(self) -> None:
        """Make sure that there is a token.

        Raises:
            UsenetError: app.setup-pending, app.no-key, app.unauthorised.
        """
        if self.http.authorised:
            return
        if not _wizard_done(self._public()):
            raise UsenetError("app.setup-pending", service=self.name)
        if not self._password:
            raise UsenetError("app.no-key", service=self.name)
        self._log_in(self._password)

    def _log_in(self, password: SecretValue) -> None:
        self.http.keep_secret(password)
        template = self._key.template.replace(_NOBODY, "")
        body = {"Username": self._key.username, "Pw": password.reveal()}
        headers = {self._key.name: template}
        answer = self.http.ask(
            Request("POST", _LOGIN, body=body, headers=headers)
        )
        token = SecretValue(answer.text("AccessToken"))
        self.http.authorise(self._key.name, filled(self._key, token), token)

    def _let_in(self, public: Answer) -> bool:
        """Return whether we may see more than everybody.

        Whoever did the wizard by hand may have chosen another password
        than ours: that is no fault of the application's.
        """
        if self.http.authorised:
            return True
        if not self._password or not _wizard_done(public):
            return False
        try:
            self._log_in(self._password)
        except UsenetError as error:
            if error.code != "app.unauthorised":
                raise
            return False
        return True

    def _public(self) -> Answer:
        return self.http.ask(Request("GET", _PUBLIC, keyless=True))


def _options(library: dict[str, Any]) -> dict[str, Any]:
    found = library.get("LibraryOptions")
    return found if isinstance(found, dict) else {}


def _wizard_done(public: Answer) -> bool:
    return public.at("StartupWizardCompleted") is True


def _watched(sessions: Answer) -> Figures:
    playing = [s for s in sessions.records if s.get("NowPlayingItem")]
    working = [
        each["TranscodingInfo"]
        for each in playing
        if isinstance(each.get("TranscodingInfo"), dict)
    ]
    return {
        "streams": len(playing),
        "transcodes": len(working),
        "gpu": sum(map(_on_gpu, working)),
    }


def _on_gpu(transcoding: dict[str, Any]) -> bool:
    found = transcoding.get("HardwareAccelerationType")
    return bool(found) and str(found).lower() != "none"


def _counted(counts: Answer) -> Figures:
    return {
        "movies": counts.number("MovieCount"),
        "series": counts.number("SeriesCount"),
        "episodes": counts.number("EpisodeCount"),
    }
