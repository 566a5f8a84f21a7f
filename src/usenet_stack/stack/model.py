"""A stack as a whole: its settings applied to the catalogue."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from usenet_stack.errors import UsenetError
from usenet_stack.stack.catalog import Catalog, load_catalog
from usenet_stack.stack.locate import StackLocation
from usenet_stack.stack.networks import shared_networks
from usenet_stack.stack.profiles import find_profile
from usenet_stack.stack.service import Port, Service, Tier, Volume
from usenet_stack.stack.settings import Settings, load_settings

TIERS: tuple[Tier, ...] = ("download", "automation", "media", "any")
DATA = "/data"


class Stack:
    """One stack: where it is, what was decided, and what it runs.

    Args:
        folder: absolute; holds stack.toml.
    """

    def __init__(
        self, folder: Path, settings: Settings, catalog: Catalog
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.catalog = catalog

    @property
    def name(self) -> str:
        return self.settings.stack.name

    @property
    def sandbox(self) -> bool:
        """Return whether its applications are simulated."""
        return self.settings.stack.sandbox

    @property
    def bind(self) -> str:
        """Return the address on which its ports are published."""
        return self.settings.stack.bind

    @cached_property
    def project(self) -> str:
        """Return the name of the compose project."""
        return project_name(self.name)

    @property
    def compose_path(self) -> Path:
        return self.folder / "compose.yaml"

    @property
    def override_path(self) -> Path:
        """Return the user's own compose file: read, never written."""
        return self.folder / "compose.override.yaml"

    @property
    def env_path(self) -> Path:
        return self.folder / ".env"

    @property
    def state_path(self) -> Path:
        """Return the folder of journal, audit log and lock."""
        return self.folder / ".usenet"

    @property
    def config_root(self) -> Path:
        return self._below(self.settings.paths.config)

    @property
    def cache_root(self) -> Path:
        return self._below(self.settings.paths.cache)

    @property
    def data_root(self) -> Path:
        """Return the one folder that the services share as /data."""
        return self._below(self.settings.paths.data)

    @property
    def media_root(self) -> Path:
        """Return the pool's parent, where media drives appear."""
        return self.data_root / self.settings.pool.path

    @property
    def downloads_root(self) -> Path:
        return self.data_root / self.settings.paths.downloads

    @property
    def media_inside(self) -> str:
        """Return where the containers see the pool's parent."""
        return f"{DATA}/{self.settings.pool.path.strip('/')}"

    @property
    def downloads_inside(self) -> str:
        """Return where the containers see the downloads."""
        return f"{DATA}/{self.settings.paths.downloads.strip('/')}"

    def _below(self, path: str) -> Path:
        return self.folder / path

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Return the services that are on, in the order of their start."""
        on = {s.name for s in self.catalog.values() if s.default}
        on |= {self.resolve(n).name for n in self.settings.services.enable}
        on -= {self.resolve(n).name for n in self.settings.services.disable}
        found = [self.catalog[name] for name in self.catalog if name in on]
        return tuple(sorted(found, key=lambda s: TIERS.index(s.tier)))

    def resolve(self, name: str) -> Service:
        """Return a service of the catalogue, on or off, by name or alias.

        Raises:
            UsenetError: service.unknown, with the nearest name.
        """
        return self.catalog.resolve(name)

    def enabled(self, name: str) -> bool:
        """Return whether the service of that name is on."""
        return any(service.name == name for service in self.services)

    @cached_property
    def networks(self) -> Mapping[str, str]:
        """Return whose network a service uses, for those without their own.

        Raises:
            UsenetError: network.off, network.chain, network.ports.
        """
        return shared_networks(self)

    def batches(
        self, services: Iterable[Service]
    ) -> tuple[tuple[Service, ...], ...]:
        """Return services in batches, see `tiers`."""
        return tiers(services, self.networks.values())

    def select(
        self, names: Iterable[str] = (), groups: Iterable[str] = ()
    ) -> tuple[Service, ...]:
        """Return the services that are on and named, in start order.

        Args:
            names, groups: what to choose; both empty means all.

        Raises:
            UsenetError: service.unknown, group.unknown.
        """
        chosen = {self.resolve(name).name for name in names}
        wanted = tuple(groups)
        for group in wanted:
            chosen |= {s.name for s in self.catalog.in_group(group)}
        if not chosen and not wanted:
            return self.services
        return tuple(s for s in self.services if s.name in chosen)

    def host_port(self, service: Service, port: Port) -> int:
        """Return the port of this machine that leads to `port`."""
        own = self.settings.ports.get(service.name)
        if isinstance(own, int):
            first = port.name == service.ports[0].name
            return own if first else port.usual
        return (own or {}).get(port.name, port.usual)

    def container_port(self, service: Service, port: Port) -> int:
        """Return the port that the application listens on."""
        if port.follow_host:
            return self.host_port(service, port)
        return port.container

    def address(
        self, service: Service, container_port: int = 0
    ) -> tuple[str, int] | None:
        """Return host and port where this machine reaches a service.

        Args:
            container_port: as the catalogue has it; 0 is the first one.

        Returns:
            None when it publishes no such tcp port.
        """
        for port in service.ports:
            if port.protocol != "tcp":
                continue
            if container_port in (0, port.container):
                return reachable(self.bind), self.host_port(service, port)
        return None

    def url(self, service: Service) -> str | None:
        """Return what to type into a browser, if the service has a page."""
        port = service.web
        if port is None:
            return None
        host = reachable(self.bind)
        if ":" in host:
            host = f"[{host}]"
        return f"{port.scheme}://{host}:{self.host_port(service, port)}"

    def config_folder(self, service: Service) -> Path:
        return self.config_root / service.name

    def source(self, service: Service, volume: Volume) -> Path:
        """Return the folder of this machine behind a volume."""
        if volume.kind == "data":
            return self.data_root
        if volume.kind == "host":
            return Path(volume.source)
        root = self.config_root if volume.kind == "config" else self.cache_root
        return root / service.name / volume.source

    def inside_to_host(self, path: str) -> Path:
        """Return the folder of this machine that containers see as `path`.

        Args:
            path: below /data.
        """
        return self.data_root / Path(path).relative_to(DATA)


def reachable(bind: str) -> str:
    """Return the address on which to reach a port bound to `bind`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)


def project_name(name: str) -> str:
    """Return a compose project for a stack of any name.

    "default" gives "usenet"; a name with other letters than a-z, 0-9, -
    and _ gets a digest, so that two such names stay apart.
    """
    if name == "default":
        return "usenet"
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    if plain == name:
        return f"usenet-{plain}"
    import hashlib

    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"usenet-{plain}-{digest}" if plain else f"usenet-{digest}"


def load_stack(where: StackLocation | Path) -> Stack:
    """Read a stack's settings and its catalogue.

    Raises:
        UsenetError: stack.not-found, settings.invalid, catalog.invalid,
            service.unknown or profile.unknown when stack.toml names one.
    """
    folder = where if isinstance(where, Path) else where.folder
    settings = load_settings(folder)
    catalog = load_catalog(folder / "services.d")
    stack = Stack(folder.resolve(), settings, catalog)
    check_names(stack)
    return stack


def check_names(stack: Stack) -> None:
    """Check that what it names exists, and that networks can be shared.

    Raises:
        UsenetError: service.unknown, profile.unknown; as `Stack.networks`.
    """
    network = stack.settings.services.network
    named = [
        *stack.settings.services.enable,
        *stack.settings.services.disable,
        *network,
        *network.values(),
        *stack.settings.ports,
    ]
    for name in named:
        try:
            stack.resolve(name)
        except UsenetError as error:
            error.why = f"{stack.folder / 'stack.toml'} names it."
            raise
    find_profile(stack.settings.stack.profile, stack.settings.profiles)
    shared_networks(stack)


def tiers(
    services: Iterable[Service], first: Collection[str] = ()
) -> tuple[tuple[Service, ...], ...]:
    """Return the services in batches: each starts once the one before
    answers. Those that may start at any time are in the first.

    Args:
        first: names of those that come before all others, because others
            use their network.
    """
    batches: dict[Tier | Literal[""], list[Service]] = {"": []}
    batches |= {tier: [] for tier in TIERS[:3]}
    for service in services:
        tier = "download" if service.tier == "any" else service.tier
        batches["" if service.name in first else tier].append(service)
    return tuple(tuple(batch) for batch in batches.values() if batch)
