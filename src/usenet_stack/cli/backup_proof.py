"""`usenet backup extract` and `drill`: a backup is more than a file."""

from usenet_stack.cli.backup_spec import BACKUP, IDENTITY
from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.result import Result


def extract(call: Call) -> Result:
    """Take one file or folder out of a backup."""
    from pathlib import Path

    from usenet_stack.backup import extract_path, find_backup, find_member
    from usenet_stack.cli.backup import opening
    from usenet_stack.cli.context import open_stack

    stack = open_stack(call)
    path = find_backup(stack, call.text("backup"))
    to = Path(call.text("to") or ".").expanduser()
    words = (stack, path, call.text("path"), to, opening(call, path))
    if not call.dry_run:
        return extract_path(*words)
    found = find_member(*words)
    name, target = found.record.name, found.target
    result = Result({"backup": str(path), "name": name, "path": str(target)})
    result.info(f"{name} would be put at {target}; nothing was changed.")
    return result


EXTRACT = Command(
    path="backup extract",
    summary="Take one file or folder out of a backup",
    run=extract,
    show="backup_proof:show_extracted",
    description="""
        Reads a backup from its first byte to its last, and puts one file or
        one folder of it where you say, as it was: modes, times, and as root
        the owners. Nothing is overwritten, nothing of the stack is touched,
        and a backup that is damaged leaves nothing behind.

        PATH is a name as `backup show --files` prints it; `config/` and
        `stack/` in front can be left out. What is in .env and in settings
        files opens your services: keep it to yourself.
    """,
    arguments=(
        BACKUP,
        Argument("PATH", "sonarr/config.xml, sonarr, .env"),
    ),
    options=(
        Option(
            ("--to",),
            "A new path, or a folder that gets it; here is the default",
            metavar="PATH",
            complete="folder",
        ),
        IDENTITY,
    ),
    examples=(
        (
            "usenet backup extract latest sonarr/config.xml",
            "One file, into this folder.",
        ),
        (
            "usenet backup extract latest sonarr --to /tmp/sonarr",
            "All that Sonarr had.",
        ),
    ),
    errors=("backup.no-member", "backup.in-the-way", "backup.damaged"),
    see_also=("backup show", "backup diff", "backup verify"),
)


def drill(call: Call) -> Result:
    """Start what a backup holds in a throw-away sandbox."""
    from usenet_stack.backup import drill_backup, find_backup, plan_drill
    from usenet_stack.cli.backup import opening
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack = open_stack(call)
    path = find_backup(stack, call.text("backup", "latest"))
    simulated = call.flag("simulated")
    if call.dry_run:
        return plan_result(plan_drill(stack, path, simulated=simulated))
    identity = opening(call, path)
    with progress(call) as observer:
        words = (stack, path, identity, observer)
        return drill_backup(*words, simulated=simulated)


DRILL = Command(
    path="backup drill",
    summary="Prove that a backup can be restored",
    run=drill,
    show="backup_proof:show_drill",
    description="""
        Restores a backup into a sandbox of its own, starts every service that
        is in it, and removes the sandbox again. A service passes when it gets
        ready on what was restored; a database when it opens, is whole and
        holds the rows that the manifest counts, before its service ran and
        after.

        Services are started from the images that your stack runs now, four at
        a time, on a network that leads nowhere: nothing is pulled, downloaded
        or published, nobody is notified. In place of media and downloads they
        see empty folders. One that is older than its data fails. What needs
        the machine itself (the Docker socket, its network, a VPN) is skipped
        and named; its databases are checked all the same. Your own stack runs
        on.

        With --simulated, and in a sandbox, simulated applications take the
        place of the real ones: quick, and for machines with little memory.
        `usenet backup schedule --drill` has one tried every week.
    """,
    arguments=(BACKUP._replace(required=False),),
    options=(
        Option(("--simulated",), "Start simulated applications, no real ones"),
        IDENTITY,
    ),
    examples=(
        ("usenet backup drill", "Tries the newest backup."),
        ("usenet backup drill before-4.1", "Tries an older one."),
        ("usenet backup drill --simulated", "With little memory."),
    ),
    errors=(
        "backup.unknown",
        "backup.damaged",
        "backup.drill",
        "backup.older-app",
        "docker.not-running",
    ),
    see_also=("backup verify", "backup schedule", "backup extract"),
)
