"""Observe processor, memory and graphics of this machine."""

from pathlib import Path

import msgspec

from usenet_stack.hardware.gpu import Gpu, count_cores, find_gpus

# The profile that fits: at least so much memory and so many cores.
GIB = 1024**3
DEDICATED = (16 * GIB, 8)
BALANCED = (6 * GIB, 4)


class Hardware(msgspec.Struct, frozen=True):
    """What a machine has.

    Args:
        cpu: model of the processor.
        cores: those that this process may use.
        memory_bytes: all memory; `memory_free_bytes` what is available now.
        gpus: graphics processors, in the order of their nodes.
        vaapi: a render node for VAAPI is there.
        nvidia: the NVIDIA driver is loaded.
    """

    cpu: str
    cores: int
    memory_bytes: int
    memory_free_bytes: int
    gpus: list[Gpu]
    vaapi: bool
    nvidia: bool

    @property
    def profile(self) -> str:
        """Return the profile that suits it: dedicated, balanced or light."""
        have = (self.memory_bytes, self.cores)
        for name, need in (("dedicated", DEDICATED), ("balanced", BALANCED)):
            if have[0] >= need[0] and have[1] >= need[1]:
                return name
        return "light"


def detect_hardware(root: Path = Path("/")) -> Hardware:
    """Observe the machine; what cannot be read counts as absent.

    Args:
        root: the folder that holds its /proc, /sys and /dev.
    """
    gpus = find_gpus(root)
    memory = _memory(root)
    return Hardware(
        cpu=_cpu_model(root),
        cores=count_cores(root),
        memory_bytes=memory.get("MemTotal", 0),
        memory_free_bytes=memory.get("MemAvailable", 0),
        gpus=gpus,
        vaapi=any(gpu.acceleration == "vaapi" for gpu in gpus),
        nvidia=any(gpu.acceleration == "nvidia" for gpu in gpus),
    )


def _cpu_model(root: Path) -> str:
    lines = _lines(root / "proc/cpuinfo")
    # x86 says "model name"; ARM boards say "Model" once, at the end.
    for key in ("model name", "Model", "Hardware"):
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return " ".join(value.split())
    return "unknown"


def _memory(root: Path) -> dict[str, int]:
    found = {}
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * 1024
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
