"""Tdarr, whose server is closed: what its own page asks.

Source: the calls that the dashboard Homepage makes.
"""

from typing import Any

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.message import Request

_STATISTICS = {
    "data": {
        "collection": "StatisticsJSONDB",
        "mode": "getById",
        "docID": "statistics",
    }
}
# Transcodes and health checks have a table each.
_QUEUE, _PROCESSED, _ERRORS = (1, 4), (2, 5), (3, 6)


class Tdarr(Client):
    """It speaks on its server's port, not on that of its page."""

    def version(self) -> str:
        """Return the application's own version."""
        return self.http.get("/api/v2/status").text("version")

    def statistics(self) -> Answer:
        """Return its document of counts."""
        return self.http.ask(
            Request("POST", "/api/v2/cruddb", body=_STATISTICS, repeatable=True)
        )

    def nodes(self) -> dict[str, Any]:
        """Return its nodes by id, each with its workers."""
        return self.http.get("/api/v2/get-nodes").record

    def figures(self) -> Figures:
        """Return queue, processed, errors, workers, gpu, in two calls.

        gpu: workers that use the graphics processor.
        """
        with self.http.together():
            counts = self.statistics()
            nodes = self.nodes()
        workers = [
            worker
            for node in nodes.values()
            if isinstance(node, dict) and isinstance(node.get("workers"), dict)
            for worker in node["workers"].values()
        ]
        return {
            "queue": _total(counts, _QUEUE),
            "processed": _total(counts, _PROCESSED),
            "errors": _total(counts, _ERRORS),
            "workers": len(workers),
            "gpu": sum(map(_on_gpu, workers)),
        }


def _on_gpu(worker: Any) -> bool:
    """Return what "transcodegpu" and "healthcheckgpu" tell."""
    kind = worker.get("workerType") if isinstance(worker, dict) else None
    return isinstance(kind, str) and kind.lower().endswith("gpu")


def _total(counts: Answer, tables: tuple[int, ...]) -> int | float:
    return sum(_count(counts, table) for table in tables)


def _count(counts: Answer, table: int) -> int | float:
    viewable = f"table{table}NViewableCount"
    if viewable not in counts.record:
        viewable = f"table{table}Count"
    return counts.number(viewable)
