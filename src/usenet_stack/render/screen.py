"""Where tables and lists are printed: a width, colours or none."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

from usenet_stack.render.terminal import printable, speaks_unicode

# Rich costs more than the rest of a quick answer: only what needs it
# imports it.
if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

Justify = Literal["left", "right"]


class Column(NamedTuple):
    """A column of a table.

    Args:
        title: its heading.
        justify: numbers stand at the right.
        fixed: never folded; its text is short.
    """

    title: str
    justify: Justify = "left"
    fixed: bool = False


class Cell(NamedTuple):
    """Text with a style of rich's: "green", "bold red"."""

    text: str
    style: str = ""


class Screen:
    """The standard output of a command, as renderers see it.

    Args:
        stream: where it goes.
        width: columns to fill.
        colour: whether styles show.
        verbose: how often -v was given.
        quiet: print data only, no remarks.
    """

    def __init__(
        self,
        stream: IO[str],
        width: int,
        *,
        colour: bool = False,
        verbose: int = 0,
        quiet: bool = False,
    ) -> None:
        self.width = width
        self.verbose = verbose
        self.quiet = quiet
        self._stream = stream
        self._colour = colour

    @cached_property
    def _console(self) -> "Console":
        from rich.console import Console

        # Text from services must not be taken for rich's own markup.
        return Console(
            file=self._stream,
            width=self.width,
            force_terminal=self._colour,
            no_color=not self._colour,
            markup=False,
            highlight=False,
            emoji=False,
        )

    @property
    def colour(self) -> bool:
        """Tell whether styles show."""
        return self._colour

    @property
    def unicode(self) -> bool:
        """Tell whether more than ASCII can be shown."""
        return speaks_unicode(self._stream)

    def drawn(self, lines: Iterable[str]) -> None:
        """Print lines that were laid out for this screen, styles included."""
        for line in lines:
            self._stream.write(f"{line}\n")

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line, wrapped between words."""
        if not self._colour and len(text) <= self.width and text.isascii():
            self._stream.write(f"{printable(text)}\n")
            return
        from rich.text import Text

        self._console.print(Text(printable(text), style))

    def exact(self, text: str, style: str = "") -> None:
        """Print a line that is there to be copied: never wrapped."""
        if not self._colour:
            self._stream.write(f"{printable(text)}\n")
            return
        from rich.text import Text

        self._console.print(Text(printable(text), style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.line(text, "bold")

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str | Cell]],
    ) -> None:
        """Print a table without lines: headings, then the rows."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(
                column.title,
                justify=column.justify,
                no_wrap=column.fixed,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*map(_text, row))
        self._print(table)

    def facts(self, rows: Iterable[tuple[str, str | Cell]]) -> None:
        """Print names and values in two columns."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(Text(name, "bold"), _text(value))
        self._print(table)

    def tree(self, title: str, branches: dict[str, Sequence[str]]) -> None:
        """Print a tree of two levels."""
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(printable(title), "bold"))
        for name, leaves in branches.items():
            branch = tree.add(Text(printable(name)))
            for leaf in leaves:
                branch.add(Text(printable(leaf)))
        self._print(tree)

    def _print(self, shown: "RenderableType") -> None:
        # Cells are padded with spaces, which no reader of a file wants.
        with self._console.capture() as captured:
            self._console.print(shown)
        for line in captured.get().splitlines():
            self._stream.write(line.rstrip() + "\n")


def _text(cell: str | Cell) -> "Text":
    from rich.text import Text

    if isinstance(cell, Cell):
        return Text(printable(cell.text), cell.style)
    return Text(printable(cell))
