"""What a watcher does with what it sees, and what the kernel says."""

from pathlib import Path

import pytest

from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage.units import verify_unit
from usenet_stack.storage.watching.events import DeviceEvent, parse_event
from usenet_stack.storage.watching.sights import Patience, Sight
from usenet_stack.storage.watching.unit import watch_unit_text

pytestmark = pytest.mark.unit


def test_a_lost_drive_is_fenced_at_once() -> None:
    patience = Patience(2.0)
    wishes = patience.decide({"a": Sight("lost", "1"), "b": Sight("here")}, 0.0)
    assert wishes == (("a",), (), None)


def test_a_drive_that_is_back_is_attached_after_a_while() -> None:
    patience = Patience(2.0)
    sights = {"a": Sight("back", "7 8:1")}
    assert patience.decide(sights, 10.0) == ((), (), 2.0)
    assert patience.decide(sights, 11.5) == ((), (), 0.5)
    assert patience.decide(sights, 12.0) == ((), ("a",), None)


def test_a_flapping_cable_begins_the_wait_anew() -> None:
    patience = Patience(2.0)
    attached = []
    now = 0.0
    for number in range(10):  # comes and goes each half second
        for state in ("back", "away"):
            sights = {"a": Sight(state, str(number))}
            attached += patience.decide(sights, now).attach
            now += 0.5
    assert attached == []
    # Unseen in between: only its mount is another one.
    for number in range(10):
        sights = {"a": Sight("back", f"unseen {number}")}
        attached += patience.decide(sights, now).attach
        now += 1.0
    assert attached == []
    assert patience.decide(sights, now + 1.0).attach == ("a",)


def test_what_failed_is_left_alone_until_it_comes_again() -> None:
    patience = Patience(0.0)
    sights = {"a": Sight("back", "7 8:1")}
    assert patience.decide(sights, 0.0).attach == ("a",)
    patience.refuse("a", "7 8:1")
    assert patience.decide(sights, 9.0) == ((), (), None)
    assert patience.decide({"a": Sight("back", "9 8:1")}, 10.0).attach == ("a",)
    patience.refuse("a", "9 8:1")
    assert patience.decide({"a": Sight("away")}, 11.0) == ((), (), None)
    assert patience.decide({"a": Sight("back", "9 8:1")}, 12.0).attach == ("a",)


def test_an_event_of_a_disk() -> None:
    message = (
        b"remove@/devices/pci/block/sdb/sdb1\0ACTION=remove\0"
        b"DEVPATH=/devices/pci/block/sdb/sdb1\0SUBSYSTEM=block\0MAJOR=8\0"
        b"MINOR=17\0DEVNAME=sdb1\0DEVTYPE=partition\0SEQNUM=4711\0"
    )
    assert parse_event(message) == DeviceEvent("remove", "8:17")


@pytest.mark.parametrize(
    "message",
    [
        b"add@/devices/virtual/net/veth0\0ACTION=add\0SUBSYSTEM=net\0",
        b"libudev\0\xfe\xed\xca\xfe\0\0\0(\xff\xff",
        b"",
        b"\0\0=\0",
    ],
)
def test_other_messages_are_none_of_ours(message: bytes) -> None:
    assert parse_event(message) is None


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / 'a "stack" with 100%'
    folder.mkdir()
    (folder / "stack.toml").write_text('[stack]\nname = "home"\n')
    return load_stack(folder)


def test_the_unit_names_the_stack(stack: Stack) -> None:
    text = watch_unit_text(stack, "/usr/bin/usenet")
    assert "ExecStart=/usr/bin/usenet storage watch --stack" in text
    assert "100%%" in text


def test_systemd_takes_the_unit(stack: Stack) -> None:
    found = verify_unit("t-watch.service", watch_unit_text(stack, "/bin/true"))
    assert found in ("", None)  # None: there is no systemd to ask
