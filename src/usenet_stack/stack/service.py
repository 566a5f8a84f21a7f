"""The shape of one service file: everything known of one service."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Group = Literal[
    "media", "automation", "download", "monitoring", "sharing", "extra"
]
Tier = Literal["download", "automation", "media", "any"]
Api = Literal[
    "",
    "servarr",
    "prowlarr",
    "sabnzbd",
    "transmission",
    "jellyfin",
    "seerr",
    "bazarr",
    "tdarr",
    "netdata",
    "portainer",
    "audiobookshelf",
    "declared",
]
Number = Annotated[int, Meta(ge=1, le=65535)]
Identity = Annotated[int, Meta(ge=0, le=2**32 - 2)]

MediaType = Literal["tv", "movies", "music", "books", "comics"]
MEDIA_TYPES: tuple[MediaType, ...] = (
    "tv",
    "movies",
    "music",
    "books",
    "comics",
)
GROUPS: tuple[Group, ...] = (
    "media",
    "automation",
    "download",
    "monitoring",
    "sharing",
    "extra",
)


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Port(_Table, frozen=True):
    """A port that the container listens on and that the host publishes.

    Args:
        container: the number inside; `host` is the usual one outside (0:
            the same).
        name: what it is for; "web" is the one that a person opens.
        scheme: "http" or "https" when a browser can open it, else "".
        follow_host: the application must listen on the very port that the
            host publishes, because it compares it with the Host header.
    """

    container: Number
    host: Annotated[int, Meta(ge=0, le=65535)] = 0
    protocol: Literal["tcp", "udp"] = "tcp"
    name: str = "web"
    scheme: Literal["http", "https", ""] = "http"
    follow_host: bool = False

    @property
    def usual(self) -> int:
        """Return the host port that is used unless stack.toml says else."""
        return self.host or self.container


class Volume(_Table, frozen=True):
    """A folder of the host that the container sees.

    Args:
        kind: config: below `config/<service>/`; cache: below
            `cache/<service>/`, never backed up; data: the one mount that
            holds media and downloads; host: any other path, absolute.
        target: the path inside.
        source: the folder below the kind's own; for host the whole path.
        read_only: the container cannot write there.
        propagate: what is mounted under it later appears inside too.
    """

    kind: Literal["config", "cache", "data", "host"]
    target: str = "/data"
    source: str = ""
    read_only: bool = False
    propagate: bool = False


class Health(_Table, frozen=True):
    """How to see that the service works, asked from outside its container.

    Args:
        kind: http: a request; tcp: a connection; container: the state of
            the container, or its own health check where it has one.
        port: the container port; 0 is the first one declared.
        status: the answers that mean that it works.
        text: the whole body that is expected, or "" for any.
        starting_text: the body that means that it still starts.
        json: members that the body must hold with these values.
        limit_seconds: how long a first start may take.
        interval_seconds: the pause between two questions.
    """

    kind: Literal["http", "tcp", "container"] = "http"
    method: Literal["GET", "HEAD", "POST"] = "GET"
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    path: str = "/"
    status: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = (200,)
    text: str = ""
    starting_text: str = ""
    json: dict[str, Any] = {}
    limit_seconds: Annotated[int, Meta(ge=1, le=3600)] = 120
    interval_seconds: Annotated[float, Meta(gt=0, le=60)] = 1.0


class Key(_Table, frozen=True):
    """Where the application's key is, and how it is sent.

    Args:
        where: env: we choose it, the application takes it from its
            environment; file: we choose it, in a file written before the
            first start; api: the application makes it, we ask for it;
            none: it has no key.
        secret: its name in `.env`.
        env: the variable inside the container.
        file: the file below `config/<service>/` that holds it.
        format: of that file; `element` is the dotted way to the key.
        send: how a request carries it, `name` the header or parameter and
            `template` the value, with {key}.
        username: the login that goes with it (basic).
        wrong_status: what the application answers to a wrong key.
    """

    where: Literal["env", "file", "api", "none"] = "none"
    secret: str = ""
    env: str = ""
    file: str = ""
    format: Literal["xml", "ini", "yaml", "json", ""] = ""
    element: str = ""
    send: Literal["header", "query", "basic", "none"] = "none"
    name: str = ""
    template: str = "{key}"
    username: str = ""
    wrong_status: tuple[int, ...] = (401,)


class Secret(_Table, frozen=True):
    """One line of `.env`.

    Args:
        name: in capitals.
        kind: how it is made; `given` ones the user must fill in.
        title: what it is, for a person.
        optional: a given one that the service can do without.
    """

    name: Annotated[str, Meta(pattern="^[A-Z][A-Z0-9_]*$")]
    kind: Literal["hex32", "base64", "password", "tapi", "given"]
    title: str = ""
    optional: bool = False


class Seed(_Table, frozen=True):
    """A file that must exist before the first start; never overwritten.

    Args:
        path: below `config/<service>/`.
        text: its content, with placeholders.
        mode: octal permissions.
    """

    path: str
    text: str
    mode: Annotated[str, Meta(pattern="^0[0-7]{3}$")] = "0600"


class Database(_Table, frozen=True):
    """A database below `config/<service>/` that is live while it runs."""

    path: str
    journal: Literal["wal", "rollback", "bolt", "unknown"] = "wal"


class Postgres(_Table, frozen=True):
    """A PostgreSQL server, which only its own pg_dump can copy.

    Args:
        user: who may dump everything: the image's POSTGRES_USER.
        data: the folder below `config/<service>/` with its files; they are
            never copied.
        dump: the folder below `config/<service>/` that a backup holds the
            dump in, mounted as /docker-entrypoint-initdb.d, from which an
            empty server makes itself anew.
    """

    user: Annotated[str, Meta(min_length=1)] = "postgres"
    data: Annotated[str, Meta(min_length=1)] = "data"
    dump: Annotated[str, Meta(pattern=r"^[^/.][^/]*$")] = "dump"


POSTGRES_DUMP = "usenet-restore.sql"


class Backup(_Table, frozen=True):
    """What a backup must hold and what it can leave out.

    Args:
        databases: copied with SQLite's own backup, or with the container
            stopped (bolt, unknown).
        keep: files and folders below `config/<service>/` that matter.
        regenerable: patterns, anchored at `config/<service>/`, of what the
            application makes again by itself.
        in_data: patterns, anchored at the data folder, of state that the
            application keeps beside the media.
        minimal: patterns, anchored at `config/<service>/`, of the files
            with its settings and key: all that a minimal backup takes.
        full: those of `regenerable` that a full backup takes all the same.
        postgres: it is a PostgreSQL server, and is dumped.
    """

    databases: tuple[Database, ...] = ()
    keep: tuple[str, ...] = ()
    regenerable: tuple[str, ...] = ()
    in_data: tuple[str, ...] = ()
    minimal: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    postgres: Postgres | None = None


class Figure(_Table, frozen=True):
    """One cheap number for the status table.

    Args:
        name: the column; `call` the path asked, with the key.
        field: the dotted way into the answer; "#" at its end is a length.
        method, body: of the request.
    """

    name: str
    call: str
    field: str
    method: Literal["GET", "POST"] = "GET"
    body: str = ""


class Service(_Table, frozen=True):
    """Everything that the program knows of one service.

    Args:
        name: the file's name without `.toml`; the compose service.
        default: part of a new stack.
        tier: when it starts: download clients first, then automation,
            then media; "any" at any time.
        environment: values hold ${SECRET} (capitals, from `.env`) and
            ${fact} (see `placeholders.FACTS`); $$ is a dollar.
        folders: paths inside the one mount that must exist.
        user: puid: the image takes PUID, PGID and UMASK; user: compose
            sets the user; root, fixed: the image decides (`uid`).
        stop_seconds: how long it may take to write its state at the end.
        weight: its share of the machine, see `profiles`.
        watches: it watches folders (inotify watches of the host).
        needs: services that it talks to.
        keeps: which media, in the pool: these folders of every drive
            become its root folders or libraries.
        api: which client speaks to it; "declared": one that asks no more
            than its `figures`, which is what "" means too where there are
            any.
    """

    name: str
    title: str
    group: Group
    image: str
    tier: Tier = "any"
    default: bool = False
    description: str = ""
    upstream: str = ""
    changelog: str = ""
    aliases: tuple[str, ...] = ()
    deprecated: bool = False
    replacement: str = ""
    deprecated_reason: str = ""
    notes: str = ""
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()
    folders: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    hostname: str = ""
    init: bool = False
    user: Literal["puid", "user", "root", "fixed"] = "root"
    uid: Identity | None = None
    stop_seconds: Annotated[int, Meta(ge=1, le=600)] = 10
    capabilities: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    pid: Literal["host", ""] = ""
    read_only_root: bool = False
    gpu: bool = False
    weight: Literal["heavy", "normal", "light"] = "normal"
    watches: bool = False
    needs: tuple[str, ...] = ()
    keeps: tuple[MediaType, ...] = ()
    api: Api = ""
    api_root: str = ""
    health: Health = Health()
    key: Key = Key()
    secrets: tuple[Secret, ...] = ()
    seeds: tuple[Seed, ...] = ()
    backup: Backup = Backup()
    figures: tuple[Figure, ...] = ()

    @property
    def web(self) -> Port | None:
        """Return the port that a browser opens, if there is one."""
        return next((port for port in self.ports if port.scheme), None)

    @property
    def health_port(self) -> int:
        """Return the container port that the health probe asks, or 0."""
        if self.health.kind == "container":
            return 0
        if self.health.port or not self.ports:
            return self.health.port
        return self.ports[0].container

    @property
    def internal_url(self) -> str:
        """Return where the other containers reach it, or ""."""
        port = self.web
        if port is None:
            return ""
        return f"{port.scheme}://{self.name}:{port.container}"
