"""What can be chosen, and what a choice changes."""

import pytest

from usenet_stack.storage.rows import Drive
from usenet_stack.storage.selection import changes, choices


def drive(place: str = "/mnt/a", **more: object) -> Drive:
    base = Drive("a", place, "/dev/a", "ext4", "HDD", "mounted", free=10)
    return base._replace(**more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (drive(), ""),
        (drive(free=None), ""),
        (drive(free=0), "full"),
        (drive(read_only=True), "read-only"),
        (drive("", state="not mounted"), ""),
        (drive("", state="not mounted", fstype="zfs"), "not imported"),
        (drive("", state="not mounted", fstype="crypto_LUKS"), "locked"),
        (drive(state="not answering"), "does not answer"),
        (drive(state="not answering", pool="a"), "does not answer"),
        (drive(read_only=True, pool="a"), ""),
        (drive("", state="away", pool="a"), ""),
    ],
)
def test_what_cannot_be_chosen_says_why(row: Drive, why: str) -> None:
    (choice,) = choices([row])
    assert why in choice.why_not
    assert bool(why) == bool(choice.why_not)
    assert choice.marked == bool(row.pool)


def test_the_system_is_not_offered_unless_it_is_in_the_pool() -> None:
    rows = [drive("/", system=True), drive("/srv", system=True, pool="srv")]
    assert [c.drive.mountpoint for c in choices(rows)] == ["/srv"]


def test_only_what_changed_changes() -> None:
    offered = choices(
        [drive("/a"), drive("/b"), drive("/c", pool="c"), drive("/d", pool="d")]
    )
    found = changes(offered, [True, False, True, False])
    assert (found.add, found.remove) == (("/a",), ("d",))


def test_what_is_not_mounted_joins_by_its_device() -> None:
    offered = choices([drive("", state="not mounted")])
    assert changes(offered, [True]).add == ("/dev/a",)


def test_a_mark_that_cannot_be_changed_changes_nothing() -> None:
    offered = choices([drive("/a", read_only=True)])
    assert changes(offered, [True]) == ((), ())
