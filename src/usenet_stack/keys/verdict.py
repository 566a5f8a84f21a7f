"""Whether a running application accepts a key: one question."""

from typing import Literal, NamedTuple

from usenet_stack.apps.app import App
from usenet_stack.apps.bazarr import Bazarr
from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.sabnzbd import Sabnzbd
from usenet_stack.apps.seerr import Seerr
from usenet_stack.apps.servarr import Servarr
from usenet_stack.apps.tdarr import Tdarr
from usenet_stack.errors import UsenetError
from usenet_stack.keys.ways import secret_name
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Service

SECONDS = 5.0
State = Literal["accepted", "refused", "setup", "silent", "none"]


class Verdict(NamedTuple):
    """What an application says to a key.

    Args:
        state: setup: nobody is let in before its first administrator
            exists; silent: it could not be asked; none: there is no key,
            or nothing to ask.
        reason: why it is silent, ""; hint: what helps.
    """

    state: State
    reason: str = ""
    hint: str = ""


def judge(
    stack: Stack,
    service: Service,
    env: Secrets,
    value: SecretValue | None = None,
    seconds: float = SECONDS,
) -> Verdict:
    """Ask an application whether it accepts a key.

    Args:
        env: what `.env` holds.
        value: the key, instead of the one in `env`.
    """
    if value is not None:
        env = env.having(secret_name(service), value)
    if not env.get(secret_name(service)):
        return Verdict("none")
    try:
        app = open_app(stack, service, env, seconds)
        if app is None:
            return Verdict("none")
        with app:
            return Verdict("accepted" if _accepts(app) else "refused")
    except UsenetError as error:
        return _from_error(error)


def _from_error(error: UsenetError) -> Verdict:
    match error.code:
        case "app.unauthorised":
            return Verdict("refused")
        case "app.setup-pending":
            return Verdict("setup")
        case "app.no-key":
            return Verdict("none")
    return Verdict("silent", error.message, error.hint)


def _accepts(app: App) -> bool:
    """Make a call that needs the key; a refusal is raised or returned."""
    match app:
        case Servarr():
            app.status()
        case Sabnzbd():
            return app.test_key() == "apikey"
        case Jellyfin():
            app.keys()
        case Seerr():
            app.main_settings()
        case Bazarr():
            # Not its status: that asks Sonarr and Radarr first.
            app.http.get("/api/system/health")
        case Tdarr():
            app.nodes()
        case _:
            app.figures()
    return True
