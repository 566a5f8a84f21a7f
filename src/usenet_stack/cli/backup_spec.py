"""The commands of `usenet backup`, described."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.result import Result

TYPES = ("minimal", "config", "full")


def _later(call: Call) -> Result:
    raise NotImplementedError(call.topic_path)


BACKUP = Argument(
    "BACKUP",
    "`latest`, its id, a path, its --name, or the beginning of its file name",
    complete="backup",
)
IDENTITY = Option(
    ("--identity",),
    "The file with your age or ssh key or the passphrase of an encrypted one",
    metavar="FILE",
    complete="file",
)
_TYPE = Option(
    ("--type", "-t"),
    "What goes in; backup.type in stack.toml is the default",
    metavar="TYPE",
    choices=TYPES,
)
_COPY_TO = Option(
    ("--copy-to",),
    "Where a copy of each goes: a folder or rclone:REMOTE:PATH",
    metavar="DIR",
    complete="folder",
)
_ENCRYPT = Option(("--encrypt",), "Encrypt with age, as stack.toml says")
_DRILL = Option(("--drill",), "Start one a week in a sandbox, to prove it")

CREATE = Command(
    path="backup create",
    summary="Write a backup while everything runs",
    run=_later,
    show="backup:show_created",
    description="""
        Packs a stack into one file that plain tar reads. No service is
        stopped: each database is copied by SQLite itself, as of one moment,
        and checked. Only where a service never lets go of a database is it
        stopped for the copy, and started again whatever happens.

        minimal holds stack.toml, the keys and the settings files; config
        also the databases and all that the services keep, without logs,
        caches and covers; full those as well, but for caches. --dry-run
        lists what goes in, and why. A backup larger than backup.limit in
        stack.toml is refused before it is written.

        A PostgreSQL server that is a service of the stack, with
        [backup.postgres] in its service file, is dumped by the pg_dump in
        its container.
    """,
    options=(
        _TYPE,
        Option(
            ("--service", "-s"),
            "Only these services",
            metavar="NAMES",
            kind="list",
            complete="service",
        ),
        Option(("--name",), "A name by which to find it again", metavar="NAME"),
        Option(("--description",), "What `backup list` shows", metavar="TEXT"),
        Option(
            ("--to",),
            "Another folder, or rclone:REMOTE:PATH for a copy there",
            metavar="DIR",
            complete="folder",
        ),
        _ENCRYPT,
        Option(
            ("--recipient",),
            "Encrypt to this age or ssh key instead",
            metavar="KEY",
            kind="list",
        ),
        Option(("--passphrase",), "Encrypt to a passphrase, asked for here"),
        Option(
            ("--passphrase-file",),
            "Encrypt to the passphrase in this file",
            metavar="FILE",
            complete="file",
        ),
        Option(("--gzip",), "Write .tar.gz, for machines without zstd"),
        Option(("--force",), "However large, and without PostgreSQL's data"),
    ),
    examples=(
        ("usenet backup create", "Writes one into the stack's folder."),
        (
            "usenet backup create --to /mnt/usb --description 'before 4.1'",
            "Writes one to another disk.",
        ),
        (
            "usenet backup create --type full --dry-run",
            "Lists what would go in, by size.",
        ),
        (
            "usenet backup create --service sonarr,radarr --name arrs",
            "Only two services.",
        ),
    ),
    errors=(
        "backup.database",
        "backup.missing-database",
        "backup.too-large",
        "disk.full",
    ),
    see_also=("backup list", "backup verify", "backup schedule"),
)

LIST = Command(
    path="backup list",
    summary="List the backups of the stack",
    run=_later,
    show="backup:show_backups",
    description="""
        Lists the backups in the stack's own folder, the newest first: when
        each was made, how large it is, and when it was last found whole.
    """,
    examples=(
        ("usenet backup list", "Lists them."),
        ("usenet backup list --format json", "The same for a program."),
    ),
    errors=("stack.not-found",),
    see_also=("backup create", "backup show"),
)

SHOW = Command(
    path="backup show",
    summary="Show what is in a backup",
    run=_later,
    show="backup:show_manifest",
    description="""
        Prints when and where a backup was made and from which images; with
        --files also every file in it.
    """,
    arguments=(BACKUP,),
    options=(Option(("--files",), "List the files in it as well"), IDENTITY),
    examples=(
        ("usenet backup show latest", "Shows the newest one."),
        ("usenet backup show latest --files", "With its files."),
    ),
    errors=("backup.unknown", "backup.damaged", "backup.locked-up"),
    see_also=("backup list", "backup verify"),
)

VERIFY = Command(
    path="backup verify",
    summary="Prove that a backup is whole",
    run=_later,
    show="backup:show_verified",
    description="""
        Reads the whole file, compares its seal and every hash with its
        manifest, and lets SQLite check every database in it. One flipped
        bit is found, also without the .meta.json beside it. An encrypted
        one is opened with --identity, else compared with its .meta.json.
    """,
    arguments=(BACKUP._replace(required=False),),
    options=(Option(("--all", "-a"), "All backups of the stack"), IDENTITY),
    one_of=("BACKUP", "--all"),
    examples=(
        ("usenet backup verify latest", "Checks the newest one."),
        ("usenet backup verify --all", "Checks all of them."),
    ),
    errors=("backup.unknown", "backup.damaged"),
    see_also=("backup list", "backup create"),
)

DIFF = Command(
    path="backup diff",
    summary="Tell what changed since a backup",
    run=_later,
    show="backup:show_diff",
    description="""
        Compares a backup with another, or with the stack as it is now:
        files that came, went and changed, settings by key, and the rows of
        databases by table. Keys and passwords are not shown.
    """,
    arguments=(
        BACKUP,
        Argument(
            "OTHER",
            "Another backup, or `live`, the default",
            required=False,
            complete="backup",
        ),
    ),
    options=(IDENTITY,),
    examples=(
        ("usenet backup diff latest", "What changed since the newest one."),
        ("usenet backup diff before latest", "Between two backups."),
    ),
    errors=("backup.unknown", "backup.damaged"),
    see_also=("backup show", "backup list"),
)


def _number(name: str, help: str, metavar: str = "N") -> Option:
    return Option((name,), help, metavar=metavar, kind="number")


CLEAN = Command(
    path="backup clean",
    summary="Remove backups that nobody needs",
    run=_later,
    show="backup:show_cleaned",
    description="""
        Keeps the backups that a policy wants and removes the others, after
        showing which go and why. backup.keep in stack.toml is the policy; a
        --keep option replaces all of its numbers. The newest good backup
        and those that are pinned always stay.
    """,
    options=(
        _number("--keep-last", "That many of the newest"),
        _number("--keep-hourly", "The newest of each of so many hours"),
        _number("--keep-daily", "The newest of each of so many days"),
        _number("--keep-weekly", "The newest of each of so many weeks"),
        _number("--keep-monthly", "The newest of each of so many months"),
        _number("--keep-yearly", "The newest of each of so many years"),
        _number("--older-than", "Those older than so many days go", "DAYS"),
        _number("--min-free", "The oldest go until so much is free", "GIB"),
    ),
    examples=(
        ("usenet backup clean --dry-run", "Shows what would go, and why."),
        ("usenet backup clean --keep-daily 7 --yes", "One for each day."),
    ),
    errors=("cancelled", "lock.held"),
    see_also=("backup pin", "backup list", "backup schedule"),
)

PIN = Command(
    path="backup pin",
    summary="Keep a backup from being cleaned away",
    run=_later,
    show="backup:show_pinned",
    description="Marks a backup so that `backup clean` never removes it.",
    arguments=(BACKUP,),
    examples=(("usenet backup pin latest", "Keeps the newest one."),),
    errors=("backup.unknown",),
    see_also=("backup unpin", "backup clean"),
)

UNPIN = Command(
    path="backup unpin",
    summary="Let a pinned backup be cleaned away again",
    run=_later,
    show="backup:show_pinned",
    description="Takes the mark of `backup pin` away.",
    arguments=(BACKUP,),
    examples=(("usenet backup unpin latest", "Lets it go."),),
    errors=("backup.unknown",),
    see_also=("backup pin", "backup clean"),
)

COPY = Command(
    path="backup copy",
    summary="Copy a backup elsewhere, and compare",
    run=_later,
    show="backup:show_copied",
    description="""
        Checks a backup, copies it to another disk or, with rclone, to a
        remote, and reads the copy again to compare. A copy that exists is
        whole.
    """,
    arguments=(
        BACKUP,
        Argument(
            "TARGET", "A folder, or rclone:REMOTE:PATH", complete="folder"
        ),
    ),
    examples=(
        ("usenet backup copy latest /mnt/usb", "To another disk."),
        ("usenet backup copy latest rclone:box:usenet", "To a remote."),
    ),
    errors=("backup.exists", "backup.damaged", "backup.no-rclone"),
    see_also=("backup create", "backup schedule"),
)

SCHEDULE = Command(
    path="backup schedule",
    summary="Have backups made by the clock",
    run=_later,
    show="backup:show_schedule",
    description="""
        Writes a systemd timer for `usenet backup run`, which creates a
        backup, verifies it, copies it if you say where to, cleans up, and
        sends a notice (backup.notice in stack.toml). A machine that was off
        makes up for it. Without systemd, --cron prints a line for
        `crontab -e`. A sandbox touches nothing outside its folder: it has a
        process of its own for that, until the machine restarts.
    """,
    options=(
        Option(
            ("--when",),
            "hourly, daily, weekly, monthly, or as systemd writes times",
            metavar="TIME",
        ),
        _TYPE,
        _COPY_TO,
        _ENCRYPT,
        _DRILL,
        Option(("--cron",), "Print a line for cron instead"),
        Option(("--own",), "By a process of the stack's own instead"),
        Option(("--remove",), "End it"),
    ),
    examples=(
        ("usenet backup schedule --when daily", "Every day."),
        (
            "usenet backup schedule --when 'Mon 04:00' --copy-to /mnt/usb",
            "Every Monday, with a copy.",
        ),
        ("usenet backup schedule --cron", "Prints the line for cron."),
    ),
    errors=("backup.no-timer", "backup.when", "cancelled"),
    see_also=("backup run", "backup clean", "backup copy"),
)

RUN = Command(
    path="backup run",
    summary="Do now what the schedule does",
    run=_later,
    show="backup:show_run",
    description="""
        Creates a backup, verifies it, copies it if you say where to, removes
        those that backup.keep does not keep, and sends the notice. Waits up
        to an hour for another command. Nothing is removed unless the new
        backup is whole, and no folder is made for the copy: its disk could
        be absent. With --drill a backup is started in a throw-away sandbox
        as well, when the last such drill is a week ago or failed.

        backup.notice in stack.toml says whom to tell: an address that the
        text is posted to, as ntfy takes it, or a command that reads it from
        its standard input, with the title in USENET_NOTICE_TITLE. It is
        sent when something failed; backup.notice_when = "always" sends it
        each time. `backup list` tells of a failure as well.
    """,
    options=(_TYPE, _COPY_TO, _ENCRYPT, _DRILL),
    examples=(
        ("usenet backup run", "Once, now."),
        ("usenet backup run --copy-to /mnt/usb", "With a copy elsewhere."),
    ),
    errors=("backup.database", "backup.target", "backup.notice", "lock.held"),
    see_also=("backup schedule", "backup create", "backup clean"),
)

CLOCK = Command(
    path="backup clock",
    summary="Run backups when they are due, here",
    run=_later,
    description="""
        Keeps the schedule that `usenet backup schedule --own` wrote, and
        makes up for what was missed. That command starts it in the
        background; where nothing else starts programs, run it yourself.
    """,
    examples=(("usenet backup clock", "Until the schedule is removed."),),
    errors=("backup.no-schedule", "backup.clock-runs"),
    see_also=("backup schedule", "backup run"),
)

GROUP_PARTS = (
    *(CREATE, LIST, SHOW, VERIFY, DIFF),
    *(CLEAN, PIN, UNPIN, COPY),
    *(SCHEDULE, RUN, CLOCK),
)


def group(commands: tuple[Command, ...]) -> Group:
    """Return the noun with commands that can run."""
    return Group(
        path="backup",
        summary="Backups of settings and databases",
        commands=commands,
        description="""
            A backup holds what makes a stack yours: settings, keys,
            databases. It is taken while everything runs. Media is not in it.
            A restore puts all of it back, or nothing; `undo` takes it back.
        """,
        examples=(
            ("usenet backup create", "Writes one."),
            ("usenet backup list", "Shows those that there are."),
            ("usenet backup restore latest", "Puts everything back."),
        ),
        errors=("stack.not-found", "lock.held"),
        see_also=("deploy", "config path", "journal list"),
    )
