"""How much of the machine each service may take."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack.names import meant
from usenet_stack.stack.settings import ProfileTable, WeightTable

Weight = Literal["heavy", "normal", "light"]

MIB = 1024 * 1024
_SHARES: dict[Weight, int] = {"heavy": 1024, "normal": 512, "light": 256}
# Below these a service would be killed before it is useful. Upstream
# publishes no figures; a limit is a fence, not a reservation.
_LEAST_MEMORY: dict[Weight, int] = {
    "heavy": 1024 * MIB,
    "normal": 512 * MIB,
    "light": 256 * MIB,
}
_LEAST_CPUS = 0.5


class Limits(NamedTuple):
    """Limits of one container; None is no limit.

    Args:
        cpus: cores, as `docker run --cpus`.
        memory_bytes: the most it may use.
        cpu_shares: its weight when all cores are busy.
    """

    cpus: float | None
    memory_bytes: int | None
    cpu_shares: int


def _table(
    heavy: tuple[float, float], *rest: tuple[float, float]
) -> ProfileTable:
    tables = [WeightTable(cpus=c, memory=m) for c, m in (heavy, *rest)]
    return ProfileTable(heavy=tables[0], normal=tables[1], light=tables[2])


BUILT_IN: dict[str, ProfileTable] = {
    # The machine is the stack's own: only the order of importance counts.
    "dedicated": ProfileTable(),
    # The machine does other work too: no service can take all of it.
    "balanced": _table((0.75, 0.5), (0.5, 0.25), (0.25, 0.125)),
    # The stack is a guest: a desktop stays usable beside it.
    "light": _table((0.5, 0.25), (0.25, 0.125), (0.125, 0.0625)),
}


def profile_names(
    custom: Mapping[str, ProfileTable] | None = None,
) -> tuple[str, ...]:
    """Return the profiles that exist, the built-in ones first."""
    own = [name for name in custom or {} if name not in BUILT_IN]
    return (*BUILT_IN, *own)


def find_profile(
    name: str, custom: Mapping[str, ProfileTable] | None = None
) -> ProfileTable:
    """Return a profile; one of the user's own wins.

    Raises:
        UsenetError: profile.unknown, with the nearest name.
    """
    found = (custom or {}).get(name) or BUILT_IN.get(name)
    if found is None:
        known = profile_names(custom)
        raise UsenetError(
            "profile.unknown",
            name=name,
            meant=meant(name, known),
            details=(f"There is: {', '.join(known)}",),
        )
    return found


def limits(
    profile: ProfileTable, weight: Weight, cores: int, memory_bytes: int
) -> Limits:
    """Return what a service of `weight` may take of this machine.

    Args:
        cores: of the host, at least 1.
        memory_bytes: of the host; 0 when unknown, which sets no limit.
    """
    share: WeightTable = getattr(profile, weight)
    cpus: float | None = None
    if share.cpus is not None:
        cpus = round(min(cores, max(_LEAST_CPUS, cores * share.cpus)), 2)
    memory: int | None = None
    if share.memory is not None and memory_bytes > 0:
        wanted = max(_LEAST_MEMORY[weight], int(memory_bytes * share.memory))
        memory = min(memory_bytes, wanted) // MIB * MIB
    return Limits(cpus, memory, _SHARES[weight])
