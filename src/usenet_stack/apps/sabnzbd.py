"""SABnzbd: one path, and `mode` says what.

Source: SABnzbd 5.0, its API in api.py and interface.py.
"""

from collections.abc import Mapping
from typing import Any, Literal

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.failures import Place, shortened
from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue

_PATH = "/api"
_MIB = 2**20
_NO_ITEM = "Config item does not exist"


class Sabnzbd(Client):
    """Keys go in the body of a POST, which no log keeps.

    Args:
        key: its full API key.
    """

    def __init__(self, http: Http, key: SecretValue | None) -> None:
        super().__init__(http)
        http.judge = _judge
        self._key = key

    def version(self) -> str:
        """Return the application's own version; it needs no key."""
        form = {"mode": "version", "output": "json"}
        return self._post(form, repeatable=True).text("version")

    def queue(self, start: int = 0, limit: int = 0) -> dict[str, Any]:
        """Return the queue; most of its numbers are texts.

        Args:
            limit: how many of its slots to show; 0: all.
        """
        answer = self._ask("queue", start=start, limit=limit)
        found = answer.at("queue")
        if not isinstance(found, dict):
            raise answer.wrong("an object", found, "queue")
        return found

    def figures(self) -> Figures:
        """Return queue, rate, what is left and status, in one call."""
        answer = self._ask("queue", start=0, limit=1)
        found: Figures = {
            "queue": answer.number("queue.noofslots_total"),
            "down_bytes_s": round(answer.number("queue.kbpersec") * 1024),
            "left_bytes": round(answer.number("queue.mbleft") * _MIB),
            "status": answer.text("queue.status").lower(),
            "version": answer.text("queue.version"),
        }
        if answer.at("queue.have_warnings") is not None:
            found["warnings"] = answer.number("queue.have_warnings")
        return found

    def categories(self) -> list[str]:
        """Return its categories; "*" is the default one."""
        answer = self._ask("get_cats")
        found = answer.at("categories")
        if not isinstance(found, list):
            raise answer.wrong("a list", found, "categories")
        return [str(each) for each in found]

    def add_category(self, name: str, folder: str = "") -> None:
        """Make a category, or change its folder.

        Args:
            folder: below the folder of complete downloads.
        """
        more = {"dir": folder or name}
        self._change("set_config", section="categories", keyword=name, **more)

    def get_config(self, section: str = "", keyword: str = "") -> Any:
        """Return its settings, one section, or one value.

        Raises:
            UsenetError: app.refused: there is no such item.
        """
        answer = self._ask(
            "get_config", section=section or None, keyword=keyword or None
        )
        found = answer.at("config")
        for name in filter(None, (section, keyword)):
            if isinstance(found, list):
                # Servers and categories: a keyword has chosen one already.
                return found
            if not isinstance(found, dict):
                raise answer.wrong("an object", found, "config")
            if name not in found:
                # Before 5.0 the answer is only empty.
                raise answer.place.error("app.refused", _NO_ITEM, (_NO_ITEM,))
            found = found[name]
        return found

    def set_config(self, section: str, keyword: str, value: str) -> None:
        """Change one setting; lists are texts with commas.

        Raises:
            UsenetError: app.refused: there is no such item.
        """
        self._change(
            "set_config", section=section, keyword=keyword, value=value
        )

    def test_key(
        self, key: SecretValue | None = None
    ) -> Literal["apikey", "nzbkey", "badkey"]:
        """Return what a key is good for; without one, our own.

        Raises:
            UsenetError: app.no-key: there is none to test.
        """
        tested = key or self._key
        if not tested:
            raise UsenetError("app.no-key", service=self.name)
        self.http.keep_secret(tested)
        form = {"mode": "auth", "key": tested.reveal(), "output": "json"}
        answer = self._post(form, repeatable=True)
        found = answer.text("auth")
        if found not in ("apikey", "nzbkey", "badkey"):
            raise answer.wrong("apikey, nzbkey or badkey", found, "auth")
        return found  # type: ignore[return-value]

    def set_apikey(self) -> SecretValue:
        """Let it make a new API key, in force at once, and return it.

        Effects: this client uses it from now on.
        """
        return self._new_key("set_apikey", "apikey")

    def set_nzbkey(self) -> SecretValue:
        """Let it make a new key for adding NZBs, and return it."""
        return self._new_key("set_nzbkey", "nzbkey")

    def _new_key(self, name: str, field: str) -> SecretValue:
        made = SecretValue(self._change("config", name=name).text(field))
        self.http.keep_secret(made)
        if field == "apikey":
            self._key = made
        return made

    def _ask(self, mode: str, **more: object) -> Answer:
        return self._post(self._form(mode, more), repeatable=True)

    def _change(self, mode: str, **more: object) -> Answer:
        return self._post(self._form(mode, more), repeatable=False)

    def _form(
        self, mode: str, more: Mapping[str, object]
    ) -> Mapping[str, object]:
        key = self._key.reveal() if self._key else None
        return {**more, "mode": mode, "output": "json", "apikey": key}

    def _post(self, form: Mapping[str, object], repeatable: bool) -> Answer:
        # The query's key would win over the form's: it goes without.
        request = Request(
            "POST", _PATH, form=form, repeatable=repeatable, keyless=True
        )
        return self._checked(self.http.ask(request))

    def _checked(self, answer: Answer) -> Answer:
        """Return the answer; failures come with status 200."""
        data = answer.data
        failed = isinstance(data, dict) and data.get("status") is False
        if isinstance(data, dict) and (failed or data.get("error")):
            error = shortened(str(data.get("error") or "no reason given"))
            code = "app.refused"
            if "api key" in error.lower():
                code = "app.unauthorised"
            refusal = answer.place.error(code, error, (error,))
            raise self.http.veiled(refusal)
        return answer


def _judge(raw: Raw, place: Place) -> UsenetError | None:
    """Return what a 403 means: there are three reasons for it."""
    if raw.status != 403:
        return None
    text = raw.text[:500].lower()
    if "hostname" in text or "access denied" in text:
        return place.error("app.forbidden-host", shortened(raw.text))
    # The body is empty when it was told not to warn.
    return place.error("app.unauthorised", shortened(raw.text))
