"""The error tree: one table drives message, hint, exit code, JSON and docs.

Every error that a user can meet has one row in `ERRORS`. Code raises
`UsenetError(code, **facts)`; the front door alone prints it.
"""

from enum import IntEnum
from typing import Any, NamedTuple


class Exit(IntEnum):
    """Exit codes of the program; see docs/reference/exit-codes.md."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    PARTIAL = 3
    NO_STACK = 10
    LOCKED = 11
    AUTH = 12
    ROLLED_BACK = 13
    ROLLBACK_FAILED = 14
    BUG = 70
    INTERRUPTED = 130


class ErrorKind(NamedTuple):
    """One row of the table: exit code, message and hint templates."""

    exit: Exit
    message: str
    hint: str


ERRORS: dict[str, ErrorKind] = {
    # -- the front door ---------------------------------------------------
    "usage": ErrorKind(Exit.USAGE, "{message}", "{hint}"),
    "cancelled": ErrorKind(
        Exit.FAILURE,
        "Nothing was changed: {what} needs a yes.",
        "{command}   (does it without asking)",
    ),
    "interrupted": ErrorKind(
        Exit.INTERRUPTED,
        "Interrupted.",
        "Run the same command again: it goes on from what is there.",
    ),
    "bug": ErrorKind(
        Exit.BUG,
        "This is a bug in usenet: {what}",
        "Please report it with the file {report} (it holds no secrets).",
    ),
    "config.editor": ErrorKind(
        Exit.FAILURE,
        "The editor {editor} failed; nothing was changed.",
        "EDITOR=nano usenet config edit   (or: usenet config set KEY VALUE)",
    ),
    # -- the stack --------------------------------------------------------
    "stack.not-found": ErrorKind(
        Exit.NO_STACK,
        "There is no stack here.",
        "usenet deploy --sandbox --yes   (to try it out), or: usenet deploy",
    ),
    "stack.foreign": ErrorKind(
        Exit.FAILURE,
        "The stack in {folder} belongs to another user (uid {owner}).",
        "If you trust it, name it: usenet --stack {folder} ...",
    ),
    "catalog.invalid": ErrorKind(
        Exit.FAILURE,
        "A service file is not valid: {fault}{more}",
        "Edit {file}, then run: usenet config validate",
    ),
    "settings.invalid": ErrorKind(
        Exit.FAILURE,
        "stack.toml is not valid: {fault}{more}",
        "Edit {file}, then run: usenet config validate",
    ),
    "settings.unknown-key": ErrorKind(
        Exit.USAGE,
        "There is no setting {key}{meant}",
        "usenet config show",
    ),
    "settings.refused": ErrorKind(
        Exit.USAGE,
        "{key} cannot be {value}: {reason}.",
        "usenet config get {key}   (shows the present value)",
    ),
    "env.invalid": ErrorKind(
        Exit.FAILURE,
        "{path} has a line that cannot be read: line {line}.",
        "Edit {path}: each line is NAME=value or starts with #.",
    ),
    "secret.wanting": ErrorKind(
        Exit.FAILURE,
        "{service} needs {names}, which only you can give.",
        "Add a line {name}=... to {path}, then run: {deploy}",
    ),
    "service.unknown": ErrorKind(
        Exit.USAGE,
        "There is no service {name}{meant}",
        "usenet services list",
    ),
    "group.unknown": ErrorKind(
        Exit.USAGE,
        "There is no group {name}{meant}",
        "usenet help services",
    ),
    "profile.unknown": ErrorKind(
        Exit.USAGE,
        "There is no profile {name}{meant}",
        "usenet config get profiles",
    ),
    "port.duplicate": ErrorKind(
        Exit.FAILURE,
        "{first} and {second} both want port {port} of this machine.",
        "usenet config set ports.{service} {free}",
    ),
    "network.off": ErrorKind(
        Exit.FAILURE,
        "{service} uses the network of {host}, which is not switched on.",
        "usenet services enable {host}   (or take {service} out of "
        "services.network: usenet config edit)",
    ),
    "network.in-use": ErrorKind(
        Exit.FAILURE,
        "{service} uses the network of {host}, which cannot go alone.",
        "usenet services disable {host} {service}   (or take {service} out "
        "of services.network: usenet config edit)",
    ),
    "network.chain": ErrorKind(
        Exit.FAILURE,
        "{service} cannot use the network of {host}, which itself uses that "
        "of {other}.",
        "usenet config edit   (services.network: name one that has a network "
        "of its own)",
    ),
    "network.ports": ErrorKind(
        Exit.FAILURE,
        "{first} and {second} both listen on port {port} in the network of "
        "{host}.",
        "usenet config edit   (take one of them out of services.network)",
    ),
    # -- deploy -----------------------------------------------------------
    "deploy.preflight": ErrorKind(
        Exit.FAILURE,
        "This machine is not ready: {count} checks failed.",
        "{hint}   (all checks: usenet validate)",
    ),
    "deploy.not-sandbox": ErrorKind(
        Exit.USAGE,
        "{folder} holds a stack of real applications, not a sandbox.",
        "usenet deploy --stack {folder}   (without --sandbox)",
    ),
    "deploy.name-taken": ErrorKind(
        Exit.FAILURE,
        "The stack in {owner} runs under the name {name} already.",
        "usenet config set stack.name OTHER --stack {folder}",
    ),
    "deploy.no-lan": ErrorKind(
        Exit.FAILURE,
        "This machine has no address on a local network.",
        "usenet config set stack.bind ADDRESS",
    ),
    "deploy.images-missing": ErrorKind(
        Exit.FAILURE,
        "{count} images could not be pulled.",
        "{deploy}   (it pulls only those that are missing)",
    ),
    "deploy.services-failed": ErrorKind(
        Exit.PARTIAL,
        "{count} services did not get well: {services}.",
        "usenet services logs {first}",
    ),
    "deploy.service-failed": ErrorKind(
        Exit.PARTIAL,
        "{service} is {state}.",
        "usenet services logs {service}   (then: {deploy})",
    ),
    "deploy.not-changed": ErrorKind(
        Exit.PARTIAL,
        "{service} runs on as it was: Docker Compose refused its change.",
        "Mend what it names, perhaps in compose.override.yaml, then: {deploy}",
    ),
    "deploy.switch-failed": ErrorKind(
        Exit.FAILURE,
        "These services did not get well: {services}.",
        "{again}   (once that is mended)",
    ),
    # -- backups ----------------------------------------------------------
    "backup.missing-database": ErrorKind(
        Exit.FAILURE,
        "{service} has no {path}: a backup without it would be worth nothing.",
        "usenet services logs {service}",
    ),
    "backup.database": ErrorKind(
        Exit.FAILURE,
        "The database {path} could not be copied.",
        "Wait until its service is idle, then run the command again.",
    ),
    "backup.locked": ErrorKind(
        Exit.FAILURE,
        "The database {path} stays locked.",
        "sudo fuser -v '{path}'   (shows what holds it)",
    ),
    "backup.owner": ErrorKind(
        Exit.FAILURE,
        "The database {path} belongs to user {uid}: opened by another, its "
        "service could no longer write to it.",
        "sudo usenet backup create   (or run it as that user)",
    ),
    "backup.postgres": ErrorKind(
        Exit.FAILURE,
        "{service} keeps its data in PostgreSQL ({host}), which is not in "
        "this backup.",
        "usenet help backup create   (run the server in the stack, with "
        "[backup.postgres] in its service file; or --force and your own "
        "pg_dump --host {host})",
    ),
    "backup.dump": ErrorKind(
        Exit.FAILURE,
        "The PostgreSQL server {service} could not be dumped.",
        "usenet services start {service}   (or see: usenet services logs "
        "{service})",
    ),
    "backup.too-large": ErrorKind(
        Exit.FAILURE,
        "This {type} backup would hold {size}; {limit} are allowed.",
        "usenet backup create --type {type} --force   (or: usenet config set "
        "backup.limit.{type} {wanted})",
    ),
    "backup.unknown": ErrorKind(
        Exit.FAILURE,
        "There is no backup `{name}`.",
        "usenet backup list",
    ),
    "backup.ambiguous": ErrorKind(
        Exit.FAILURE,
        "`{name}` fits more than one backup.",
        "usenet backup list   (then name one by more of its id)",
    ),
    "backup.name": ErrorKind(
        Exit.USAGE,
        "`{name}` cannot be the {what} of a backup.",
        "usenet backup create --name before-4.1 --description 'one line'",
    ),
    "backup.damaged": ErrorKind(
        Exit.FAILURE,
        "The backup {path} is damaged.",
        "usenet backup list   (take another one)",
    ),
    "backup.no-member": ErrorKind(
        Exit.FAILURE,
        "{backup} holds no `{name}`.",
        "usenet backup show {backup} --files",
    ),
    "backup.in-the-way": ErrorKind(
        Exit.FAILURE,
        "{path} is there already, and nothing is overwritten.",
        "Name another place: --to PATH",
    ),
    "backup.no-folder": ErrorKind(
        Exit.FAILURE,
        "There is no folder {path}.",
        "mkdir -p '{path}'",
    ),
    "backup.mount-inside": ErrorKind(
        Exit.FAILURE,
        "{path} is a mount of its own, and {service} cannot be swapped with "
        "it.",
        "umount {path}   (or restore elsewhere: usenet backup restore "
        "BACKUP --to DIR)",
    ),
    "backup.no-room": ErrorKind(
        Exit.FAILURE,
        "A restore needs {wanted} on the disk of {path}; {free} are free.",
        "usenet backup clean   (or restore fewer: usenet backup restore "
        "BACKUP --service NAME)",
    ),
    "backup.needs-root": ErrorKind(
        Exit.FAILURE,
        "{path} belongs to user {uid}, and a restore gives files to it.",
        "sudo usenet backup restore BACKUP",
    ),
    "backup.not-held": ErrorKind(
        Exit.FAILURE,
        "{backup} holds nothing of {names}.",
        "usenet backup show {backup}",
    ),
    "backup.no-stack": ErrorKind(
        Exit.FAILURE,
        "{backup} holds no stack.toml to make a stack of.",
        "usenet deploy   (then restore it into that stack)",
    ),
    "backup.config-elsewhere": ErrorKind(
        Exit.FAILURE,
        "The settings of its services lie in {path}, outside of the stack.",
        "Take stack.toml out with `tar -xf {backup} stack`, deploy, and "
        "restore into that stack.",
    ),
    "backup.older-app": ErrorKind(
        Exit.FAILURE,
        "{service} {have} is older than its data in the backup, of {need}.",
        "usenet services update {service}",
    ),
    "backup.half-way": ErrorKind(
        Exit.FAILURE,
        "{path} may be what the service had before the restore: it stays.",
        "usenet journal recover",
    ),
    "backup.nothing-to-undo": ErrorKind(
        Exit.FAILURE,
        "No restore is kept that could be undone.",
        "usenet backup list   (then: usenet backup restore BACKUP)",
    ),
    "backup.drill": ErrorKind(
        Exit.FAILURE,
        "{name} does not work in what was restored.",
        "usenet backup create   (then drill that one: usenet backup drill)",
    ),
    "backup.drill-start": ErrorKind(
        Exit.FAILURE,
        "The sandbox for the drill did not start.",
        "usenet validate",
    ),
    "backup.drill-left": ErrorKind(
        Exit.FAILURE,
        "The sandbox of a drill could not be removed: something is mounted "
        "below {path}.",
        "sudo usenet destroy --stack {path}   (then: sudo rm -r '{path}')",
    ),
    "backup.drill-owned": ErrorKind(
        Exit.FAILURE,
        "The sandbox of a drill could not be removed: files below {path} "
        "belong to the users of its containers.",
        "sudo rm -r '{path}'   (and from then on: sudo usenet backup drill)",
    ),
    "backup.no-age": ErrorKind(
        Exit.FAILURE,
        "Encryption needs pyrage and cryptography, which are not installed.",
        "pip install 'usenet-media-stack[encrypt]'",
    ),
    "backup.no-recipient": ErrorKind(
        Exit.USAGE,
        "There is nobody to encrypt to.",
        "usenet backup create --passphrase   (or --recipient age1...; for "
        "good: usenet config set backup.recipients)",
    ),
    "backup.passphrase": ErrorKind(
        Exit.USAGE,
        "The passphrase cannot be taken.",
        "usenet backup create --passphrase-file FILE   (a line of eight or "
        "more characters)",
    ),
    "backup.recipient": ErrorKind(
        Exit.USAGE,
        "{recipient} is no public key of age or ssh.",
        "age-keygen -y KEYFILE   (prints the public key of yours)",
    ),
    "backup.locked-up": ErrorKind(
        Exit.FAILURE,
        "The backup {path} is encrypted.",
        "Name the file with your key or passphrase: --identity FILE",
    ),
    "backup.target": ErrorKind(
        Exit.FAILURE,
        "{path} cannot hold a backup.",
        "ls -ld '{path}'   (or choose another place: --to DIR)",
    ),
    "backup.exists": ErrorKind(
        Exit.FAILURE,
        "{path} is there already.",
        "usenet backup verify '{path}'",
    ),
    "backup.copy-differs": ErrorKind(
        Exit.FAILURE,
        "The copy {path} is not what was copied: its disk lies.",
        "Check that disk (sudo smartctl -a), then copy again.",
    ),
    "backup.no-rclone": ErrorKind(
        Exit.FAILURE,
        "{target} needs rclone, which is not installed.",
        "sudo apt-get install rclone   (then: rclone config)",
    ),
    "backup.rclone": ErrorKind(
        Exit.FAILURE,
        "rclone {verb} failed with exit code {status}.",
        "{command}",
    ),
    "backup.no-timer": ErrorKind(
        Exit.FAILURE,
        "No systemd runs here to keep a timer.",
        "usenet backup schedule --cron   (prints a line for cron; or --own: "
        "a process that ends with the machine)",
    ),
    "backup.no-schedule": ErrorKind(
        Exit.FAILURE,
        "This stack has no schedule of its own.",
        "usenet backup schedule --own",
    ),
    "backup.clock-runs": ErrorKind(
        Exit.FAILURE,
        "A clock keeps the schedule of this stack already.",
        "usenet backup schedule --remove   (ends it)",
    ),
    "backup.clock-failed": ErrorKind(
        Exit.FAILURE,
        "The clock for backups did not start.",
        "usenet backup clock   (shows why)",
    ),
    "backup.notice": ErrorKind(
        Exit.FAILURE,
        "The notice to {to} was not delivered.",
        "usenet config get backup.notice   (then: usenet backup run)",
    ),
    "backup.when": ErrorKind(
        Exit.USAGE,
        "{when} is no time that this schedule understands.",
        "systemd-analyze calendar 'Mon *-*-* 04:00'   (shows the form)",
    ),
    # -- transactions -----------------------------------------------------
    "lock.held": ErrorKind(
        Exit.LOCKED,
        "Another usenet command is changing this stack ({holder}).",
        "Wait until it ends, then run the command again.",
    ),
    "transaction.rolled-back": ErrorKind(
        Exit.ROLLED_BACK,
        "{step} failed; everything was put back as it was.",
        "{hint}",
    ),
    "transaction.rollback-failed": ErrorKind(
        Exit.ROLLBACK_FAILED,
        "{step} failed, and not everything could be put back.",
        "Do by hand, in this order: {manual}; then: "
        "usenet journal recover {journal}",
    ),
    "transaction.unverified": ErrorKind(
        Exit.FAILURE,
        "{step} reported success, but its result is not there.",
        "usenet validate",
    ),
    "journal.corrupt": ErrorKind(
        Exit.FAILURE,
        "The journal {path} is damaged at record {record}.",
        "Read {path}, mend by hand what it lists, then: mv {path} "
        "{path}.damaged",
    ),
    "journal.foreign": ErrorKind(
        Exit.FAILURE,
        "Another version of usenet wrote the journal {journal}.",
        "Run that version once more, or see what it began: "
        "usenet journal show {journal}",
    ),
    "journal.unknown": ErrorKind(
        Exit.FAILURE,
        "There is no journal entry {journal}.",
        "usenet journal list",
    ),
    # -- preflight --------------------------------------------------------
    "validate.failed": ErrorKind(
        Exit.FAILURE,
        "{count} of the checks failed: {subjects}.",
        "{hint}",
    ),
    "docker.no-packages": ErrorKind(
        Exit.FAILURE,
        "Docker cannot be installed here: no known package manager.",
        "Install Docker Engine by hand, then: usenet validate",
    ),
    "docker.install-failed": ErrorKind(
        Exit.FAILURE,
        "Docker could not be installed.",
        "{command}",
    ),
    "docker.start-failed": ErrorKind(
        Exit.FAILURE,
        "Docker was started, but does not answer.",
        "Look into its log: {log}",
    ),
    "fix.failed": ErrorKind(
        Exit.FAILURE,
        "This command failed: {command}",
        "sudo {command}   (and see what it says)",
    ),
    # -- services ---------------------------------------------------------
    "service.off": ErrorKind(
        Exit.FAILURE,
        "{name} is not switched on in this stack.",
        "usenet services enable {name}",
    ),
    "service.absent": ErrorKind(
        Exit.FAILURE,
        "{name} has no container yet.",
        "usenet deploy --services {name}",
    ),
    "service.not-running": ErrorKind(
        Exit.FAILURE,
        "{name} does not run.",
        "usenet services start {name}",
    ),
    "service.no-page": ErrorKind(
        Exit.FAILURE,
        "{name} has no page to open in a browser.",
        "usenet services status {name}   (shows its ports)",
    ),
    "service.unwell": ErrorKind(
        Exit.FAILURE,
        "Not well after the start: {names}.",
        "usenet services logs {first}",
    ),
    "service.port-taken": ErrorKind(
        Exit.FAILURE,
        "Not started: {names}. Something else holds a port of {first}.",
        "usenet validate   (names what holds it)",
    ),
    # -- updates ----------------------------------------------------------
    "update.unwell": ErrorKind(
        Exit.FAILURE,
        "{service} did not get well with its new image.",
        "Read {page}, then try again: usenet services update {service}",
    ),
    "update.registry": ErrorKind(
        Exit.FAILURE,
        "The newest image of {service} is unknown; it was left as it is.",
        "docker pull {reference}   (shows what its registry says)",
    ),
    "update.not-deployed": ErrorKind(
        Exit.FAILURE,
        "{service} does not run as compose.yaml says; an update would change "
        "more than its image.",
        "{deploy}   (then: usenet services update {service})",
    ),
    "update.no-room": ErrorKind(
        Exit.FAILURE,
        "There is no room to keep the settings of {service} during an "
        "update: {mebibytes} MiB are wanting.",
        "Free some space: df -h '{folder}'   (then: usenet services update "
        "{service})",
    ),
    "update.needs-root": ErrorKind(
        Exit.FAILURE,
        "Only root can keep the settings of {service} with their owners: "
        "{path} belongs to another user.",
        "sudo usenet services update {service} --stack {folder}",
    ),
    "update.mount-inside": ErrorKind(
        Exit.FAILURE,
        "{path} is mounted inside the settings of {service}, which therefore "
        "cannot be put back as a whole.",
        "usenet deploy --pull --services {service}   (without a way back), or "
        "first: sudo umount '{path}'",
    ),
    # -- the applications' APIs -------------------------------------------
    "app.unreachable": ErrorKind(
        Exit.FAILURE,
        "{service} cannot be reached: {reason}.",
        "usenet services start {service}   (or: usenet services logs "
        "{service})",
    ),
    "app.silent": ErrorKind(
        Exit.FAILURE,
        "{service} did not answer within {seconds:g} s ({call}).",
        "usenet services restart {service}",
    ),
    "app.unauthorised": ErrorKind(
        Exit.AUTH,
        "{service} refuses the key in .env ({call}).",
        "usenet keys list   (says which keys differ, and the way out)",
    ),
    "app.forbidden": ErrorKind(
        Exit.AUTH,
        "{service} does not allow us this ({call}).",
        "usenet services logs {service}",
    ),
    "app.forbidden-host": ErrorKind(
        Exit.FAILURE,
        "{service} refuses the name or address by which it is asked ({call}).",
        "usenet deploy --services {service}   (tells it the right ones)",
    ),
    "app.not-found": ErrorKind(
        Exit.FAILURE,
        "{service} does not have what was asked for ({call}).",
        "usenet services update {service}",
    ),
    "app.refused": ErrorKind(
        Exit.FAILURE,
        "{service} refuses this ({call}).",
        "Mend what it says, then run the command again: "
        "usenet services logs {service}",
    ),
    "app.busy": ErrorKind(
        Exit.FAILURE,
        "{service} has too much to do ({call}).",
        "Wait a minute, then run the command again.",
    ),
    "app.failing": ErrorKind(
        Exit.FAILURE,
        "{service} failed with status {status} ({call}).",
        "usenet services logs {service}",
    ),
    "app.not-json": ErrorKind(
        Exit.FAILURE,
        "{service} answered with something that is not JSON ({call}).",
        "usenet services logs {service}   (is it {service} that answers?)",
    ),
    "app.unexpected": ErrorKind(
        Exit.FAILURE,
        "{service} gave an answer that we do not understand ({call}).",
        "usenet services logs {service}   (is it {service} that answers?)",
    ),
    "app.too-large": ErrorKind(
        Exit.FAILURE,
        "{service} sent more than {mebibytes} MiB ({call}).",
        "usenet services logs {service}   (is it {service} that answers?)",
    ),
    "app.no-key": ErrorKind(
        Exit.FAILURE,
        "There is no usable key for {service} in .env.",
        "usenet deploy   (makes those that are missing)",
    ),
    "app.setup-pending": ErrorKind(
        Exit.FAILURE,
        "{service} waits for its first administrator.",
        "usenet services open {service}",
    ),
    # -- keys -------------------------------------------------------------
    "keys.none": ErrorKind(
        Exit.USAGE,
        "{service} has no key of its own.",
        "usenet keys list",
    ),
    "keys.by-hand": ErrorKind(
        Exit.FAILURE,
        "{service} makes and shows its key in its own pages only.",
        "usenet services open {service}",
    ),
    "keys.not-set-up": ErrorKind(
        Exit.FAILURE,
        "{service} has no key in .env yet.",
        "usenet services open {service}   (go through its first steps), then: "
        "usenet keys rotate {service}",
    ),
    "keys.login-refused": ErrorKind(
        Exit.AUTH,
        "{service} lets nobody in as {username} with the password in .env.",
        "Make a key in its own pages, and put it into {path} as {name}",
    ),
    "keys.given": ErrorKind(
        Exit.FAILURE,
        "{name} is a value that only you can give.",
        "Change it in {path}, then run: {deploy}",
    ),
    "keys.missing": ErrorKind(
        Exit.FAILURE,
        "There is no key of {service} in .env.",
        "{deploy}   (makes it)",
    ),
    "keys.not-shown": ErrorKind(
        Exit.FAILURE,
        "The key of {service} was not shown: that needs a yes.",
        "{command}   (prints it without asking)",
    ),
    "keys.differs": ErrorKind(
        Exit.AUTH,
        "{service} does not accept the key in .env.",
        "{hint}",
    ),
    "keys.silent": ErrorKind(
        Exit.FAILURE,
        "{service} cannot be asked whether it accepts its key.",
        "{hint}",
    ),
    "keys.holder-silent": ErrorKind(
        Exit.FAILURE,
        "{holder} cannot be asked whether it holds the key of {service}.",
        "{hint}",
    ),
    "keys.holder-refused": ErrorKind(
        Exit.FAILURE,
        "{holder} cannot get in with the key that it was given ({title}).",
        "usenet services logs {holder}",
    ),
    "keys.new-refused": ErrorKind(
        Exit.FAILURE,
        "{service} does not accept its new key.",
        "usenet services logs {service}",
    ),
    "keys.old-accepted": ErrorKind(
        Exit.FAILURE,
        "{service} still accepts its old key.",
        "usenet services logs {service}",
    ),
    # -- Docker -----------------------------------------------------------
    "docker.not-installed": ErrorKind(
        Exit.FAILURE,
        "Docker is not installed on this machine.",
        "sudo usenet validate --fix   (installs and starts it)",
    ),
    "docker.not-running": ErrorKind(
        Exit.FAILURE,
        "Docker does not run: nothing answers at {socket}.",
        "sudo usenet validate --fix   (starts it)",
    ),
    "docker.denied": ErrorKind(
        Exit.FAILURE,
        "The user {user} may not use Docker.",
        "sudo usermod -aG docker {user}   (then log in again)",
    ),
    "docker.silent": ErrorKind(
        Exit.FAILURE,
        "Docker did not answer within {seconds:g} s ({call}).",
        "sudo systemctl restart docker   (the containers come back with it)",
    ),
    "docker.host": ErrorKind(
        Exit.FAILURE,
        "DOCKER_HOST={host} cannot be used: only unix:// sockets can.",
        "unset DOCKER_HOST   (or: export DOCKER_HOST=unix:///path/to/socket)",
    ),
    "docker.too-old": ErrorKind(
        Exit.FAILURE,
        "This Docker Engine is too old: API {version}, {oldest} is needed.",
        "sudo apt-get install docker.io   (or your distribution's own)",
    ),
    "docker.not-found": ErrorKind(
        Exit.FAILURE,
        "Docker does not know it: {reason}",
        "usenet deploy   (makes what is missing)",
    ),
    "docker.conflict": ErrorKind(
        Exit.FAILURE,
        "Docker refuses: {reason}",
        "docker ps --all   (shows what is in the way)",
    ),
    "docker.api": ErrorKind(
        Exit.FAILURE,
        "Docker failed ({status}): {reason}",
        "usenet validate   (or see: sudo journalctl -u docker -n 50)",
    ),
    "docker.garbled": ErrorKind(
        Exit.FAILURE,
        "What answers at {socket} does not speak as Docker does ({call}).",
        "docker version   (shows what is behind the socket)",
    ),
    "compose.missing": ErrorKind(
        Exit.FAILURE,
        "Docker Compose is not installed.",
        "usenet validate --fix   (installs it into usenet itself)",
    ),
    "compose.too-old": ErrorKind(
        Exit.FAILURE,
        "{program} is version {version}; version 2 or later is needed.",
        "usenet validate --fix   (installs one into usenet itself)",
    ),
    "compose.install-failed": ErrorKind(
        Exit.FAILURE,
        "Docker Compose could not be installed into {folder}.",
        "sudo apt-get install docker-compose-v2   "
        "(or docker-compose-plugin from Docker's own packages)",
    ),
    "compose.failed": ErrorKind(
        Exit.FAILURE,
        "docker compose {verb} failed with exit code {status}.",
        "{command}",
    ),
    "compose.timeout": ErrorKind(
        Exit.FAILURE,
        "docker compose {verb} was stopped after {seconds:g} s.",
        "{command}",
    ),
    "image.pull-failed": ErrorKind(
        Exit.FAILURE,
        "The image {image} could not be pulled.",
        "docker pull {image}   (after mending what it says)",
    ),
    "image.import-failed": ErrorKind(
        Exit.FAILURE,
        "The image {image} could not be made.",
        "Free some space for Docker: docker system df",
    ),
    "image.library-missing": ErrorKind(
        Exit.FAILURE,
        "{program} needs {library}, which is not on this machine.",
        "Run usenet with another Python: python3 -m venv, then install it.",
    ),
    # -- storage ----------------------------------------------------------
    "storage.path": ErrorKind(
        Exit.FAILURE,
        "{path} is not a folder that can be added.",
        "usenet storage list   (shows the drives and their folders)",
    ),
    "storage.silent": ErrorKind(
        Exit.FAILURE,
        "{path} does not answer: its server or drive is gone.",
        "sudo umount -l '{path}'   (then attach it again)",
    ),
    "storage.system": ErrorKind(
        Exit.FAILURE,
        "{path} belongs to the system and cannot be a drive of the pool.",
        "Make a folder for media on it and add that, or: usenet storage list",
    ),
    "storage.nested": ErrorKind(
        Exit.FAILURE,
        "{path} lies in or contains {what} ({other}).",
        "Choose a folder that does not overlap: usenet storage status",
    ),
    "storage.read-only": ErrorKind(
        Exit.FAILURE,
        "{path} is read-only.",
        "sudo mount -o remount,rw '{path}'   (check the drive if it refuses)",
    ),
    "storage.full": ErrorKind(
        Exit.FAILURE,
        "{path} is full.",
        "Free some space there: df -h '{path}'",
    ),
    "storage.unwritable": ErrorKind(
        Exit.FAILURE,
        "The applications (user {uid}, group {gid}) cannot write to {path}.",
        "sudo chown {uid}:{gid} '{path}'",
    ),
    "storage.name": ErrorKind(
        Exit.USAGE,
        "'{name}' cannot name a drive: use letters, digits, . _ and -.",
        "usenet storage add {path} --name disk1",
    ),
    "storage.taken": ErrorKind(
        Exit.FAILURE,
        "The pool has something called {name} already.",
        "usenet storage add '{path}' --name ANOTHER",
    ),
    "storage.already": ErrorKind(
        Exit.FAILURE,
        "{path} is in the pool already, as {name}.",
        "usenet storage status",
    ),
    "storage.unknown": ErrorKind(
        Exit.USAGE,
        "The pool has no drive {name}. It has: {known}.",
        "usenet storage status",
    ),
    "storage.no-drive": ErrorKind(
        Exit.USAGE,
        "No drive of this machine is called {name}.",
        "usenet storage list   (shows them; --format json shows all names)",
    ),
    "storage.no-terminal": ErrorKind(
        Exit.USAGE,
        "The picker needs a terminal, of 40 columns and 8 lines at least.",
        "usenet storage add PATH   (adds one drive; usenet storage list)",
    ),
    "storage.busy": ErrorKind(
        Exit.FAILURE,
        "{name} is in use by {holders}.",
        "Stop what uses it, then run it again: sudo fuser -vm '{path}'",
    ),
    "storage.invisible": ErrorKind(
        Exit.FAILURE,
        "After {seconds} s these containers still do not see {path}: "
        "{containers}.",
        "usenet deploy   (binds the pool so that later mounts reach them)",
    ),
    "storage.held": ErrorKind(
        Exit.FAILURE,
        "After {seconds} s these containers still hold {path}: {containers}.",
        "docker restart {services}   (then run it again)",
    ),
    "storage.registry": ErrorKind(
        Exit.FAILURE,
        "The list of the pool's drives is damaged: {path}.",
        "Mend that file, or move it away and add the drives again.",
    ),
    "storage.move-same": ErrorKind(
        Exit.USAGE,
        "What is on {name} cannot be moved to where it is already.",
        "usenet storage status   (shows the drives to choose from)",
    ),
    "storage.move-away": ErrorKind(
        Exit.FAILURE,
        "The drive {name} is away.",
        "sudo usenet storage add '{source}' --name {name}   (once it is there)",
    ),
    "storage.move-busy": ErrorKind(
        Exit.FAILURE,
        "{count} files in {path} are being written to: {first}",
        "Let the downloads and imports finish, or stop what writes; then run "
        "it again: sudo fuser -vm '{path}'",
    ),
    "storage.move-conflict": ErrorKind(
        Exit.FAILURE,
        "{count} files are there with other content, such as {path}.",
        "Keep one of each: rename or delete the other; then run it again.",
    ),
    "storage.move-odd": ErrorKind(
        Exit.FAILURE,
        "{path} is no file, folder or link and cannot be moved.",
        "Delete it (a socket, pipe or device), then run it again.",
    ),
    "storage.move-room": ErrorKind(
        Exit.FAILURE,
        "{name} has {free} free, and {need} are needed.",
        "Free some space there, or choose another drive: usenet storage status",
    ),
    "storage.move-changing": ErrorKind(
        Exit.FAILURE,
        "{path} changed each time it was copied.",
        "Stop what writes to it, then run it again: sudo fuser -v '{path}'",
    ),
    "storage.move-torn": ErrorKind(
        Exit.FAILURE,
        "{path} was written, and reads back as something else.",
        "Do not trust that drive: sudo usenet storage health",
    ),
    "storage.move-left": ErrorKind(
        Exit.FAILURE,
        "{count} files stay in {path}: they are in use or changed meanwhile.",
        "sudo usenet storage remove {name} --move-to {target}   (once more)",
    ),
    "storage.move-no-root": ErrorKind(
        Exit.FAILURE,
        "{service} has no root folder {path}.",
        "sudo usenet storage sync   (adds it; then run it again)",
    ),
    "storage.watch-fence": ErrorKind(
        Exit.FAILURE,
        "{name} is gone, and its dead mount stays in the pool.",
        "sudo umount -l '{path}'",
    ),
    "storage.foreign": ErrorKind(
        Exit.FAILURE,
        "{path} belongs to another pool: {file} says so.",
        "sudo rm '{file}'   (only when that pool is gone)",
    ),
    "storage.unmountable": ErrorKind(
        Exit.FAILURE,
        "{path} cannot be mounted.",
        "usenet storage list -v   (shows what is on each drive)",
    ),
    "storage.refused-inside": ErrorKind(
        Exit.FAILURE,
        "In these containers the application (user {uid}, group {gid}) "
        "cannot write to {path}: {containers}.",
        "sudo chown -R {uid}:{gid} '{path}'   (or: usenet deploy)",
    ),
    "storage.inhabited": ErrorKind(
        Exit.FAILURE,
        "Applications have media on {name}: {what}.",
        "Move it first: usenet storage remove {name} --move-to DRIVE   "
        "(or leave it there: usenet storage remove {name} --force)",
    ),
    "storage.union-incomplete": ErrorKind(
        Exit.FAILURE,
        "The union misses {drives}: without it, applications would take "
        "what lies there for deleted.",
        "Plug it in, then: usenet storage apply   (or give it up for good: "
        "usenet storage remove {first} --force)",
    ),
    "storage.no-shelf": ErrorKind(
        Exit.USAGE,
        "{service} has no root folders or libraries that we know.",
        "usenet services list   (shows all services)",
    ),
    "storage.no-mergerfs": ErrorKind(
        Exit.FAILURE,
        "The pool's layout is union, and mergerfs is not installed.",
        "sudo apt-get install mergerfs   (or: usenet config set pool.layout "
        "separate)",
    ),
    "storage.unreachable": ErrorKind(
        Exit.FAILURE,
        "A union needs a way to {path} for the applications' user ({uid}), "
        "and {folder} lets nobody through.",
        "sudo chmod o+x '{folder}'   (or: usenet config set pool.layout "
        "separate)",
    ),
    "storage.union": ErrorKind(
        Exit.FAILURE,
        "The union {path} cannot be made.",
        "usenet storage status   (shows its branches)",
    ),
    "storage.unit": ErrorKind(
        Exit.FAILURE,
        "systemd does not accept the unit {unit}.",
        "usenet storage apply --show-unit   (shows it)",
    ),
    "storage.watch-attach": ErrorKind(
        Exit.FAILURE,
        "Something came that looks like {name}, but it is not the pool's.",
        "usenet storage status   (says what it waits for)",
    ),
    "storage.root-needed": ErrorKind(
        Exit.FAILURE,
        "Only root may do this step: {what}.",
        "{command}",
    ),
    "disk.full": ErrorKind(
        Exit.FAILURE,
        "No space is left for {path}.",
        "Free some space, then run the command again: df -h {folder}",
    ),
    "disk.failed": ErrorKind(
        Exit.FAILURE,
        "The disk under {path} has failed or is gone.",
        "sudo dmesg | tail   (shows which; then use another, or plug it in)",
    ),
    "disk.read-only": ErrorKind(
        Exit.FAILURE,
        "{path} lies on a disk that can only be read.",
        "sudo mount -o remount,rw \"$(findmnt -no TARGET -T '{folder}')\""
        "   (if it refuses: sudo dmesg | tail)",
    ),
    "file.failed": ErrorKind(
        Exit.FAILURE,
        "Could not write {path}.",
        "ls -ld {folder}   (then mend what it shows, and run it again)",
    ),
    "file.denied": ErrorKind(
        Exit.FAILURE,
        "No permission for {path}.",
        "sudo chown -R $(id -u):$(id -g) {folder}",
    ),
}


class UsenetError(Exception):
    """An expected failure, told to the user as what, why and how to mend it.

    Args:
        code: a key of `ERRORS`.
        why: the underlying cause, one sentence, or "".
        details: further lines to show (log lines, manual steps).
        facts: values for the templates of message and hint.
    """

    def __init__(
        self,
        code: str,
        /,
        *,
        why: str = "",
        details: tuple[str, ...] = (),
        **facts: object,
    ) -> None:
        kind = ERRORS[code]
        self.code = code
        self.why = why
        self.details = details
        self.facts = facts
        self.exit_code = kind.exit
        self.message = kind.message.format_map(facts)
        self.hint = kind.hint.format_map(facts)
        super().__init__(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the error as it stands in the JSON envelope."""
        found: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
        }
        if self.details:
            found["details"] = list(self.details)
        return found
