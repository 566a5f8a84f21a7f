"""Usage lines, and the errors of a command line that cannot be right.

Each error names the nearest thing that there is, lists what there is, and
names the help page; its exit code is 2.
"""

from collections.abc import Iterable

from usenet_stack.cli.registry import ENTRIES, GLOBAL_OPTIONS
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.errors import UsenetError

Topic = Group | Command | None


def usage_line(topic: Topic) -> str:
    """Return how a command is written: "usenet storage add PATH"."""
    if topic is None:
        return "usenet COMMAND [OPTIONS]"
    if isinstance(topic, Group):
        return f"usenet {topic.path} VERB [OPTIONS]"
    words = [_argument_usage(argument) for argument in topic.arguments]
    words += [f"[{_option_usage(option)}]" for option in topic.options]
    return " ".join(["usenet", topic.path, *words])


def _argument_usage(argument: Argument) -> str:
    shown = argument.name + ("..." if argument.many else "")
    return shown if argument.required else f"[{shown}]"


def _option_usage(option: Option) -> str:
    name = option.names[0]
    return f"{name} {option.metavar}" if option.metavar else name


def unknown_command(word: str) -> UsenetError:
    """The first word names nothing."""
    problem = f"There is no command `{word}`."
    return _unknown(problem, word, ENTRIES, "usenet help")


def unknown_verb(group: Group, word: str) -> UsenetError:
    """The second word names no verb of the group."""
    problem = f"`usenet {group.path}` has no verb `{word}`."
    return _unknown(problem, word, group.verbs, f"usenet help {group.path}")


def unknown_option(name: str, topic: Topic) -> UsenetError:
    """The option is none of this command's."""
    if isinstance(topic, Group):
        for command in topic.commands:
            if any(name in option.names for option in command.options):
                return usage_error(
                    f"{name} belongs to a verb: write it after the verb.",
                    help_command(command),
                )
    own = topic.options if isinstance(topic, Command) else ()
    names = [option.names[0] for option in (*own, *GLOBAL_OPTIONS)]
    shown = f"usenet {topic.path}" if topic else "usenet"
    problem = f"`{shown}` has no option `{name}`."
    return _unknown(problem, name, names, help_command(topic))


def bad_value(
    name: str, word: str, choices: Iterable[str], topic: Topic
) -> UsenetError:
    """An option or argument takes only certain words."""
    problem = f"{name} cannot be `{word}`."
    return _unknown(problem, word, choices, help_command(topic))


def help_command(topic: Topic) -> str:
    """Return the command that explains a topic."""
    return f"usenet {topic.path} --help" if topic else "usenet help"


def _unknown(
    problem: str, word: str, known: Iterable[str], hint: str
) -> UsenetError:
    from difflib import get_close_matches

    names = list(known)
    typed = word.lower()
    begun = [name for name in names if typed and name.startswith(typed)]
    near = begun or get_close_matches(typed, names, 1, 0.5)
    meant = f" Did you mean `{near[0]}`?" if near else ""
    return usage_error(problem + meant, hint, "There is: " + ", ".join(names))


def usage_error(message: str, hint: str, *details: str) -> UsenetError:
    """Return an error with exit code 2."""
    return UsenetError("usage", message=message, hint=hint, details=details)


def incomplete(command: Command, problem: str) -> UsenetError:
    """Something is missing: show how it is written, and one example."""
    example = command.examples[0][0]
    return usage_error(
        f"`usenet {command.path}` {problem}.",
        f"usenet {command.path} --help",
        f"Usage: {usage_line(command)}",
        f"Example: {example}",
    )
