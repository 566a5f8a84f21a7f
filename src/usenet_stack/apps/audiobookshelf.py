"""Audiobookshelf: its status for everybody, all else after a login.

Source: audiobookshelf 2.36, server/Server.js and server/Auth.js.
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

# Whoever made the root user by hand may have chosen another password than
# ours: that is no fault of the application's.
_NOT_LET_IN = ("app.setup-pending", "app.no-key", "app.unauthorised")


class Audiobookshelf(Client):
    """A key of its own is used where `.env` has one.

    Args:
        key: how a token is sent, and the name of the root user.
        password: the root user's.
    """

    def __init__(
        self, http: Http, key: Key, password: SecretValue | None
    ) -> None:
        super().__init__(http)
        self._key = key
        self._password = password

    def version(self) -> str:
        """Return the application's own version."""
        return self._status().text("serverVersion")

    def figures(self) -> Figures:
        """Return libraries and version: two calls, and a login.

        It lets nobody log in too often: then the version has to do.
        """
        with self.http.together():
            status = self._status()
            found: Figures = {"version": status.text("serverVersion")}
            try:
                self._sign_in(status)
            except UsenetError as error:
                if error.code == "app.busy":
                    return found
                if error.code not in _NOT_LET_IN:
                    raise
                return found | SETUP_PENDING
            libraries = self.http.get("/api/libraries")
            return found | {"libraries": len(libraries.list_at("libraries"))}

    def libraries(self) -> list[dict[str, Any]]:
        """Return its libraries with their folders."""
        self.sign_in()
        return self.http.get("/api/libraries").list_at("libraries")

    def add_library(self, name: str, path: str) -> None:
        """Make a library of books; a folder that is missing is made.

        Undo: delete_library.
        """
        self.sign_in()
        library = {
            "name": name,
            "mediaType": "book",
            "folders": [{"fullPath": path}],
        }
        self.http.send("POST", "/api/libraries", library)

    def set_folders(self, library: str, folders: list[dict[str, Any]]) -> None:
        """Give a library other folders; those with an id are kept.

        Args:
            library: its id.
            folders: each with `fullPath`, and `id` where it has one.
        """
        self.sign_in()
        path = f"/api/libraries/{quote(library, safe='')}"
        request = Request(
            "PATCH", path, body={"folders": folders}, repeatable=True
        )
        self.http.ask(request)

    def delete_library(self, library: str) -> None:
        """Remove a library by its id; its files stay."""
        self.sign_in()
        path = f"/api/libraries/{quote(library, safe='')}"
        self.http.ask(Request("DELETE", path))

    def sign_in(self) -> None:
        """Make sure that there is a token.

        Raises:
            UsenetError: app.setup-pending, app.no-key, app.unauthorised.
        """
        if not self.http.authorised:
            self._sign_in(self._status())

    def _sign_in(self, status: Answer) -> None:
        if self.http.authorised:
            return
        if status.at("isInit") is not True:
            raise UsenetError("app.setup-pending", service=self.name)
        if not self._password:
            raise UsenetError("app.no-key", service=self.name)
        self.http.keep_secret(self._password)
        login = {
            "username": self._key.username,
            "password": self._password.reveal(),
        }
        answer = self.http.send("POST", "/login", login)
        token = SecretValue(answer.text("user.accessToken"))
        self.http.authorise(self._key.name, filled(self._key, token), token)

    def _status(self) -> Answer:
        return self.http.ask(Request("GET", "/status", keyless=True))
