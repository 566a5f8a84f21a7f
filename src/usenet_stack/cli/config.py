"""`usenet config`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group
from usenet_stack.result import Result

_KEY = Argument("KEY", "The setting, as `table.name`", complete="setting")


def show(call: Call) -> Result:
    """Return all settings that apply."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.stack.editing import show_settings

    return show_settings(locate_stack(call).folder)


def get(call: Call) -> Result:
    """Return one setting."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.stack.editing import get_setting

    return get_setting(locate_stack(call).folder, call.text("key"))


def put(call: Call) -> Result:
    """Change one setting; comments and order in the file stay."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.cli.stack_file import change_stack_file
    from usenet_stack.stack.editing import change_text, preview_setting

    folder = locate_stack(call).folder
    key, value = call.text("key"), call.text("value")
    # Checks the new value against the whole stack; writes nothing.
    result = preview_setting(folder, key, value)
    changed = change_stack_file(
        call,
        folder,
        lambda path, text: change_text(text, path, {key: value}),
        why=f"you set {key}",
    )
    if call.dry_run:
        return changed
    result.messages += changed.messages
    return result


def edit(call: Call) -> Result:
    """Open stack.toml in an editor; keep the change only if it is valid."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.cli.stack_file import change_stack_file, edited_text

    folder = locate_stack(call).folder
    return change_stack_file(call, folder, edited_text, why="you edited it")


def validate(call: Call) -> Result:
    """Check the files of a stack."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.stack.editing import validate_stack

    return validate_stack(locate_stack(call).folder)


def path(call: Call) -> Result:
    """Return the folder of the stack."""
    import os
    from pathlib import Path

    from usenet_stack.stack.locate import find_stack

    where = find_stack(call.stack_folder, Path.cwd(), os.environ)
    return Result({"path": str(where.folder), "origin": where.origin})


SHOW = Command(
    path="config show",
    summary="Show all settings that apply",
    run=show,
    show="config:show_settings",
    description="""
        Shows every setting of the stack, including those that stack.toml
        leaves at their defaults.
    """,
    examples=(("usenet config show", "Shows all settings."),),
    errors=("stack.not-found",),
    see_also=("config get", "config set", "config path"),
)

GET = Command(
    path="config get",
    summary="Print one setting",
    run=get,
    show="config:show_value",
    description="Prints the value of one setting and nothing else.",
    arguments=(_KEY,),
    examples=(
        ("usenet config get stack.timezone", "Prints the time zone."),
        ("usenet config get pool", "Prints a whole table."),
    ),
    errors=("stack.not-found",),
    see_also=("config set", "config show"),
)

SET = Command(
    path="config set",
    summary="Change one setting in stack.toml",
    run=put,
    show="config:show_change",
    description="""
        Changes one setting. The new value is checked first; comments and
        order in the file survive. `usenet deploy` applies it.
    """,
    arguments=(_KEY, Argument("VALUE", "Lists as `a, b`")),
    examples=(
        (
            "usenet config set stack.timezone Europe/Berlin",
            "Changes the time zone.",
        ),
        (
            "usenet config set services.enable plex,homepage",
            "Turns two services on.",
        ),
        ("usenet config set ports.sonarr 8990", "Moves a service's port."),
    ),
    errors=("stack.not-found", "lock.held", "file.denied"),
    see_also=("config get", "config edit", "deploy"),
)

EDIT = Command(
    path="config edit",
    summary="Open stack.toml in your editor",
    run=edit,
    show="config:show_edit",
    description="""
        Opens a copy of stack.toml in $VISUAL or $EDITOR, and keeps it only
        when it is valid. Without a terminal, use `usenet config set`.
    """,
    examples=(("usenet config edit", "Opens the editor."),),
    errors=("stack.not-found", "lock.held", "file.denied"),
    see_also=("config set", "config validate"),
)

VALIDATE = Command(
    path="config validate",
    summary="Check stack.toml and your services",
    run=validate,
    show="config:show_valid",
    description="""
        Checks stack.toml and the files of services.d: names, values, ports.
        A mistake is told with file, line, key and reason. The machine is
        checked by `usenet validate`.
    """,
    examples=(("usenet config validate", "Checks the files."),),
    errors=("stack.not-found",),
    see_also=("config edit", "validate"),
)

PATH = Command(
    path="config path",
    summary="Print the folder of the stack",
    run=path,
    show="text:path",
    description="""
        Prints the folder of the stack that commands act on, and nothing
        else: cd "$(usenet config path)".
    """,
    examples=(
        ("usenet config path", "Prints the folder."),
        ("usenet config path --format json", "Says how it was found, too."),
    ),
    errors=("stack.not-found",),
    see_also=("config show", "deploy"),
)

GROUP = Group(
    path="config",
    summary="Read and change stack.toml",
    commands=(SHOW, GET, SET, EDIT, VALIDATE, PATH),
    description="""
        The settings of a stack stand in its stack.toml: which services are
        on, paths, users, time zone, ports. Passwords are not among them.
    """,
    examples=(
        ("usenet config show", "Shows all settings."),
        (
            "usenet config set stack.timezone Europe/Berlin",
            "Changes one.",
        ),
    ),
    errors=("stack.not-found", "file.denied"),
    see_also=("deploy", "validate"),
)
