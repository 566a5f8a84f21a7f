"""Names of drives, kind and hostile."""

from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.storage.names import drive_name


@pytest.mark.parametrize("name", ["disk1", "My-Disk_2.old", "_x", "8TB"])
def test_good_names(name: str) -> None:
    assert drive_name(Path("/mnt/x"), name) == name
    assert drive_name(Path("/mnt") / name, None) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "-rf", "a b", "a/b", "a\nb", "a'b", "é", "x" * 65, "a\0"],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(UsenetError) as caught:
        drive_name(Path("/mnt/x"), name)
    assert caught.value.code == "storage.name"
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
