"""Prowlarr: the family's API, with indexers and applications."""

from usenet_stack.apps.app import Figures
from usenet_stack.apps.http import BODY_LIMIT
from usenet_stack.apps.message import Request
from usenet_stack.apps.servarr import Resource, Resources, Servarr


class Prowlarr(Servarr):
    """It has no queue and no root folders."""

    def figures(self) -> Figures:
        """Return indexers, indexers_up and version, in two calls."""
        with self.http.together():
            path = self._path("indexer")
            # Each one comes with all that it can find: about 10 KB.
            request = Request("GET", path, limit=2 * BODY_LIMIT)
            answer = self.http.ask(request)
            indexers = answer.records
            failing = self._get("indexerstatus").records
        down = {each.get("indexerId") for each in failing}
        up = [
            each
            for each in indexers
            if each.get("enable") and each.get("id") not in down
        ]
        found: Figures = {"indexers": len(indexers), "indexers_up": len(up)}
        version = answer.headers.get("x-application-version")
        return found | {"version": version} if version else found

    def applications(self) -> Resources:
        """Return the applications that it fills; secrets come as stars."""
        return self.list("applications")

    def indexers(self) -> Resources:
        """Return its indexers; secrets come as stars."""
        return self.list("indexer")

    def sync(self) -> Resource:
        """Write every indexer into every application."""
        return self.command("ApplicationIndexerSync", forceSync=True)
