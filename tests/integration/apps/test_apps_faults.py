"""Every client against everything that can go wrong on the way."""

import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from app_stack import SECRETS, opened
from fault_server import (
    LARGE,
    Fault,
    FaultServer,
    drip_body,
    drip_headers,
    echo,
    garbage,
    hang,
    hang_up,
    large,
    overrun,
    refusing,
    reset,
    response,
    says,
    spoken,
)

from usenet_stack.errors import UsenetError

# For what takes all the time it gets, and for what takes none.
SLOW_SECONDS = 0.5
SECONDS = 3.0
# What a busy machine may take on top.
SLACK = 1.5

QUEUE = {"totalCount": 1}
SERVARR = {"queue/status": QUEUE, "health": []}
RPC = {
    "result": "success",
    "arguments": {
        "activeTorrentCount": 1,
        "torrentCount": 2,
        "downloadSpeed": 3,
        "uploadSpeed": 4,
    },
}
# The calls of figures(), in their order, each with a good answer.
GOOD: dict[str, dict[str, Any]] = {
    **{
        name: {f"/api/{version}/{path}": v for path, v in SERVARR.items()}
        for name, version in (
            ("sonarr", "v3"),
            ("radarr", "v3"),
            ("whisparr", "v3"),
            ("lidarr", "v1"),
            ("readarr", "v1"),
        )
    },
    "prowlarr": {"/api/v1/indexer": [], "/api/v1/indexerstatus": []},
    "sabnzbd": {
        "/api": {
            "queue": {
                "noofslots_total": 1,
                "kbpersec": "1.5",
                "mbleft": "2.00",
                "status": "Idle",
                "version": "5.0.4",
            }
        }
    },
    "transmission": {"/transmission/rpc": RPC},
    "jellyfin": {
        "/System/Info/Public": {
            "Version": "10.11",
            "StartupWizardCompleted": True,
        },
        "/Users/AuthenticateByName": {"AccessToken": "made-by-the-server"},
        "/Sessions": [],
        "/Items/Counts": {
            "MovieCount": 1,
            "SeriesCount": 2,
            "EpisodeCount": 3,
        },
    },
    "seerr": {
        "/api/v1/request/count": {"total": 2, "pending": 1},
        "/api/v1/settings/about": {"version": "3.1.0"},
    },
    "bazarr": {"/api/badges": {"episodes": 1, "movies": 2}},
    "tdarr": {
        "/api/v2/cruddb": {f"table{n}Count": n for n in range(7)},
        "/api/v2/get-nodes": {"a": {"workers": {}}},
    },
    "netdata": {
        "/api/v1/info": {
            "version": "v2",
            "alarms": {"warning": 0, "critical": 0},
        }
    },
    "portainer": {"/api/system/status": {"Version": "2.23.0"}},
    "audiobookshelf": {
        "/status": {"isInit": True, "serverVersion": "2.36.0"},
        "/login": {"user": {"accessToken": "made-by-the-server"}},
        "/api/libraries": {"libraries": []},
    },
    "mylar3": {"/api": {"issues": [], "data": {"current_version": "1"}}},
    "yacreader": {"/v2/libraries": []},
}
CLIENTS = tuple(GOOD)
CALLS = [(name, path) for name, paths in GOOD.items() for path in paths]


class Case(NamedTuple):
    """One fault, and the errors that it may be told as."""

    fault: Fault
    codes: tuple[str, ...]


DENIED = ("app.unauthorised", "app.forbidden")
SLOW = {
    "read time-out": Case(hang, ("app.silent",)),
    "slow headers": Case(drip_headers, ("app.silent",)),
    "slow body": Case(drip_body, ("app.silent",)),
}
QUICK = {
    "reset": Case(reset, ("app.unreachable",)),
    "hang-up": Case(hang_up, ("app.unreachable",)),
    "garbage": Case(garbage, ("app.unexpected",)),
    "401": Case(says(response(401, "")), ("app.unauthorised",)),
    "403": Case(says(response(403, "")), DENIED),
    "404": Case(says(response(404, "{}")), ("app.not-found",)),
    "429": Case(says(response(429, "", "Retry-After: 60")), ("app.busy",)),
    "500": Case(says(response(500, "boom")), ("app.failing",)),
    "503": Case(says(response(503, "[]", "Retry-After: 60")), ("app.failing",)),
    "html": Case(says(response(200, "<h1>Hello</h1>")), ("app.not-json",)),
    "truncated": Case(says(response(200, '{"a": [1, ')), ("app.not-json",)),
    "nested": Case(says(response(200, "[" * 100_000)), ("app.not-json",)),
    "not a number": Case(says(response(200, "NaN")), ("app.not-json",)),
    "large": Case(large, ("app.too-large",)),
}
# Asked only to find out what a refusal means.
ASIDE = {"/api/v1/settings/public": {"initialized": True}}
ODD: list[Any] = ["text", 7, 0.5, True, None, {}, [], [1], [[]], {"a": "b"}]
# What this call cannot tell from a good answer, or does not mind.
TOLERANT = {
    # A refused login shows what everybody may see.
    ("jellyfin", "/Users/AuthenticateByName", "401"),
    # It lets nobody in too often.
    ("audiobookshelf", "/login", "401"),
    ("audiobookshelf", "/login", "429"),
}


@contextmanager
def served(
    name: str, fault: Fault, at: str = "", times: int = -1
) -> Iterator[FaultServer]:
    with closing(FaultServer(GOOD[name] | ASIDE, fault, at, times)) as server:
        yield server


def figures(
    folder: Path, name: str, port: int, seconds: float = SECONDS
) -> dict[str, Any]:
    with opened(folder, name, port, seconds) as app:
        return dict(app.figures())


def failure(
    folder: Path, name: str, port: int, seconds: float = SECONDS
) -> UsenetError:
    """Return how it failed, which must have been soon and told well."""
    began = time.monotonic()
    with pytest.raises(UsenetError) as caught:
        figures(folder, name, port, seconds)
    assert time.monotonic() - began < seconds + SLACK
    error = caught.value
    assert error.code.startswith("app."), error.code
    assert name in error.message
    assert error.hint
    told = json.dumps(error.as_dict()) + repr(error) + str(error.args)
    for secret in SECRETS.values():
        assert secret not in told
    return error


@pytest.mark.parametrize("name", CLIENTS)
def test_good_answers_are_good(name: str, tmp_path: Path) -> None:
    with served(name, hang, times=0) as server:
        assert figures(tmp_path, name, server.port)
        assert server.asked


def test_tdarr_counts_workers_on_the_gpu(tmp_path: Path) -> None:
    kinds = ["transcodegpu", "transcodecpu", "healthcheckgpu", None]
    workers = {str(n): {"workerType": kind} for n, kind in enumerate(kinds)}
    good = {**GOOD["tdarr"], "/api/v2/get-nodes": {"a": {"workers": workers}}}
    with closing(FaultServer(good, hang, times=0)) as server:
        found = figures(tmp_path, "tdarr", server.port)
    assert (found["workers"], found["gpu"]) == (4, 2)


@pytest.mark.parametrize("name", CLIENTS)
def test_refused(name: str, tmp_path: Path) -> None:
    with refusing() as port:
        error = failure(tmp_path, name, port)
    assert error.code == "app.unreachable"
    assert "listens" in error.message


def slowly(name: str, what: str, folder: Path, found: dict[str, str]) -> None:
    if what == "connect time-out":
        with overrun() as port:
            found[name] = failure(folder, name, port, SLOW_SECONDS).code
        return
    with served(name, SLOW[what].fault) as server:
        error = failure(folder, name, server.port, SLOW_SECONDS)
        found[name] = error.code


@pytest.mark.parametrize("what", [*SLOW, "connect time-out"])
def test_slow_ones_cost_no_more_than_the_deadline(
    what: str, tmp_path: Path
) -> None:
    found: dict[str, str] = {}
    threads = [
        threading.Thread(
            target=slowly, args=[name, what, tmp_path / name, found]
        )
        for name in CLIENTS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == dict.fromkeys(CLIENTS, "app.silent")


@pytest.mark.parametrize("what", [name for name in QUICK if name != "large"])
@pytest.mark.parametrize(("name", "path"), CALLS)
def test_every_call_fails_well(
    name: str, path: str, what: str, tmp_path: Path
) -> None:
    case = QUICK[what]
    with served(name, case.fault, at=path) as server:
        if (name, path, what) in TOLERANT:
            assert figures(tmp_path, name, server.port)["version"]
        else:
            error = failure(tmp_path, name, server.port)
            assert error.code in case.codes


@pytest.mark.parametrize("name", CLIENTS)
def test_large_bodies_are_not_read(name: str, tmp_path: Path) -> None:
    case = QUICK["large"]
    with served(name, case.fault) as server:
        tracemalloc.start()
        try:
            error = failure(tmp_path, name, server.port)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert error.code == "app.too-large"
    # Twice its limit while the buffer grows.
    assert peak < 2 * error.facts["limit"] + 2**20
    assert error.facts["limit"] < LARGE


@pytest.mark.parametrize(("name", "path"), CALLS)
def test_every_other_type_is_told(name: str, path: str, tmp_path: Path) -> None:
    good = GOOD[name][path]
    told = 0
    for odd in ODD:
        # A list is only counted there, whatever it holds.
        counted = name == "yacreader" or odd in ([], {}, {"a": "b"})
        if type(odd) is type(good) and counted:
            continue
        with served(name, says(spoken(odd)), at=path) as server:
            error = failure(tmp_path, name, server.port)
        assert error.code == "app.unexpected", odd
        told += 1
    assert told >= len(ODD) - 3


@pytest.mark.parametrize(("name", "path"), CALLS)
def test_missing_and_twisted_members_are_told_or_unknown(
    name: str, path: str, tmp_path: Path
) -> None:
    for data in ({}, {"a": "b"}, _twisted(GOOD[name][path])):
        with served(name, says(spoken(data)), at=path) as server:
            try:
                found = figures(tmp_path, name, server.port)
            except UsenetError as error:
                assert error.code.startswith("app.")
                continue
        assert all(isinstance(v, int | float | str) for v in found.values())


def _twisted(data: Any) -> Any:
    """Numbers as lists, texts as numbers, lists as objects, and so on."""
    match data:
        case dict():
            return {key: _twisted(value) for key, value in data.items()}
        case list():
            return {"0": "x"}
        case str():
            return 7
        case bool() | None:
            return "x"
    return [data]


@pytest.mark.parametrize("name", CLIENTS)
def test_503_then_fine(name: str, tmp_path: Path) -> None:
    busy = says(response(503, "starting", "Retry-After: 0"))
    with served(name, busy, times=1) as server:
        assert figures(tmp_path, name, server.port)
        first, second = server.asked[:2]
        assert (first.method, first.path) == (second.method, second.path)


@pytest.mark.parametrize("name", CLIENTS)
def test_429_with_a_short_pause_then_fine(name: str, tmp_path: Path) -> None:
    busy = says(response(429, "", "Retry-After: 0"))
    with served(name, busy, times=2) as server:
        assert figures(tmp_path, name, server.port)


@pytest.mark.parametrize("name", CLIENTS)
def test_no_more_than_three_attempts(name: str, tmp_path: Path) -> None:
    with served(name, says(response(503, "", "Retry-After: 0"))) as server:
        assert failure(tmp_path, name, server.port).code == "app.failing"
        assert len(server.asked) == 3


@pytest.mark.parametrize("name", CLIENTS)
def test_a_long_pause_is_not_waited_for(name: str, tmp_path: Path) -> None:
    busy = says(response(429, "", "Retry-After: 60"))
    with served(name, busy) as server:
        assert failure(tmp_path, name, server.port).code == "app.busy"
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500, 503])
@pytest.mark.parametrize(("name", "path"), CALLS)
def test_an_application_that_tells_our_key_back(
    name: str, path: str, status: int, tmp_path: Path
) -> None:
    with served(name, echo(status), at=path) as server:
        if (name, path, str(status)) in TOLERANT:
            assert figures(tmp_path, name, server.port)
            return
        error = failure(tmp_path, name, server.port)
        asked = server.asked[-1].text
    if error.details or error.why:
        assert len(error.details) <= 10
    told = json.dumps(error.as_dict())
    for line in asked.splitlines():
        value = line.partition(":")[2].strip()
        if line.lower().startswith(("x-api-key:", "authorization:")):
            assert value.rpartition(" ")[2] not in told
