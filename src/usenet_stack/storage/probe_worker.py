"""The worker's side of a probe: touches mounts, so it may hang for ever.

Runs in a copy of the program or, where that has threads, alone, as
`python -I -S probe_worker.py`; so it imports next to nothing. Takes one
document, {"identity": (uid, gid) or None, "requests": [{"do": ..., ...},
...]}, from its caller or from stdin, as the hexadecimal digits of
`marshal`. Says with an empty line that it is up, and answers each request
with one such line, in order.
"""

import errno
import fcntl
import marshal
import os
import sys
from typing import Any

Wish = dict[str, str]
Identity = tuple[int, int] | None
Document = dict[str, Any]


def statvfs(wish: Wish, _: Identity) -> dict[str, object]:
    found = os.statvfs(wish["path"])
    return {
        "size": found.f_blocks * found.f_frsize,
        "free": found.f_bavail * found.f_frsize,
        "used": (found.f_blocks - found.f_bfree) * found.f_frsize,
        "inodes": found.f_files,
        "inodes_free": found.f_favail,
    }


def identify(wish: Wish, identity: Identity) -> dict[str, object]:
    """Tell how full a file system is, and what it calls itself.

    Source: linux/fs.h, FS_IOC_GETFSLABEL (4.18) and FS_IOC_GETFSUUID (6.9).
    """
    found = statvfs(wish, identity)
    try:
        folder = _open_to_ask(wish["path"])
    except OSError:
        return found
    for name, request, size in (
        ("label", 0x81009431, 256),
        ("uuid", 0x80111500, 17),
    ):
        try:
            found[name] = fcntl.ioctl(folder, request, bytes(size))
        except OSError:
            continue
    return found


def _open_to_ask(path: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK
    _open.append(os.open(path, flags))
    return _open[-1]


def stat(wish: Wish, _: Identity) -> dict[str, object]:
    path = wish["path"]
    found = os.stat(path)  # noqa: PTH116
    return {
        "folder": os.path.isdir(path),  # noqa: PTH112
        "device": f"{os.major(found.st_dev)}:{os.minor(found.st_dev)}",
        "inode": found.st_ino,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mode": found.st_mode & 0o7777,
        "real": os.path.realpath(path),
    }


def nearest(wish: Wish, _: Identity) -> dict[str, object]:
    """Find a path, or the nearest folder above it that exists."""
    wanted = path = wish["path"]
    while not os.path.isdir(path):  # noqa: PTH112
        path = os.path.dirname(path.rstrip("/")) or "/"  # noqa: PTH120
    return {"exists": path == wanted, "path": os.path.realpath(path)}


def write(wish: Wish, identity: Identity) -> dict[str, object]:
    """Make a file in a folder and take it away again."""
    folder = _folder(wish["path"])
    _become(identity)
    os.unlink(_scratch(folder), dir_fd=folder)
    return {}


def link(wish: Wish, identity: Identity) -> dict[str, object]:
    """Try one hard link from a folder into another."""
    source, target = _folder(wish["path"]), _folder(wish["target"])
    _become(identity)
    name = _scratch(source)
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target)
        try:
            same = os.stat(name, dir_fd=target).st_nlink == 2
            return {"same": same}
        finally:
            os.unlink(name, dir_fd=target)
    finally:
        os.unlink(name, dir_fd=source)


def enter(wish: Wish, identity: Identity) -> dict[str, object]:
    """Go through a folder to what is inside it."""
    folder = _folder(wish["path"])
    _become(identity)
    os.stat(".", dir_fd=folder)
    return {}


def reach(wish: Wish, identity: Identity) -> dict[str, object]:
    """Find a path the whole way from the top, by its name."""
    _become(identity)
    os.stat(wish["path"])  # noqa: PTH116
    return {}


def read(wish: Wish, _: Identity) -> dict[str, object]:
    """Return the beginning of a file; never through a symbolic link."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    _open.append(os.open(wish["path"], flags))
    return {"content": os.read(_open[-1], 65536)}


_open: list[int] = []
_own = (os.getegid(), os.getgroups()) if os.geteuid() == 0 else None


def _folder(path: str) -> int:
    """Open a folder with our own rights.

    A container enters a bind mount directly: whether its user may pass
    through the folders above it on the host (/root) is of no concern.
    """
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    _open.append(descriptor)
    return descriptor


def _become(identity: Identity) -> None:
    """Act as another user; without root only one's own id remains."""
    if identity is not None and _own is not None:
        os.setgroups([])
        os.setegid(identity[1])
        os.seteuid(identity[0])


def _recover() -> None:
    """Close the folders and be oneself again."""
    if _own is not None:
        os.seteuid(0)
        os.setegid(_own[0])
        os.setgroups(_own[1])
    while _open:
        os.close(_open.pop())


def _scratch(folder: int) -> str:
    name = f".usenet-probe-{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o600, dir_fd=folder))
    return name


ACTIONS = {
    "statvfs": statvfs,
    "identify": identify,
    "stat": stat,
    "nearest": nearest,
    "write": write,
    "link": link,
    "enter": enter,
    "reach": reach,
    "read": read,
}


def answer(wish: Wish, identity: Identity) -> dict[str, object]:
    """Return the answer to one request, a refusal included."""
    try:
        return {"ok": True, **ACTIONS[wish["do"]](wish, identity)}
    except OSError as problem:
        number = problem.errno or errno.EIO
        return {
            "ok": False,
            "errno": errno.errorcode.get(number, str(number)),
            "why": os.strerror(number),
        }
    finally:
        _recover()


def serve(document: Document) -> None:
    """Carry out the requests of a document, answering on descriptor 1."""
    os.chdir("/")
    os.write(1, b"\n")
    for wish in document["requests"]:
        told = answer(wish, document["identity"])
        os.write(1, marshal.dumps(told).hex().encode() + b"\n")


if __name__ == "__main__":
    serve(marshal.loads(bytes.fromhex(sys.stdin.read())))
