"""The sandbox: simulated applications in one image that is made here."""

from usenet_stack.sandbox.image import build_sandbox_image, sandbox_image_tag

__all__ = ["build_sandbox_image", "sandbox_image_tag"]
