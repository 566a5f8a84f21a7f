"""`usenet backup`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.result import Result


def create(call: Call) -> Result:
    """Write a backup, or print the plan of it."""
    from pathlib import Path

    from usenet_stack.backup import create_backup, plan_backup
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack = open_stack(call)
    folder = call.text("to")
    target = Path(folder).expanduser().resolve() if folder else None
    words = call.text("description")
    if call.dry_run:
        return plan_result(plan_backup(stack, target, words))
    with progress(call) as observer:
        return create_backup(stack, target, words, observer)


def list_all(call: Call) -> Result:
    """Return the backups of the stack."""
    from usenet_stack.backup import list_backups
    from usenet_stack.cli.context import open_stack

    return list_backups(open_stack(call))


def show(call: Call) -> Result:
    """Return the manifest of one backup."""
    from usenet_stack.backup import find_backup, show_backup
    from usenet_stack.cli.context import open_stack

    return show_backup(find_backup(open_stack(call), call.text("backup")))


def verify(call: Call) -> Result:
    """Check one backup from its first byte to its last."""
    from usenet_stack.backup import find_backup, verify_backup
    from usenet_stack.cli.context import open_stack

    return verify_backup(find_backup(open_stack(call), call.text("backup")))


_BACKUP = Argument(
    "BACKUP",
    "`latest`, a path, or the beginning of a name",
    complete="backup",
)

CREATE = Command(
    path="backup create",
    summary="Write a backup while everything runs",
    run=create,
    show="backup:show_created",
    description="""
        Packs stack.toml, the keys, compose.yaml and the settings and
        databases of all services into one file that plain tar reads. No
        service is stopped: each database is copied by SQLite itself, as of
        one moment, and checked. Logs, caches and covers stay out.

        There is no `backup restore` yet: unpack the file with tar while the
        stack is down.
    """,
    options=(
        Option(
            ("--to",),
            "Another folder than `backups` in the stack's",
            metavar="DIR",
            complete="folder",
        ),
        Option(("--description",), "What `backup list` shows", metavar="TEXT"),
    ),
    examples=(
        ("usenet backup create", "Writes one into the stack's folder."),
        (
            "usenet backup create --to /mnt/usb --description 'before 4.1'",
            "Writes one to another disk.",
        ),
    ),
    errors=("backup.database", "backup.missing-database", "disk.full"),
    see_also=("backup list", "backup verify", "config path"),
)

LIST = Command(
    path="backup list",
    summary="List the backups of the stack",
    run=list_all,
    show="backup:show_backups",
    description="""
        Lists the backups in the stack's own folder, the newest first.
    """,
    examples=(("usenet backup list", "Lists them."),),
    errors=("stack.not-found",),
    see_also=("backup create", "backup show"),
)

SHOW = Command(
    path="backup show",
    summary="Show what is in a backup",
    run=show,
    show="backup:show_manifest",
    description="""
        Prints when and where a backup was made, and the files in it.
    """,
    arguments=(_BACKUP,),
    examples=(("usenet backup show latest", "Shows the newest one."),),
    errors=("backup.unknown", "backup.damaged"),
    see_also=("backup list", "backup verify"),
)

VERIFY = Command(
    path="backup verify",
    summary="Prove that a backup is whole",
    run=verify,
    show="backup:show_verified",
    description="""
        Reads the whole file, compares every hash with its manifest, and lets
        SQLite check every database in it.
    """,
    arguments=(_BACKUP,),
    examples=(("usenet backup verify latest", "Checks the newest one."),),
    errors=("backup.unknown", "backup.damaged"),
    see_also=("backup list", "backup create"),
)

GROUP = Group(
    path="backup",
    summary="Backups of settings and databases",
    commands=(CREATE, LIST, SHOW, VERIFY),
    description="""
        A backup holds what makes a stack yours: settings, keys, databases.
        It is taken while everything runs. Media is not in it.
    """,
    examples=(
        ("usenet backup create", "Writes one."),
        ("usenet backup list", "Shows those that there are."),
    ),
    errors=("stack.not-found", "lock.held"),
    see_also=("deploy", "config path", "journal list"),
)
