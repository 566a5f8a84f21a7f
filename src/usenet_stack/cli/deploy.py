"""`usenet deploy`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import SERVICE_GROUPS, Command, Option
from usenet_stack.result import Result


def deploy(call: Call) -> Result:
    """Bring the stack up, or print the plan of it."""
    import os
    from pathlib import Path

    from usenet_stack.cli.context import announce, approve, ask, progress
    from usenet_stack.deploy.request import DeployRequest, target_folder
    from usenet_stack.deploy.run import deploy_stack

    request = DeployRequest(
        stack_folder=call.stack_folder,
        sandbox=call.flag("sandbox"),
        profile=call.profile or None,
        services=call.names("services"),
        group=call.text("group") or None,
        skip_validation=call.flag("skip_validation"),
        storage_only=call.flag("storage_only"),
        hardware_only=call.flag("hardware_only"),
        lan=call.flag("lan"),
        pull=call.flag("pull"),
        auto=call.flag("auto"),
        dry_run=call.dry_run,
    )
    folder = target_folder(request, Path.cwd(), os.environ)
    announce(call, folder)
    new = not (request.sandbox or (folder / "stack.toml").exists())
    if new and not (call.yes or call.dry_run or request.lan):
        question = "Shall other machines of your network reach the services?"
        request = request._replace(lan=ask(call, question))
    with progress(call) as observer:
        return deploy_stack(
            request, observer, lambda fixes: approve(call, fixes)
        )


COMMAND = Command(
    path="deploy",
    summary="Bring the whole stack up",
    run=deploy,
    show="deploy:show_deploy",
    description="""
        Checks the machine, makes folders, passwords and compose.yaml, gets
        the images, starts the services and waits until they answer. Run
        again, it changes only what differs; after Ctrl-C or a crash it
        continues. A service that fails does not stop the others (exit 3).

        A new stack asks whether other machines of your network may reach it;
        without --lan and a yes it listens on this machine alone. With
        --sandbox it makes a stack of simulated services in a folder of its
        own, to try things out; nothing is downloaded for it.
    """,
    options=(
        Option(("--sandbox",), "Make or update the simulated stack"),
        Option(
            ("--services",),
            "Deploy only these services",
            metavar="A,B",
            kind="list",
            complete="service",
        ),
        Option(
            ("--group",),
            "Deploy only the services of one group",
            metavar="GROUP",
            choices=SERVICE_GROUPS,
        ),
        Option(("--auto",), "Choose the profile that fits the hardware"),
        Option(("--lan",), "Let other machines of the network in"),
        Option(("--pull",), "Look for newer images first"),
        Option(("--skip-validation",), "Do not check the machine first"),
        Option(("--storage-only",), "Stop after the storage is ready"),
        Option(("--hardware-only",), "Stop after looking at the hardware"),
    ),
    examples=(
        (
            "usenet deploy --sandbox --yes",
            "Tries everything out with simulated services.",
        ),
        ("usenet deploy --auto --lan", "Brings up the real stack, for all."),
        (
            "usenet deploy --services sonarr,sabnzbd",
            "Brings up two services only.",
        ),
        ("usenet deploy --dry-run", "Prints every step; changes nothing."),
    ),
    errors=("deploy.preflight", "deploy.service-failed", "lock.held"),
    see_also=("services list", "validate", "destroy", "journal list"),
)
