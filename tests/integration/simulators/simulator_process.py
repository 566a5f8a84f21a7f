"""Run a simulator as a process and talk HTTP to it."""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

SANDBOX = Path(__file__).parents[3] / "src" / "usenet_stack" / "sandbox"
START_S = 20.0
STEP_S = 0.02


@dataclass
class Answer:
    """What a simulator said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def eventually(check: Any, seconds: float = 10.0) -> Any:
    """Repeat a check until it holds; its last value, true or not."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found or time.monotonic() > end:
            return found
        time.sleep(STEP_S)


class Simulator:
    """One running simulator, rooted in a folder of its own."""

    def __init__(
        self,
        service: str,
        root: Path,
        env: dict[str, str],
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.service = service
        self.root = root
        self.headers: dict[str, str] = {}
        self.log: list[str] = []
        # -S and a bare environment: nothing but the standard library.
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-m", "simulators", service,
             "--root", str(root), "--port", "0", "--bind", "127.0.0.1",
             *arguments],
            cwd=SANDBOX,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "PUID": str(os.getuid()),
                "PGID": str(os.getgid()),
                "SIMULATOR_COMMAND_S": "0.05",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read_log, daemon=True).start()
        self.address = self._wait()
        self.port = int(self.address.rpartition(":")[2])

    def _read_log(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.decode().rstrip())
            self._lines.put(self.log[-1])
        self._lines.put(None)

    def _wait(self) -> str:
        while True:
            line = self._lines.get(timeout=START_S)
            if line is None:
                self.kill()
                raise AssertionError(f"{self.service}: {self.log}")
            if line.startswith("listening "):
                return line.removeprefix("listening ")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def folder(self, absolute: str) -> str:
        """Make a folder inside the simulator's root."""
        self.path(absolute).mkdir(parents=True, exist_ok=True)
        return absolute

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Answer:
        """Send one request with the simulator's usual headers."""
        sent = {**self.headers, **(headers or {})}
        data = None if body is None else json.dumps(body)
        if form is not None:
            data = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout
        )
        try:
            connection.request(method, path, data, sent)
            found = connection.getresponse()
            names = {key.lower(): text for key, text in found.getheaders()}
            return Answer(found.status, names, found.read())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Answer:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.ask("POST", path, body, **more)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
