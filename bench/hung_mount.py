"""A FUSE file system that takes every question and never answers.

`python hung_mount.py FOLDER` mounts it, says "mounted" and serves it until
it is killed; then all who wait there are let go. Needs root.
"""

import ctypes
import os
import struct
import sys


def main(target: str) -> None:
    """Mount, greet the kernel, and be silent.

    Source: linux/fuse.h, FUSE_INIT of protocol 7.
    """
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    data = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    words = (b"hung", os.fsencode(target), b"fuse.rclone", 0, data.encode())
    if libc.mount(*words):
        raise SystemExit(f"mount: {os.strerror(ctypes.get_errno())}")
    unique = struct.unpack_from("<IIQ", os.read(device, 1 << 17))[2]
    greeting = struct.pack("<IIIIHHI32x", 7, 31, 0, 0, 12, 9, 4096)
    size = 16 + len(greeting)
    os.write(device, struct.pack("<IiQ", size, 0, unique) + greeting)
    print("mounted", flush=True)
    while os.read(device, 1 << 17):
        pass


if __name__ == "__main__":
    main(sys.argv[1])
