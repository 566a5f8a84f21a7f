"""A full disk: all is done, or all is as it was, and the user is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).with_name("full_disk.py")


@pytest.mark.parametrize("recovery", ["back", "forward"])
@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_every_block_that_may_be_left(
    tmp_path: Path, kind: str, recovery: str
) -> None:
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    ended = subprocess.run(
        [
            *("unshare", "--mount", *own, sys.executable, SCRIPT),
            *(kind, recovery, tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    runs = json.loads(ended.stdout)
    codes = []
    for free, code, error, then, later, journals in runs:
        where = f"{free} bytes free: exit {code}"
        expected = "new" if code == 0 else "old"
        assert (then, later) == (expected, expected), where
        if code == 1:  # not even begun
            assert (error, journals) == ("disk.full", []), where
        elif code == 13:
            assert journals == ["rolled-back"], where
        else:
            assert (code, journals) == (0, ["committed"]), where
        codes.append(code)
    # From too little for the journal, over too little for the files, to
    # enough: each is met, in this order.
    assert list(dict.fromkeys(codes)) == [1, 13, 0]
    assert codes == sorted(codes, key=[1, 13, 0].index)
