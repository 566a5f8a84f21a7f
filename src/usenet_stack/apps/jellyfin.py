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
        return self.http.get("/Library/VirtualFolders").records

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
