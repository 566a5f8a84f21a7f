"""What every client of an application can do."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from usenet_stack.apps.http import Http

# Flat and plain, as it stands in the JSON of `usenet services list`; a
# figure that is not there is not known.
Figures = dict[str, int | float | str]

# In place of figures that only an administrator may see: there is none yet,
# or none whose password we know.
SETUP_PENDING: Figures = {"setup": "pending"}


class App(Protocol):
    """A client of one running application; close it, or use it in `with`."""

    @property
    def name(self) -> str:
        """Return the service's name."""
        ...

    def version(self) -> str:
        """Return the application's own version.

        Raises:
            UsenetError: one of app.*.
        """
        ...

    def figures(self) -> Figures:
        """Return what `usenet services list` shows, in a call or two.

        Returns: with "setup": "pending" when the application works and
            waits for its first administrator, or has one that we cannot
            log in as.
        Raises:
            UsenetError: one of app.*.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Client:
    """What the clients share: a connection with a name."""

    def __init__(self, http: "Http") -> None:
        self.http = http

    @property
    def name(self) -> str:
        """Return the service's name."""
        return self.http.service

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"
