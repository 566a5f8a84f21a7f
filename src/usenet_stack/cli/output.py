"""Where the output of a call goes: results to stdout, remarks to stderr."""

import sys
from collections.abc import Mapping
from typing import IO

from usenet_stack.render import terminal
from usenet_stack.result import Result


class Output:
    """The two streams of a call, and how to write on them.

    Args:
        environ: the environment, for NO_COLOR and COLUMNS.
        json: one envelope on stdout and nothing else.
        no_color: write without colours.
        quiet: leave remarks out.
        verbose: how often -v was given.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        json: bool = False,
        no_color: bool = False,
        quiet: bool = False,
        verbose: int = 0,
    ) -> None:
        self.environ = environ
        self.json = json
        self.no_color = no_color
        self.quiet = quiet
        self.verbose = verbose

    def colour(self, stream: IO[str]) -> bool:
        """Tell whether to colour what goes to this stream."""
        return terminal.wants_colour(stream, self.environ, self.no_color)

    def width(self, stream: IO[str], limit: int = terminal.PAGE) -> int:
        """Return the columns to fill on this stream."""
        return terminal.width_of(stream, self.environ, limit)

    def warn(self, text: str) -> None:
        """Write a warning on stderr."""
        from usenet_stack.render.sentences import warning_text

        err = sys.stderr
        err.write(warning_text(text, self.width(err), self.colour(err)))

    def deprecate(self, text: str) -> None:
        """Write one line on stderr, however long it is."""
        sys.stderr.write(f"deprecated: {text}\n")

    def finish(self, result: Result, show: str) -> None:
        """Write the result of a command.

        Args:
            result: what it found or did.
            show: "module:function" below `usenet_stack.render`; "text:key"
                for data that is text already; "" for nothing to show.
        """
        if self.json and result.streamed:
            return
        if self.json:
            from usenet_stack.render.envelope import envelope_text

            folded = sys.stdout.isatty()
            sys.stdout.write(envelope_text(result, folded=folded))
            sys.stdout.flush()
            return
        if show and result.data:
            self._show(result, show)
        for level, text in result.messages:
            if level == "warning":
                self.warn(text)
            elif not self.quiet:
                sys.stdout.write(f"{text}\n")
        # What was done comes before what failed, also where both streams
        # end in one file.
        sys.stdout.flush()
        self._errors(result)

    def _show(self, result: Result, show: str) -> None:
        module, _, function = show.partition(":")
        if module == "text":
            text = str(result.data[function])
            sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
            return
        from importlib import import_module

        from usenet_stack.render.screen import Screen

        screen = Screen(
            sys.stdout,
            self.width(sys.stdout, terminal.WIDE),
            colour=self.colour(sys.stdout),
            verbose=self.verbose,
            quiet=self.quiet,
        )
        renderer = import_module(f"usenet_stack.render.{module}")
        getattr(renderer, function)(result.data, screen)

    def _errors(self, result: Result) -> None:
        if not result.errors:
            return
        from usenet_stack.render.sentences import error_text

        err = sys.stderr
        width, colour = self.width(err), self.colour(err)
        for error in result.errors:
            err.write(error_text(error, width, colour))
        err.flush()
