"""Real netdata answers on the health path of the catalogue."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from docker_engine import Container, until


def test_info_is_json_without_a_key(
    start_real: Callable[..., Container],
) -> None:
    container = start_real("netdata", ports=(19999,))
    host, port = container.address(19999)

    def info() -> Any:
        connection = http.client.HTTPConnection(host, port, timeout=5)
        connection.request("GET", "/api/v1/info")
        response = connection.getresponse()
        if response.status == 503:
            raise ConnectionError("netdata is still starting")
        assert response.status == 200
        return json.load(response)

    answer = until(info, (OSError, http.client.HTTPException))

    assert answer["version"].startswith("v1.")
    assert answer["uid"]
    assert {"normal", "warning", "critical"} <= set(answer["alarms"])
