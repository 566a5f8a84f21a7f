"""Programs that stand in for lsblk and smartctl, with disks of our own.

They are real programs on the PATH. Their state, which disks there are and
how each is, lies in files beside them; so does what they were asked.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_documents import Document

_LSBLK = """\
import pathlib, sys
here = pathlib.Path(__file__).parent
sys.stdout.write((here / "lsblk.json").read_text())
"""
_SMARTCTL = """\
import json, pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
states = json.loads((here / "disks.json").read_text())
state = states[sys.argv[-1]]
if state == "hangs":
    time.sleep(600)
if "sat" in sys.argv and "sat" in state:
    state = state["sat"]
assert "standby" in sys.argv, "it would have woken the disk"
sys.stdout.write(state["text"])
sys.exit(state["status"])
"""


@dataclass(frozen=True)
class Machine:
    """A machine with disks as a test wants them.

    Args:
        bin: the folder of its programs, first on the PATH.
    """

    bin: Path

    def install(self, name: str, script: str) -> None:
        program = self.bin / name
        program.write_text(f"#!{sys.executable} -IS\n{script}")
        program.chmod(0o755)

    def has(self, *disks: dict[str, Any]) -> None:
        """Plug in these disks, as lsblk shows them."""
        document = json.dumps({"blockdevices": disks})
        (self.bin / "lsblk.json").write_text(document)
        self.install("lsblk", _LSBLK)

    def tells(self, path: str, told: Document | str, sat: Any = None) -> None:
        """Say what a disk tells smartctl; "hangs" is a dying one.

        Args:
            sat: what it tells when it is asked by `-d sat`.
        """
        file = self.bin / "disks.json"
        states = json.loads(file.read_text()) if file.exists() else {}
        state: Any = told if isinstance(told, str) else told._asdict()
        if sat:
            state["sat"] = sat._asdict()
        file.write_text(json.dumps(states | {path: state}))
        self.install("smartctl", _SMARTCTL)

    def asked(self) -> list[list[str]]:
        """Return the arguments of each call of smartctl."""
        file = self.bin / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]


def disk(name: str, **more: Any) -> dict[str, Any]:
    """Return a disk as lsblk shows it."""
    base = {
        "name": name,
        "path": f"/dev/{name}",
        "maj:min": f"8:{16 * (ord(name[-1]) - 97)}",
        "type": "disk",
        "fstype": None,
        "label": None,
        "uuid": None,
        "size": 8 * 10**12,
        "rota": True,
        "ro": False,
        "tran": "sata",
        "model": "WDC WD80",
        "mountpoints": [None],
    }
    return base | more
