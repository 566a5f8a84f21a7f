"""The pages of `services status`, and the table of `services top`."""

import io
from typing import Any

import pytest
from services_shown import row

from usenet_stack.render.screen import Screen
from usenet_stack.render.status import show_status
from usenet_stack.render.top import show_top

MORE: dict[str, Any] = {
    "container": {
        "id": "1" * 64,
        "name": "usenet-sonarr-1",
        "state": "running",
        "since": "2026-01-02T03:04:05Z",
        "seconds": 7800.0,
        "exit_code": None,
        "out_of_memory": False,
        "error": "",
        "restarts": 2,
        "restart_policy": "unless-stopped",
    },
    "check": {
        "status": "unhealthy",
        "failing": 3,
        "log": [
            {"at": "2026-01-02T03:04:05.1Z", "exit_code": 1, "output": "no"}
        ],
    },
    "http": {
        "verdict": "well",
        "status": 200,
        "milliseconds": 4.2,
        "method": "GET",
        "url": "http://127.0.0.1:8989/ping",
    },
    "version": "4.0.15",
    "image_id": "sha256:1",
    "image_digest": "sha256:" + "b" * 64,
    "image_created": "2026-01-01T00:00:00Z",
    "image_age_seconds": 40 * 86400.0,
    "config": "/srv/usenet/config/sonarr",
    "changelog": "",
    "mounts": [
        {
            "source": "/srv/usenet/data",
            "target": "/data",
            "type": "bind",
            "read_only": True,
            "propagation": "rslave",
        }
    ],
    "networks": [
        {"name": "usenet_default", "address": "198.18.0.3", "aliases": ["a"]}
    ],
    "ports": [{"container": "8989/tcp", "address": "127.0.0.1", "port": 8989}],
    "environment": ["PATH", "TZ"],
    "limits": {"memory_bytes": 2**30, "cpus": 0.5, "pids": None},
    "errors": [
        {"time": "2026-01-02T03:04:05.1Z", "text": "error: " + "w " * 60}
    ],
    "log": [{"time": "2026-01-02T03:04:06.1Z", "text": "hello"}],
    "needs": [{"name": "prowlarr", "container": "running"}],
    "needed_by": [{"name": "seerr", "container": "exited"}],
    "next": "usenet services logs sonarr",
}
SONARR = (
    MORE
    | row(
        "sonarr",
        "automation",
        state="degraded",
        reason="refuses the key in .env",
        port=8989,
        url="http://127.0.0.1:8989",
        memory_bytes=210 * 1024**2,
        cpu_percent=1.5,
        api="refused",
        figures={"queue": 3},
        drives=["films"],
    )
    | {"http": MORE["http"]}
)
TDARR = MORE | row("tdarr", "media", state="stopped") | {"container": None}
PAGE = """\
! sonarr: Degraded
  Why        refuses the key in .env
  Container  running for 2 h 10 min, started again 2 times by Docker
  Its check  unhealthy, failed 3 times in a row: no
  Answer     200 in 4.2 ms (GET http://127.0.0.1:8989/ping)
  API        refuses the key
  Now        3 queued
  Uses       210M of memory, 1.5% of a core
  Version    4.0.15
  Image      example/sonarr:1, made 40 days ago
"""


def shown(show: Any, data: dict[str, Any], width: int = 80) -> list[str]:
    stream = io.StringIO()
    show(data, Screen(stream, width))
    return stream.getvalue().splitlines()


def status(*rows: dict[str, Any], **more: bool) -> dict[str, Any]:
    return {"services": [*rows], "named": False, "detailed": False} | more


def test_one_page() -> None:
    lines = shown(show_status, status(SONARR, named=True))
    assert lines[: PAGE.count("\n")] == PAGE.splitlines()
    assert "  Needs      prowlarr" in lines
    assert "  Needed by  seerr (exited)" in lines
    assert "  Errors" in lines
    assert lines[-2:] == ["  Next       usenet services logs sonarr", ""]
    assert not any("Mount" in line or "Variables" in line for line in lines)


def test_details_on_demand() -> None:
    lines = shown(show_status, status(SONARR, named=True, detailed=True))
    for part in (
        "  Port       8989/tcp at 127.0.0.1:8989",
        "  Network    usenet_default 198.18.0.3 as a",
        "  Mount      /data is /srv/usenet/data (read-only, rslave)",
        "  Limits     memory 1.0 GiB, 0.5 cores",
        "  Variables  PATH, TZ",
        "  Checked    2026-01-02T03:04:05 exit 1 no",
        "    2026-01-02T03:04:06 hello",
    ):
        assert part in lines


def test_of_the_whole_stack_only_trouble_is_explained() -> None:
    lines = shown(show_status, status(SONARR, TDARR))
    assert lines[0] == "! sonarr: Degraded"
    assert lines[-2:] == ["! 1 degraded: sonarr", "- 1 stopped: tdarr"]
    assert not any("tdarr:" in line for line in lines)
    lines = shown(show_status, status(TDARR))
    assert lines == ["- 1 stopped: tdarr", "All is well."]


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(width: int) -> None:
    data = status(SONARR, TDARR, named=True, detailed=True)
    for line in shown(show_status, data, width):
        assert len(line) <= width, line
        assert line == line.rstrip()


def test_a_paused_one_is_not_paused_since_its_start() -> None:
    paused = MORE["container"] | {"state": "paused", "restarts": 0}
    lines = shown(show_status, status(SONARR | {"container": paused}))
    assert "  Container  paused, started 2 h 10 min ago" in lines


def test_one_without_a_container() -> None:
    lines = shown(show_status, status(TDARR, named=True))
    assert "  Container  none" in lines


def test_top() -> None:
    rows = [
        {
            "name": "sonarr",
            "state": "ready",
            "memory_bytes": 210 * 1024**2,
            "cpu_percent": 1.5,
            "down_bytes_s": 1_200_000,
            "up_bytes_s": 0,
        },
        {
            "name": "tdarr",
            "state": "stopped",
            "memory_bytes": None,
            "cpu_percent": None,
            "down_bytes_s": None,
            "up_bytes_s": None,
        },
    ]
    assert shown(show_top, {"services": rows}) == [
        "   Name    State     Mem   CPU      Down     Up",
        " + sonarr  Ready    210M  1.5%  1.2 MB/s  0 B/s",
        " - tdarr   Stopped     -     -         -      -",
        "                    210M  1.5%  1.2 MB/s  0 B/s",
    ]
