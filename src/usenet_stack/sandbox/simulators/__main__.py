"""Run one simulated application: `python -m simulators SERVICE`."""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import time
from pathlib import Path

from .application import Application
from .journal import log
from .place import Place
from .registry import create
from .server import Server, http_server, tcp_server

_ENDING = {signal.SIGTERM, signal.SIGINT}


def main(argv: list[str] | None = None) -> int:
    """Start, print `listening ADDRESS:PORT`, and run until SIGTERM.

    Returns:
        0 after SIGTERM or SIGINT; 1 when the application cannot start.
    """
    _hold_signals()
    options, own_arguments = _parser().parse_known_args(argv)
    app = create(options.service, Place(os.environ, options.root.resolve()))
    app.arguments = own_arguments
    if options.port is not None and app.port >= 0:
        app.port, app.more_ports = options.port, ()
    log(f"usenet-sandbox: simulated {options.service}")
    try:
        app.prepare()
        servers = _start(app, options.bind)
    except (OSError, ValueError, sqlite3.Error) as error:
        log(f"[Fatal] {options.service}: {error}")
        return 1
    if servers is None:
        return 0
    signal.sigwait(_ENDING)
    app.stopping.set()
    for server in servers:
        server.shutdown()
        server.server_close()
    app.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulators", allow_abbrev=False)
    parser.add_argument("service")
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--bind", default="0.0.0.0")
    return parser


def _hold_signals() -> None:
    # Waited for instead of handled: a handler that sets an event can meet
    # the main thread inside that event's own lock. The handler is there
    # because the first process of a container ignores unhandled signals.
    for number in _ENDING:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def _start(app: Application, bind: str) -> list[Server] | None:
    delay = app.faults.start_delay()
    if app.answers_while_starting:
        app.ready_at = time.monotonic() + delay
    elif delay and signal.sigtimedwait(_ENDING, delay):
        return None
    app.start()
    servers: list[Server] = []
    for port in (app.port, *app.more_ports):
        if app.tcp_only:
            server = tcp_server((bind, port), app.stopping)
        elif app.port >= 0:
            server = http_server((bind, port), app)
        else:
            continue
        server.serve_in_background()
        servers.append(server)
    shown = servers[0].server_address[1] if servers else 0
    log(f"listening {bind if servers else 'none'}:{shown}")
    return servers


if __name__ == "__main__":
    raise SystemExit(main())
