"""Portainer: its version for everybody, all else after a login.

Source: Portainer CE 2.23, api/http/handler.
"""

from typing import Any

from usenet_stack.apps.app import SETUP_PENDING, Client, Figures
from usenet_stack.apps.failures import Place
from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue
from usenet_stack.stack.service import Key

_STATUS = "/api/system/status"


class Portainer(Client):
    """A key of its own is used where `.env` has one.

    Args:
        key: the administrator's name.
        password: the administrator's.
    """

    def __init__(
        self, http: Http, key: Key, password: SecretValue | None
    ) -> None:
        super().__init__(http)
        http.judge = _judge
        self._user = key.username
        self._password = password

    def version(self) -> str:
        """Return the application's own version."""
        return self.http.get(_STATUS).text("Version")

    def figures(self) -> Figures:
        """Return the version, in one call."""
        try:
            return {"version": self.version()}
        except UsenetError as error:
            if error.code != "app.setup-pending":
                raise
            return dict(SETUP_PENDING)

    def endpoints(self) -> list[dict[str, Any]]:
        """Return the Docker hosts that it manages."""
        self.sign_in()
        return self.http.get("/api/endpoints").records

    def sign_in(self) -> None:
        """Make sure that there is a token.

        Raises:
            UsenetError: app.no-key, app.unauthorised, app.setup-pending.
        """
        if self.http.authorised:
            return
        if not self._password:
            raise UsenetError("app.no-key", service=self.name)
        self.http.keep_secret(self._password)
        body = {"Username": self._user, "Password": self._password.reveal()}
        request = Request("POST", "/api/auth", body=body)
        raw = self.http.exchange(request)
        if raw.status == 422:
            raise self.http.place(request).error("app.unauthorised")
        token = SecretValue(self.http.read(request, raw).text("jwt"))
        value = SecretValue(f"Bearer {token.reveal()}")
        self.http.authorise("Authorization", value, token)


def _judge(raw: Raw, place: Place) -> UsenetError | None:
    """Return what a redirect means: nobody made an administrator in time."""
    if raw.headers.get("redirect-reason") != "AdminInitTimeout":
        return None
    why = "it closed itself, because no administrator was made in time"
    return place.error("app.setup-pending", why)
