"""Rows of `services list` as tests show them."""

from typing import Any

Row = dict[str, Any]


def row(name: str, group: str, **more: Any) -> Row:
    """Return a row with what is usual, and what a test says."""
    usual: Row = {
        "name": name,
        "title": name.capitalize(),
        "group": group,
        "state": "ready",
        "reason": "",
        "port": None,
        "url": None,
        "memory_bytes": None,
        "cpu_percent": None,
        "api": "none",
        "figures": {},
        "drives": [],
        "restarts": 0,
        "mend": "",
        "http": None,
        "simulated": False,
        "image": f"example/{name}:1",
        "deprecated": False,
        "replacement": "",
    }
    return usual | more


def data(*rows: Row, age: float = 0.0) -> dict[str, Any]:
    """Return what `services list` hands to the renderer."""
    from usenet_stack.services.snapshot import healthy, totals

    names = dict.fromkeys(row["group"] for row in rows)
    groups = []
    for name in names:
        own = [row for row in rows if row["group"] == name]
        groups.append(
            {"name": name, "services": len(own), "healthy": healthy(own)}
        )
    return {
        "services": [*rows],
        "groups": groups,
        "totals": totals([*rows]),
        "checked_at": "2026-01-02T03:04:05Z",
        "age_seconds": age,
    }
