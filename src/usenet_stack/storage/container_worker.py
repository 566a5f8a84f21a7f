"""Enters a container and writes there as its application does.

Runs alone, as `python -I -S container_worker.py`, one process for each
container: it joins the container's mount table, becomes the application's
user, and makes a file in each folder and removes it. Nothing runs inside
the container and no image needs a shell for it. Reads one document from
stdin, {"pid": ..., "uid": ..., "gid": ..., "folders": [...]}, as the
hexadecimal digits of `marshal`, and answers with one line: "" or why not.
"""

import ctypes
import marshal
import os
import sys

CLONE_NEWNS = 0x00020000


def enter(pid: int) -> None:
    """See what a process sees from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    table = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    if libc.setns(table, CLONE_NEWNS):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def write_in(folder: str) -> None:
    """Make a file and remove it."""
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    name = f".usenet-probe-{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o600, dir_fd=place))
    os.unlink(name, dir_fd=place)
    os.close(place)


def main() -> None:
    """Answer the document on stdin."""
    wish = marshal.loads(bytes.fromhex(sys.stdin.read()))
    place = "the container"
    try:
        enter(wish["pid"])
        become(wish["uid"], wish["gid"])
        for place in wish["folders"]:
            write_in(place)
    except OSError as problem:
        why = f"{os.strerror(problem.errno or 0)}: {place}"
        os.write(1, os.fsencode(why) + b"\n")
    else:
        os.write(1, b"\n")


if __name__ == "__main__":
    main()
