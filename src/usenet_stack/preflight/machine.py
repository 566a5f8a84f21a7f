"""The kernel's limits, the clock, and the names of hosts."""

import ctypes
import re
import time
from collections.abc import Iterator

from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.site import Site

# Each .NET application takes several instances; a library, many watches.
INOTIFY = {
    "fs.inotify.max_user_instances": (256, 1024),
    "fs.inotify.max_user_watches": (65536, 524288),
}
# No clock that is right shows an earlier time: the program is younger.
BUILT = 1_735_689_600  # 2025-01-01
FUTURE = 4_102_444_800  # 2100-01-01
_TIME_ERROR = 5


def check_inotify(site: Site) -> Iterator[Finding]:
    """Limits on watched folders, which are for all containers together."""
    for key, (least, wanted) in INOTIFY.items():
        path = site.root / "proc/sys" / key.replace(".", "/")
        try:
            now = int(path.read_text())
        except (OSError, ValueError):
            continue
        if now >= least:
            yield ok("kernel.inotify", key, f"{now} is enough.")
            continue
        yield Finding(
            "kernel.inotify",
            "warn",
            key,
            f"{now} is little for so many services: at least {least}.",
            f"sudo sysctl -w {key}={wanted}   (or: usenet validate --fix)",
            {"key": key, "value": wanted},
        )


def check_clock(site: Site) -> Iterator[Finding]:
    """A clock that is right: certificates and schedules depend on it."""
    code, now = "machine.clock", time.time()
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    hint = "sudo timedatectl set-ntp true   (or: sudo date -s 'THE TIME')"
    if not BUILT < now < FUTURE:
        text = f"The clock says {shown}, which cannot be."
        yield Finding(code, "warn", "clock", text, hint)
    elif not _synchronised():
        text = f"Nothing keeps the clock right; it says {shown}."
        yield Finding(code, "warn", "clock", text, hint)
    else:
        yield ok(code, "clock", f"Kept right by the network; {shown}.")


def _synchronised() -> bool:
    """Ask the kernel whether a time service disciplines its clock.

    Source: adjtimex(2); `modes` 0 only reads. The buffer is larger than
    `struct timex` on any architecture.
    """
    buffer = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None).adjtimex(buffer)
    return state not in (-1, _TIME_ERROR)


def check_names(site: Site) -> Iterator[Finding]:
    """Names resolve, where images come from elsewhere."""
    if site.stack is None or site.stack.sandbox:
        return  # the sandbox pulls nothing
    code = "network.names"
    hint = "cat /etc/resolv.conf   (it needs a line: nameserver ADDRESS)"
    try:
        text = (site.root / "etc/resolv.conf").read_text(errors="replace")
    except OSError:
        text = ""
    if not re.search(r"^\s*nameserver\s+\S", text, re.MULTILINE):
        message = "No name server is configured."
        yield Finding(code, "warn", "/etc/resolv.conf", message, hint)
        return
    hosts = {image_host(service.image) for service in site.stack.services}
    for host in sorted(hosts - {""})[:1]:
        if site.resolve(host):
            yield ok(code, host, "Its name resolves.")
            continue
        message = "Its name does not resolve: no image can be fetched."
        yield Finding(code, "warn", host, message, hint)


def image_host(image: str) -> str:
    """Return the host that an image's name begins with, or ""."""
    first, slash, _ = image.partition("/")
    return first.partition(":")[0] if slash and "." in first else ""
