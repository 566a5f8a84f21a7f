"""The kernel's own word on drives: its mount table and its device events.

Nothing is asked over and over: both are files that poll(2) waits for.

Source: proc(5) on /proc/pid/mountinfo; netlink(7), NETLINK_KOBJECT_UEVENT.
"""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

_KERNEL_EVENTS = 15  # NETLINK_KOBJECT_UEVENT, which `socket` does not name
_FROM_KERNEL = 1
_RECEIVE_BYTES = 1 << 20


class DeviceEvent(NamedTuple):
    """What the kernel says of a block device.

    Args:
        action: "add", "remove", "change" and others.
        device: "major:minor".
    """

    action: str
    device: str


class KernelEvents:
    """Open until it is closed, or the `with` block ends."""

    def __init__(self) -> None:
        self._mounts = os.open(
            "/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC
        )
        self._devices = self._device_socket()
        self._poll = select.poll()
        self._poll.register(self._mounts, select.POLLERR | select.POLLPRI)
        if self._devices is not None:
            self._poll.register(self._devices, select.POLLIN)

    @staticmethod
    def _device_socket() -> socket.socket | None:
        # Some containers have none: mounts alone tell much as well.
        try:
            found = socket.socket(
                socket.AF_NETLINK,
                socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
                _KERNEL_EVENTS,
            )
        except OSError:
            return None
        with suppress(OSError):
            found.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES
            )
        try:
            found.bind((0, _FROM_KERNEL))
        except OSError:
            found.close()
            return None
        return found

    @property
    def hears_devices(self) -> bool:
        """Tell whether device events can be heard here."""
        return self._devices is not None

    def wait(self, seconds: float | None) -> list[DeviceEvent]:
        """Wait until something changed, or so long; None is for ever.

        Returns: what was said of block devices; [] also for a change of
            the mount table alone.
        """
        limit = None if seconds is None else max(0, int(seconds * 1000) + 1)
        self._poll.poll(limit)
        return list(self._heard())

    def _heard(self) -> Iterator[DeviceEvent]:
        while self._devices is not None:
            try:
                message, (sender, _) = self._devices.recvfrom(1 << 16)
            except BlockingIOError:
                return
            except OSError:
                continue  # some were lost: sysfs knows the state anyway
            if sender == 0 and (event := parse_event(message)):
                yield event

    def close(self) -> None:
        """Hear no more."""
        os.close(self._mounts)
        if self._devices is not None:
            self._devices.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def parse_event(message: bytes) -> DeviceEvent | None:
    """Return what a message says; None if not of a block device."""
    words = message.decode(errors="replace").split("\0")
    facts = dict(word.split("=", 1) for word in words if "=" in word)
    if facts.get("SUBSYSTEM") != "block" or "MAJOR" not in facts:
        return None
    device = f"{facts['MAJOR']}:{facts.get('MINOR', '')}"
    return DeviceEvent(facts.get("ACTION", ""), device)
