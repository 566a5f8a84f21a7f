"""The file that holds the pool's drives, also as older versions wrote it."""

from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.storage.registry import (
    Pool,
    PoolDrive,
    read_pool,
    registry_path,
    write_pool,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_pool(tmp_path) == Pool()
    pool = Pool("id", {"a": PoolDrive("/a", "u")}, ("gone",))
    write_pool(tmp_path, pool)
    assert read_pool(tmp_path) == pool
    assert registry_path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_the_drives_of_version_0_1_0_are_known(tmp_path: Path) -> None:
    registry_path(tmp_path).parent.mkdir()
    old = '{"disk2": {"source": "/mnt/disk2", "uuid": "u", "device": "/dev/x"}}'
    registry_path(tmp_path).write_text(old)
    drive = PoolDrive("/mnt/disk2", "u", "/dev/x")
    assert read_pool(tmp_path) == Pool(drives={"disk2": drive})


@pytest.mark.parametrize("text", ["", "{", "7", "null", '{"a": 1}'])
def test_a_damaged_file_is_told_of(tmp_path: Path, text: str) -> None:
    registry_path(tmp_path).parent.mkdir()
    registry_path(tmp_path).write_text(text)
    with pytest.raises(UsenetError) as caught:
        read_pool(tmp_path)
    assert caught.value.code == "storage.registry"
