"""Every command line in the documentation is one that the CLI understands."""

import re
import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from pages import CODE, all_pages, blocks, plain, shown

from usenet_stack.cli.help import explain
from usenet_stack.cli.parse import parse
from usenet_stack.errors import UsenetError

PAGES = all_pages()
PROGRAMS = ("usenet", "./usenet", "~/usenet-media-stack/usenet")
# What ends a command of the shell: pipes, redirections, lists, brackets.
ENDS = re.compile(r"[|&;<>()]+")
# The body of a here-document is another file's.
HERE = re.compile(r"(?<=<<'END'\n).*?^END$", re.MULTILINE | re.DOTALL)
INNER = re.compile(r"\$\(([^)]*)\)")
BEFORE = ("sudo", "time", "exec")


def typed_lines(text: str) -> Iterator[str]:
    """Yield the lines of a page that a reader is meant to type."""
    for body in blocks(text, "sh"):
        joined = HERE.sub("", body.replace("\\\n", " "))
        yield from (
            line for line in joined.splitlines() if not line.startswith("#")
        )
    for body in blocks(text, "console"):
        joined = body.replace("\\\n", " ")
        for line in joined.splitlines():
            if line.startswith("$ "):
                yield line[2:]


def named_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of commands that the prose only names.

    `usenet storage add|remove` names two.
    """
    for code in CODE.findall(plain(text)):
        words = shlex.split(code.partition(" | ")[0])
        if words and words[0] in PROGRAMS and words[1:] not in ([], ["..."]):
            ways = (word.split("|") for word in words[1:])
            yield from map(list, product(*ways))


def usenet_calls(line: str) -> Iterator[list[str]]:
    """Yield the words after `usenet` of each call in a line of the shell."""
    for inner in INNER.findall(line):
        yield from usenet_calls(inner)
    line = INNER.sub("FOUND", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if not ENDS.fullmatch(word):
            words.append(word)
            continue
        while words and (words[0] in BEFORE or "=" in words[0]):
            words.pop(0)
        if words and words[0] in PROGRAMS:
            yield words[1:]
        words = []


CALLS = [
    pytest.param(call, id=f"{shown(page)}: {shlex.join(call)}")
    for page in PAGES
    for line in typed_lines(page.read_text())
    for call in usenet_calls(line)
]
NAMED = [
    pytest.param(words, id=f"{shown(page)}: {shlex.join(words)}")
    for page in PAGES
    for words in named_commands(page.read_text())
]


@pytest.mark.parametrize("words", CALLS)
def test_a_documented_command_parses(words: list[str]) -> None:
    call = parse(words)
    if call.topic_path == "help":
        assert explain(call).data["help"]


@pytest.mark.parametrize("words", NAMED)
def test_a_named_command_exists(words: list[str]) -> None:
    # With --help its arguments may be missing; names and options may not.
    assert parse([*words, "--help"]).has("help")


def test_the_pages_hold_many_commands() -> None:
    paths = {str(param.id).partition(": ")[2] for param in CALLS}
    assert len(CALLS) > 120
    assert len(NAMED) > 40
    assert len(paths) > 25


def test_the_extraction_sees_commands_in_every_place() -> None:
    page = """Text with `usenet services list|stop` in it.

```sh
# a remark: usenet nonsense
cd "$(usenet config path)"
usenet completion bash \\
    > somewhere
DOCKER_HOST=unix:///x sudo usenet validate | cat
```

```console
$ ./usenet deploy --sandbox
usenet output is not typed
```
"""
    found = [call for line in typed_lines(page) for call in usenet_calls(line)]
    assert found == [
        ["config", "path"],
        ["completion", "bash"],
        ["validate"],
        ["deploy", "--sandbox"],
    ]
    assert list(named_commands(page)) == [
        ["services", "list"],
        ["services", "stop"],
    ]


def test_a_wrong_command_would_be_noticed() -> None:
    with pytest.raises(UsenetError):
        parse(["services", "lst"])


def test_the_two_first_commands_stand_in_the_readme() -> None:
    readme = Path(PAGES[0]).read_text()
    typed = [line for body in blocks(readme, "sh") for line in body.split("\n")]
    assert "./usenet deploy --sandbox --yes" in typed
    assert "make test" in typed
