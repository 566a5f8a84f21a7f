"""The worker's side of a probe: touches mounts, so it may hang for ever.

Runs alone, as `python -I -S probe_worker.py`, and imports the standard
library only. Reads one JSON document from stdin:
{"identity": [uid, gid] | null, "requests": [{"do": ..., ...}, ...]},
says with an empty line that it is up, and answers each request with one
line of JSON, in order.
"""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def statvfs(request: dict[str, Any]) -> dict[str, Any]:
    found = os.statvfs(request["path"])
    return {
        "size": found.f_blocks * found.f_frsize,
        "free": found.f_bavail * found.f_frsize,
        "used": (found.f_blocks - found.f_bfree) * found.f_frsize,
        "inodes": found.f_files,
        "inodes_free": found.f_favail,
    }


def stat(request: dict[str, Any]) -> dict[str, Any]:
    path = Path(request["path"])
    found = path.stat()
    return {
        "folder": path.is_dir(),
        "device": f"{os.major(found.st_dev)}:{os.minor(found.st_dev)}",
        "inode": found.st_ino,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mode": found.st_mode & 0o7777,
        "real": os.path.realpath(path),
    }


def nearest(request: dict[str, Any]) -> dict[str, Any]:
    """Find a path, or the nearest folder above it that exists."""
    wanted = path = Path(request["path"])
    while not path.is_dir():
        path = path.parent
    return {"exists": path == wanted, "path": os.path.realpath(path)}


def write(request: dict[str, Any]) -> dict[str, Any]:
    """Make a file in a folder and take it away again."""
    with (
        _folder(request["path"]) as folder,
        _user(request["identity"]),
        _scratch(folder),
    ):
        return {}


def link(request: dict[str, Any]) -> dict[str, Any]:
    """Try one hard link from a folder into another."""
    with (
        _folder(request["path"]) as source,
        _folder(request["target"]) as target,
        _user(request["identity"]),
        _scratch(source) as name,
    ):
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target)
        try:
            found = os.stat(name, dir_fd=target)
            return {"same": found.st_nlink == 2}
        finally:
            os.unlink(name, dir_fd=target)


@contextlib.contextmanager
def _folder(path: str) -> Iterator[int]:
    """Open a folder with our own rights.

    A container enters a bind mount directly: whether its user may pass
    through the folders above it on the host (/root) is of no concern.
    """
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _user(identity: list[int] | None) -> Iterator[None]:
    """Act as another user; without root only one's own id remains."""
    if identity is None or os.geteuid() != 0:
        yield
        return
    own = (os.getegid(), os.getgroups())
    os.setgroups([])
    os.setegid(identity[1])
    os.seteuid(identity[0])
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(own[0])
        os.setgroups(own[1])


@contextlib.contextmanager
def _scratch(folder: int) -> Iterator[str]:
    name = f".usenet-probe-{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o600, dir_fd=folder))
    try:
        yield name
    finally:
        os.unlink(name, dir_fd=folder)


ACTIONS = {
    "statvfs": statvfs,
    "stat": stat,
    "nearest": nearest,
    "write": write,
    "link": link,
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request, a refusal included."""
    try:
        return {"ok": True, **ACTIONS[request["do"]](request)}
    except OSError as problem:
        number = problem.errno or errno.EIO
        return {
            "ok": False,
            "errno": errno.errorcode.get(number, str(number)),
            "why": os.strerror(number),
        }


def main() -> None:
    """Answer the document on stdin."""
    os.write(1, b"\n")
    document = json.loads(os.fsdecode(sys.stdin.buffer.read()))
    for request in document["requests"]:
        request["identity"] = document["identity"]
        line = json.dumps(answer(request)).encode() + b"\n"
        os.write(1, line)


if __name__ == "__main__":
    main()
