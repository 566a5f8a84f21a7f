"""`usenet hardware list`."""

from pathlib import Path

import msgspec

from usenet_stack.hardware.detect import detect_hardware
from usenet_stack.result import Result


def list_hardware(root: Path = Path("/")) -> Result:
    """Return the machine's hardware as data, with the profile that fits."""
    hardware = detect_hardware(root)
    result = Result(
        {
            "hardware": {
                **msgspec.to_builtins(hardware),
                "profile": hardware.profile,
            }
        }
    )
    for gpu in hardware.gpus:
        if gpu.vendor in ("Intel", "AMD", "NVIDIA") and not gpu.driver:
            result.warn(
                f"The {gpu.vendor} graphics processor {gpu.model} has no "
                "driver: install the distribution's firmware and driver."
            )
    return result
