"""`usenet keys`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return the keys of all services, masked."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.keys import list_keys

    return list_keys(open_stack(call))


def show(call: Call) -> Result:
    """Return one key, after a yes."""
    from usenet_stack.cli.context import ask, open_stack, with_yes
    from usenet_stack.errors import UsenetError
    from usenet_stack.keys import show_key

    result = show_key(open_stack(call), call.text("name"))
    service = result.data["service"]
    question = f"Print the key of {service} on this screen?"
    if call.yes or ask(call, question):
        return result
    raise UsenetError(
        "keys.not-shown", service=service, command=with_yes(call.words)
    )


def rotate(call: Call) -> Result:
    """Give services new keys."""
    from usenet_stack import keys
    from usenet_stack.cli.context import (
        confirm,
        open_stack,
        plan_result,
        progress,
    )

    stack, names = open_stack(call), call.names("name")
    every = call.flag("all")
    if call.dry_run:
        plan, left = keys.plan_rotations(stack, names, all=every)
        result = plan_result(plan)
        for error in left:
            result.warn(error.message)
        return result
    which = "all services" if every else ", ".join(names)
    confirm(
        call,
        f"Make new keys for {which}? The old ones stop working.",
        f"making new keys for {which}",
    )
    with progress(call) as observer:
        return keys.rotate(stack, names, all=every, observer=observer)


LIST = Command(
    path="keys list",
    summary="List the keys of the services, masked",
    run=list_all,
    show="keys:show_keys",
    description="""
        Lists every service that guards its API with a key or a password:
        its name in .env, since when it is in use, whether the running
        application accepts it, and which other applications hold it. Of a
        key its last four characters show, of a password none.
    """,
    examples=(
        ("usenet keys list", "Lists the keys."),
        ("usenet keys list -v", "Says where each of them is held."),
        ("usenet keys list --format json", "The same for a program."),
    ),
    errors=("stack.not-found", "env.invalid"),
    see_also=("keys show", "keys rotate", "services list"),
)

SHOW = Command(
    path="keys show",
    summary="Print the key of a service",
    run=show,
    show="keys:show_key",
    description="""
        Prints one key in clear, and nothing else, after it has asked. With
        --yes it does not ask. No other command prints a key.
    """,
    arguments=(Argument("NAME", "The service", complete="service"),),
    examples=(
        ("usenet keys show sonarr", "Asks, then prints the key."),
        ("usenet keys show sonarr --yes", "Prints it, also into a pipe."),
    ),
    errors=("keys.not-shown", "keys.none", "service.unknown"),
    see_also=("keys list", "keys rotate"),
)

ROTATE = Command(
    path="keys rotate",
    summary="Give services new keys, and tell all who hold them",
    run=rotate,
    show="keys:show_rotation",
    description="""
        Makes a new key, writes it to .env, gives it to the application and
        tells every other application that holds the old one: Prowlarr, the
        download clients in Sonarr and the others, Bazarr, Seerr, Mylar3,
        and the files of Recyclarr and Homepage. They are found by looking.

        When a step fails, or an application cannot get in with the new key,
        all of it is put back. Nothing is begun while one that may hold the
        key does not answer.
    """,
    arguments=(
        Argument(
            "NAME", "Services", required=False, many=True, complete="service"
        ),
    ),
    options=(Option(("--all", "-a"), "All services, one after the other"),),
    one_of=("NAME", "--all"),
    examples=(
        ("usenet keys rotate sonarr --dry-run", "Says who would be told."),
        ("usenet keys rotate sonarr", "Asks, then does it."),
        ("usenet keys rotate --all --yes", "Gives all of them new keys."),
    ),
    errors=(
        "keys.holder-silent",
        "keys.differs",
        "keys.by-hand",
        "transaction.rolled-back",
    ),
    see_also=("keys list", "keys show", "journal list"),
)

GROUP = Group(
    path="keys",
    summary="Keys of the services: list, show, rotate",
    commands=(LIST, SHOW, ROTATE),
    description="""
        Each service has a key by which the others get in. They stand in
        .env in the stack's folder, readable by you alone.
    """,
    examples=(
        ("usenet keys list", "Lists the keys, masked."),
        ("usenet keys rotate sonarr", "Gives Sonarr a new one."),
    ),
    errors=("stack.not-found", "keys.holder-silent"),
    see_also=("services", "config", "journal"),
)
