"""The Engine of this tier, and the images of real daemons."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from docker_engine import Container, engine_socket, running
from images.build import build_real_images


@pytest.fixture(scope="session")
def docker_host() -> str:
    """Return `unix://...` of an Engine that answers; fail without one."""
    return f"unix://{engine_socket()}"


@pytest.fixture(scope="session")
def real_images(docker_host: str) -> dict[str, str]:
    """Return the tags of the real daemons, by service."""
    return build_real_images(docker_host)


@pytest.fixture
def start_real(
    docker_host: str, real_images: dict[str, str]
) -> Iterator[Callable[..., Container]]:
    """Return a function that runs the real daemon of a service.

    Its keywords are those of `docker_engine.running`; what it starts ends
    with the test.
    """
    with ExitStack() as containers:

        def start(
            service: str,
            *,
            ports: tuple[int, ...],
            env: dict[str, str] | None = None,
            binds: dict[Path, str] | None = None,
        ) -> Container:
            return containers.enter_context(
                running(
                    docker_host,
                    real_images[service],
                    ports=ports,
                    env=env,
                    binds=binds,
                )
            )

        yield start
