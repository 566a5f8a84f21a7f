"""Sonarr, Radarr, Lidarr, Readarr and Whisparr: one API in five dialects.

Source: the applications' OpenAPI documents, v3 and v1.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.http import LARGE_BODY, Http
from usenet_stack.apps.message import Request

Resource = dict[str, Any]
Resources = list[Resource]

PAGE_SIZE = 200
# The path of the running version, on every answer that needed the key.
_VERSION = "x-application-version"


class Servarr(Client):
    """One application of the family.

    Resources are plain dictionaries with every field that was sent,
    known or not: change what is yours and give the whole to `update`.

    Args:
        root: where its API begins, such as "/api/v3".
    """

    def __init__(self, http: Http, root: str) -> None:
        super().__init__(http)
        self.root = root.rstrip("/")

    # -- what it says of itself ------------------------------------------

    def status(self) -> Resource:
        """Return its version, paths and settings of this run."""
        return self._get("system/status").record

    def version(self) -> str:
        """Return the application's own version."""
        return self._get("system/status").text("version")

    def health(self) -> Resources:
        """Return what its own checks found; a new one always finds some."""
        return self._get("health").records

    def queue_count(self) -> int:
        """Return how many downloads it waits for."""
        return int(self._get("queue/status").number("totalCount"))

    def figures(self) -> Figures:
        """Return queue, warnings, errors and version, in two calls."""
        with self.http.together():
            queue = self._get("queue/status")
            found: Figures = {"queue": queue.number("totalCount")}
            self._add_health(found)
            return found

    def _add_health(self, figures: Figures) -> None:
        health = self._get("health")
        kinds = [each.get("type") for each in health.records]
        figures["warnings"] = kinds.count("warning")
        figures["errors"] = kinds.count("error")
        version = health.headers.get(_VERSION)
        if version:
            figures["version"] = version

    # -- resources -------------------------------------------------------

    def list(self, resource: str, **query: object) -> Resources:
        """Return all resources of a kind, such as "indexer"."""
        path = self._path(resource)
        request = Request("GET", path, query, limit=LARGE_BODY)
        return self.http.ask(request).records

    def get(self, resource: str, number: int | None = None) -> Resource:
        """Return one resource, or the only one, such as "config/host"."""
        return self._get(resource, number).record

    def create(
        self, resource: str, content: Mapping[str, Any], **query: object
    ) -> Resource:
        """Make a resource and return it with its id.

        Args:
            query: such as forceSave.

        Raises:
            UsenetError: app.refused with the application's own messages.
        """
        body = dict(content)
        return self._send("POST", resource, None, body, query).record

    def update(
        self, resource: str, content: Mapping[str, Any], **query: object
    ) -> Resource:
        """Put a whole resource back, by the id that it holds.

        Args:
            content: all that `list` or `get` gave, with our change.
            query: forceSave skips the application's own test.

        Raises:
            UsenetError: app.refused with the application's own messages.
        """
        number, body = content.get("id"), dict(content)
        return self._send("PUT", resource, number, body, query).record

    def delete(self, resource: str, number: int, **query: object) -> None:
        """Remove a resource; where it is gone already all is well too."""
        self._send("DELETE", resource, number, None, query)

    def schema(self, resource: str) -> Resources:
        """Return the templates of a kind of provider."""
        return self.list(f"{resource}/schema")

    def paged(
        self, resource: str, page_size: int = PAGE_SIZE, **query: object
    ) -> Iterator[Resource]:
        """Return all records of a paged kind, such as "queue".

        They are asked page by page as the iterator goes on.
        """
        page, seen = 1, 0
        while True:
            answer = self._get(resource, page=page, pageSize=page_size, **query)
            records = answer.list_at("records")
            yield from records
            seen += len(records)
            if not records or seen >= answer.number("totalRecords"):
                return
            page += 1

    # -- what other rooms change -----------------------------------------

    def queue(self) -> Resources:
        """Return the downloads it waits for."""
        return list(self.paged("queue"))

    def root_folders(self) -> Resources:
        """Return its root folders; one that is away costs it 5 seconds."""
        return self.list("rootfolder")

    def add_root_folder(self, path: str, **more: object) -> Resource:
        """Add a root folder and return it.

        Args:
            more: what Lidarr and Readarr want besides: name,
                defaultMetadataProfileId, defaultQualityProfileId.

        Raises:
            UsenetError: app.refused: it is not there, not writable, or one
                already.
        Undo: delete_root_folder with the id.
        """
        return self.create("rootfolder", {"path": path, **more})

    def delete_root_folder(self, number: int) -> None:
        """Remove a root folder from its list; files stay."""
        self.delete("rootfolder", number)

    def download_clients(self) -> Resources:
        """Return its download clients; secrets come as stars."""
        return self.list("downloadclient")

    def command(self, name: str, **parameters: object) -> Resource:
        """Start a command and return it; an equal one is not doubled."""
        return self.create("command", {"name": name, **parameters})

    # -- requests --------------------------------------------------------

    def _get(
        self, resource: str, number: int | None = None, /, **query: object
    ) -> Answer:
        return self.http.get(self._path(resource, number), **query)

    def _send(
        self,
        method: str,
        resource: str,
        number: int | None,
        body: Resource | None,
        query: Mapping[str, object],
    ) -> Answer:
        path = self._path(resource, number)
        # A change that is sent a second time leaves the same state; a
        # second POST makes a second resource.
        again = method != "POST"
        return self.http.ask(
            Request(method, path, query, body, repeatable=again)
        )

    def _path(self, resource: str, number: int | None = None) -> str:
        path = f"{self.root}/{quote(resource)}"
        return path if number is None else f"{path}/{number}"


def field(resource: Mapping[str, Any], name: str) -> Any:
    """Return the value of one of a provider's fields, None without it."""
    for each in resource.get("fields") or ():
        if isinstance(each, dict) and each.get("name") == name:
            return each.get("value")
    return None


def with_field(
    resource: Mapping[str, Any], name: str, value: object
) -> Resource:
    """Return a copy of a provider with one of its fields changed."""
    fields = [dict(each) for each in resource.get("fields") or ()]
    named = [each for each in fields if each.get("name") == name]
    if not named:
        fields.append({"name": name, "value": value})
    for each in named:
        each["value"] = value
    return {**resource, "fields": fields}
