"""`usenet hardware`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command, Group
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return what the machine offers, and the profile that suits it."""
    from usenet_stack.hardware import list_hardware

    return list_hardware()


LIST = Command(
    path="hardware list",
    summary="Show processor, memory, graphics and the fitting profile",
    run=list_all,
    show="hardware:show_hardware",
    description="""
        Shows what the machine offers to the services: processor cores,
        memory, graphics processors that can transcode video, and which
        resource profile suits it. `usenet deploy --auto` takes that profile.
    """,
    examples=(
        ("usenet hardware list", "Shows this machine."),
        ("usenet hardware list --format json", "The same for a program."),
    ),
    see_also=("deploy", "validate", "config set"),
)

GROUP = Group(
    path="hardware",
    summary="What this machine offers",
    commands=(LIST,),
    description="""
        The machine's processor, memory and graphics, as far as they matter
        for transcoding and for how much the services may use.
    """,
    examples=(("usenet hardware list", "Shows this machine."),),
    see_also=("deploy", "validate"),
)
