"""A Usenet server and a web seed, as slow as a file beside them says.

It runs in a container of its own, `python3 slow_feeder.py FOLDER`: what lies
in that folder is what it serves, over HTTP (with ranges, as web seeds are
asked) and over NNTP as yEnc articles `<NUMBER@NAME>`. The file `rate` there
says how many bytes a second each connection gets; 0 is no limit. Standard
library only.
"""

import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Protocol

HTTP_PORT, NNTP_PORT = 8000, 1119
PART = 64 * 1024
LINE = 128
CRITICAL = b"\0\t\n\r ."


class Sink(Protocol):
    def write(self, content: bytes) -> object: ...


def trickle(folder: Path, content: bytes, sink: Sink) -> None:
    """Send at the rate that holds at each moment."""
    while content:
        rate = int((folder / "rate").read_text() or "0")
        size = max(rate // 10, 1) if rate else len(content)
        sink.write(content[:size])
        content = content[size:]
        if rate:
            time.sleep(0.1)


def article(folder: Path, identity: str) -> bytes:
    """Return a part of a file in yEnc, its lines ready to be sent."""
    number, _, name = identity.strip("<>").partition("@")
    whole = (folder / name).read_bytes()
    at = (int(number) - 1) * PART
    part = whole[at : at + PART]
    count = -(-len(whole) // PART)
    head = (
        f"=ybegin part={number} total={count} line={LINE} "
        f"size={len(whole)} name={name}\r\n"
        f"=ypart begin={at + 1} end={at + len(part)}\r\n"
    )
    tail = (
        f"=yend size={len(part)} part={number} "
        f"pcrc32={zlib.crc32(part):08x}\r\n"
    )
    return head.encode() + encoded(part) + tail.encode()


def encoded(part: bytes) -> bytes:
    lines = []
    for start in range(0, len(part), LINE):
        line = bytearray()
        for byte in part[start : start + LINE]:
            moved = (byte + 42) % 256
            if moved in CRITICAL + b"=":
                line += b"=" + bytes([(moved + 64) % 256])
            else:
                line.append(moved)
        lines.append(bytes(line))
    return b"\r\n".join(lines) + b"\r\n"


class News(StreamRequestHandler):
    """The little of NNTP that a downloader needs."""

    def handle(self) -> None:
        self.wfile.write(b"200 slow\r\n")
        for line in self.rfile:
            words = line.decode().split()
            if not words or words[0].upper() == "QUIT":
                return
            if words[0].upper() == "BODY":
                self.body(words[1])
            else:
                self.wfile.write(b"500 not known here\r\n")

    def body(self, identity: str) -> None:
        content = article(FOLDER, identity)
        answer = f"222 0 {identity}\r\n".encode() + content + b".\r\n"
        trickle(FOLDER, answer, self.wfile)


class Seed(BaseHTTPRequestHandler):
    """Gives ranges of files."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        whole = (FOLDER / Path(self.path).name).read_bytes()
        wanted = self.headers.get("Range", "bytes=0-").partition("=")[2]
        first, _, last = wanted.partition("-")
        end = int(last) + 1 if last else len(whole)
        part = whole[int(first) : end]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header(
            "Content-Range", f"bytes {first}-{end - 1}/{len(whole)}"
        )
        self.end_headers()
        trickle(FOLDER, part, self.wfile)


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    news = Server(("", NNTP_PORT), News)
    threading.Thread(target=news.serve_forever, daemon=True).start()
    seed = ThreadingHTTPServer(("", HTTP_PORT), Seed)
    print("serving", flush=True)
    seed.serve_forever()
