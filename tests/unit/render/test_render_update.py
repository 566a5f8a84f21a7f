"""What `usenet services update` shows, at 80 and 120 columns."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from usenet_stack.render.screen import Screen
from usenet_stack.render.update import show_updates
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.update.candidates import Candidate

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def row(name: str, **facts: Any) -> dict[str, Any]:
    service = load_catalog()[name]
    usual = {
        "container": "1",
        "reference": service.image,
        "digests": (OLD,),
        "created": (NOW - timedelta(days=12)).isoformat(),
        "available": NEW,
    }
    return Candidate(service, **(usual | facts)).as_row(NOW)


def shown(data: dict[str, Any], width: int = 80) -> str:
    stream = io.StringIO()
    show_updates(data, Screen(stream, width, colour=False))
    return stream.getvalue()


CHECKED = {
    "services": [
        row("sonarr"),
        row("audiobookshelf", available=OLD),
        row("readarr", available="", problem="connection refused"),
        row("radarr", reference=f"radarr@{OLD}"),
        row("jellyfin", simulated=True),
        row("lidarr", container=""),
    ]
}


@pytest.mark.parametrize("width", [80, 120])
def test_check_fits_and_tells_all(width: int) -> None:
    text = shown(CHECKED, width)
    table = text.partition("\n\n")[0].splitlines()
    assert len(table) == 7 and max(map(len, table)) <= width
    assert "sonarr          new" in text
    assert "bbbbbbbbbbbb" in text and "12 days" in text
    assert "lscr.io/linuxserver/sonarr:latest" in text
    assert "https://github.com/Sonarr/Sonarr/releases" in text
    assert "readarr: connection refused" in text
    told = " ".join(text.split())
    assert "Bookshelf runs in its place. Instead: bookshelf" in told
    assert "radarr: pinned to one image by its digest" in text
    assert "jellyfin: simulated, nothing to pull" in text
    assert "lidarr: has no container yet" in text
    assert "1 of 6 services can be updated." in text


def test_what_many_have_in_common_is_told_once() -> None:
    names = ("sonarr", "radarr", "lidarr")
    rows = [row(name, simulated=True) for name in names]
    assert shown({"services": rows}).count("nothing to pull") == 1


def test_nothing_new() -> None:
    text = shown({"services": [row("sonarr", available=OLD)]})
    assert "None of 1 service can be updated." in text
    assert "--all" not in text


def test_outcomes() -> None:
    rows = [
        row("sonarr") | {"outcome": "updated", "state": "ready"},
        row("radarr") | {"outcome": "rolled-back", "state": "ready"},
        row("lidarr", available=OLD) | {"outcome": "", "state": ""},
    ]
    text = shown({"services": rows, "journals": ["1", "2"]})
    assert "1 of 2 services updated." in text
    assert "put back" in text and "updated" in text and "current" in text


def test_no_update_was_needed() -> None:
    rows = [row("lidarr", available=OLD) | {"outcome": "", "state": ""}]
    text = shown({"services": rows, "journals": []})
    assert "Nothing was updated." in text
