"""An image registry on 127.0.0.1, from which a real Engine pulls.

Docker speaks plain HTTP to registries of this machine's own address. The
names that it serves move as a real one's do: `push` under the same tag
again, and the tag has another digest.

Source: OCI Distribution Specification 1.1, "Pulling manifests", "Pulling
Blobs"; Image Manifest Version 2, Schema 2.
"""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Image(NamedTuple):
    """An image of one layer: files, and what to start."""

    files: Mapping[str, bytes]
    command: tuple[str, ...]
    created: str = "2026-01-02T03:04:05Z"

    def layer(self) -> bytes:
        """Return its files as a tar; all can be executed."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in sorted(self.files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()


def shell_image(script: str) -> Image:
    """Return an image with busybox that runs a shell script.

    It stands for an application, so it makes no file that a container
    would not: /config comes from the outside.
    """
    files = {
        "bin/busybox": Path("/bin/busybox").read_bytes(),
        "app/start": script.encode(),
    }
    return Image(files, ("/bin/busybox", "sh", "/app/start"))


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Registry:
    """A registry that lives as long as its `with` block.

    `requests` counts what was asked: "GET manifests" and the like.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.requests: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away, as a registry does at the worst moment."""
        self._server.shutdown()
        self._server.server_close()

    def push(self, name: str, image: Image, tag: str = "latest") -> str:
        """Let a tag lead to an image; return the image's digest."""
        layer = image.layer()
        packed = gzip.compress(layer, 1, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "created": image.created,
                "config": {"Cmd": list(image.command)},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._keep(config, CONFIG),
            "layers": [self._keep(packed, LAYER)],
        }
        content = json.dumps(manifest).encode()
        digest = digest_of(content)
        self.blobs[digest] = content
        self.tags[name, tag] = digest
        return digest

    def reference(self, name: str, tag: str = "latest") -> str:
        return f"{self.address}/{name}:{tag}"

    def _keep(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = digest_of(content)
        self.blobs[digest] = content
        return {
            "mediaType": media_type,
            "size": len(content),
            "digest": digest,
        }

    def find(self, path: str) -> tuple[str, str, bytes] | None:
        """Return kind, digest and content of what a path names."""
        parts = path.removeprefix("/v2/").split("/")
        if path == "/v2/":
            return "", "", b"{}"
        kind, name, last = parts[-2], "/".join(parts[:-2]), parts[-1]
        digest = self.tags.get((name, last), last)
        content = self.blobs.get(digest)
        return None if content is None else (kind, digest, content)

    def _handler(registry) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = registry.find(self.path)
                if found is None:
                    error = {"code": "MANIFEST_UNKNOWN", "message": "unknown"}
                    body = json.dumps({"errors": [error]}).encode()
                    self._answer(404, "", body, "application/json")
                    return
                kind, digest, content = found
                registry.requests[f"{self.command} {kind}"] += 1
                manifest = kind == "manifests"
                media = MANIFEST if manifest else "application/octet-stream"
                self._answer(200, digest, content, media)

            do_HEAD = do_GET

            def _answer(
                self, status: int, digest: str, body: bytes, media: str
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(body)))
                self.send_header(
                    "Docker-Distribution-Api-Version", "registry/2.0"
                )
                if digest:
                    self.send_header("Docker-Content-Digest", digest)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
