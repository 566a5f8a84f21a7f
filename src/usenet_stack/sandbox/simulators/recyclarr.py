"""Recyclarr: no port; a sync on a schedule that asks the applications."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from .application import Application
from .journal import log
from .place import Place
from .privileges import NODE
from .upstream import ask

_INSTANCE = re.compile(
    r"^\s+base_url:\s*(?P<url>\S+)|^\s+api_key:\s*(?P<key>.+?)\s*$", re.M
)


class Recyclarr(Application):
    """`sync` as argument runs once; without it the schedule rules.

    SIMULATOR_INTERVAL_S stands for CRON_SCHEDULE, which a simulator that
    is looked at for minutes would never reach.
    """

    port = -1
    folders = ("/config", "/config/state", "/config/logs", "/config/resources")
    user = NODE

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.place.forget("PUID", "PGID")

    def start(self) -> None:
        """Begin the schedule, or sync once."""
        super().start()
        if "sync" in self.arguments:
            self.sync()
            raise SystemExit(0)
        log(f"schedule: {self.place.env('CRON_SCHEDULE', '@daily')}")
        self.in_background(self._run)

    def _run(self) -> None:
        pause = float(self.place.env("SIMULATOR_INTERVAL_S", "300"))
        self.sync()
        while not self.stopping.wait(pause):
            self.sync()

    def sync(self) -> None:
        """Ask every configured application for its version."""
        log("[INF] Starting sync")
        found = 0
        for url, key in self._instances():
            found += 1
            try:
                answer = ask(
                    f"{url}/api/v3/system/status", headers={"X-Api-Key": key}
                )
            except OSError:
                log(f"[ERR] {url}: unreachable")
                continue
            known = "synced" if answer.status == 200 else "refused"
            log(f"[INF] {url}: {known}, HTTP {answer.status}")
        state = self.place.path("/config/state/sync.json")
        state.write_text(json.dumps({"at": time.time(), "instances": found}))
        log(f"[INF] Sync finished: {found} instances")

    def _instances(self) -> list[tuple[str, str]]:
        path = self.place.path("/config/recyclarr.yml")
        if not path.exists():
            return []
        found: list[tuple[str, str]] = []
        for each in _INSTANCE.finditer(path.read_text()):
            if each["url"]:
                found.append((each["url"].strip("'\"").rstrip("/"), ""))
            elif found:
                found[-1] = (found[-1][0], self._secret(each["key"], path))
        return found

    def _secret(self, text: str, path: Path) -> str:
        words = text.strip("'\"").split()
        if words[0] == "!env_var":
            return self.place.env(words[1], words[-1])
        if words[0] == "!secret":
            secrets = path.with_name("secrets.yml").read_text()
            found = re.search(
                rf"^{re.escape(words[1])}:\s*(\S+)", secrets, re.M
            )
            return found[1] if found else ""
        return words[0]
