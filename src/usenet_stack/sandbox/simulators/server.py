"""HTTP/1.1 over sockets, with the faults applied on the way out."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from .faults import Fault, Faults
from .routing import Reply, Request

SIMULATED = "X-Simulated"
MARK = "usenet-sandbox"
IDLE_SECONDS = 60
LARGEST_BODY = 64 * 1024 * 1024


class Answering(Protocol):
    """What the server needs of an application."""

    faults: Faults
    stopping: threading.Event

    def answer(self, request: Request) -> Reply:
        """Answer one request; raises nothing."""


class Server(ThreadingTCPServer):
    """Listens, and gives each connection a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def serve_in_background(self) -> None:
        """Start answering.

        Undo: `shutdown()`, then `server_close()`.
        """
        threading.Thread(
            target=self.serve_forever, args=(0.2,), daemon=True
        ).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is no event here."""


def http_server(address: tuple[str, int], app: Answering) -> Server:
    """A bound, listening HTTP server in front of `app`."""

    class Connection(_Connection):
        application = app

    return Server(address, Connection)


def tcp_server(address: tuple[str, int], stopping: threading.Event) -> Server:
    """A server that accepts connections and reads until the peer leaves."""

    class Connection(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(IDLE_SECONDS)
            try:
                while not stopping.is_set() and self.request.recv(4096):
                    pass
            except OSError:
                return

    return Server(address, Connection)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # Headers and body leave in one write; without this the kernel may hold
    # the last piece back until the client acknowledges the one before.
    disable_nagle_algorithm = True
    application: Answering

    def parse_request(self) -> bool:
        """Read the request line and send every method the same way."""
        if not super().parse_request():
            return False
        setattr(self, f"do_{self.command}", self._serve)
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: query strings of these APIs hold keys."""

    def _serve(self) -> None:
        request = self._read_request()
        if request is None:
            return
        fault = self.application.faults.match(request)
        if fault is None:
            self._send(self.application.answer(request))
            return
        self.application.stopping.wait(fault.number("latency_ms") / 1000)
        reply = Reply()
        if fault.on("after_apply") or not fault.replaces_reply:
            reply = self.application.answer(request)
        self._fail(fault, reply)

    def _read_request(self) -> Request | None:
        body = self._read_body()
        if body is None:
            return None
        url = urlsplit(self.path)
        # The request line is Latin-1; percent signs hide UTF-8.
        return Request(
            method=self.command,
            path="/" + unquote(url.path).lstrip("/"),
            query=parse_qs(url.query, keep_blank_values=True),
            headers={key.lower(): text for key, text in self.headers.items()},
            body=body,
            client=str(self.client_address[0]),
        )

    def _read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        try:
            size = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            size = -1
        if not 0 <= size <= LARGEST_BODY:
            self.close_connection = True
            self._send(Reply(400 if size < 0 else 413))
            return None
        return self.rfile.read(size)

    def _read_chunks(self) -> bytes:
        pieces = []
        while True:
            size = int(self.rfile.readline().split(b";")[0].strip() or b"0", 16)
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(pieces)

    def _fail(self, fault: Fault, reply: Reply) -> None:
        if fault.on("reset"):
            self._reset()
        elif fault.on("garbage"):
            self.close_connection = True
            self.wfile.write(bytes(range(255, 0, -1)))
        elif fault.on("hang"):
            self.close_connection = True
            self._wait_for_end()
        elif fault.on("short_body"):
            self.close_connection = True
            head, body = self._wire(fault.twist(reply))
            self.wfile.write(head + body[: len(body) // 2])
        elif fault.on("drip_ms"):
            self._drip(fault.twist(reply), fault.number("drip_ms") / 1000)
        else:
            self._send(fault.twist(reply))

    def _reset(self) -> None:
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def _wait_for_end(self) -> None:
        self.connection.settimeout(0.5)
        while not self.application.stopping.is_set():
            try:
                if not self.connection.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def _drip(self, reply: Reply, pause: float) -> None:
        data = b"".join(self._wire(reply))
        for start in range(0, len(data), 16):
            self.wfile.write(data[start : start + 16])
            if self.application.stopping.wait(pause):
                return

    def _send(self, reply: Reply) -> None:
        self.wfile.write(b"".join(self._wire(reply)))

    def _wire(self, reply: Reply) -> tuple[bytes, bytes]:
        reason = http.client.responses.get(reply.status, "Unknown")
        lines = [f"HTTP/1.1 {reply.status} {reason}"]
        headers = {SIMULATED: MARK, "Date": self.date_time_string()}
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        headers |= reply.headers
        if reply.status != 204:
            headers["Content-Length"] = str(len(reply.body))
        if self.close_connection:
            headers["Connection"] = "close"
        lines += [f"{key}: {value}" for key, value in headers.items()]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        silent = self.command == "HEAD" or reply.status == 204
        return head, b"" if silent else reply.body
