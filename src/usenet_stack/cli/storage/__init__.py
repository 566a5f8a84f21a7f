"""`usenet storage`."""

from usenet_stack.cli.spec import Group
from usenet_stack.cli.storage.change import (
    ADD,
    APPLY,
    REMOVE,
    STATUS,
    SYNC,
)
from usenet_stack.cli.storage.choose import SELECT
from usenet_stack.cli.storage.look import HEALTH, LIST
from usenet_stack.cli.storage.watch import WATCH

GROUP = Group(
    path="storage",
    summary="Drives and the media pool",
    commands=(LIST, HEALTH, SELECT, ADD, REMOVE, STATUS, APPLY, SYNC, WATCH),
    description="""
        The pool is the one folder that all services see. Drives are added
        to it and taken out while everything runs.
    """,
    examples=(
        ("usenet storage list", "Lists the drives of this machine."),
        ("usenet storage add /mnt/disk2", "Adds one to the pool."),
    ),
    errors=("storage.path", "storage.busy"),
    see_also=("deploy", "validate", "config set"),
)
