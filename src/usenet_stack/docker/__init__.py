"""Docker as it is: the Engine over its socket, Compose by subprocess."""

from usenet_stack.docker.compose import Compose, find_compose, install_compose
from usenet_stack.docker.engine import Engine

__all__ = ["Compose", "Engine", "find_compose", "install_compose"]
