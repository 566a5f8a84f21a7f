"""The hardware room: what this machine has that the stack can use."""

from usenet_stack.hardware.detect import Hardware, detect_hardware
from usenet_stack.hardware.gpu import Gpu
from usenet_stack.hardware.listing import list_hardware

__all__ = ["Gpu", "Hardware", "detect_hardware", "list_hardware"]
