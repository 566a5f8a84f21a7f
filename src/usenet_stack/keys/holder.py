"""The operation that gives a new key to one who held the old one."""

from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.keys.containers import containers, run_again
from usenet_stack.keys.kept import forget, is_kept, keep, kept, veiled
from usenet_stack.keys.places import Place
from usenet_stack.keys.telling import (
    held_value,
    replace_in_text,
    tell,
    try_out,
)
from usenet_stack.services import come_to_rest
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import SecretValue
from usenet_stack.transaction.operation import Before, Context, Operation


class TellHolder(Operation, frozen=True):
    """Give the new key to one place of another application.

    Args:
        service: whose key it is.
        secret: its name in `.env`.
        place: who holds it, and where.
        proven: it could use the old key, so that it must be able to use
            the new one.
    """

    kind: ClassVar[str] = "keys.tell"
    service: str
    secret: str
    place: Place
    proven: bool = True

    def describe(self) -> str:
        return (
            f"tell {self.place.service} the new key of {self.service}: "
            f"{self.place.title}"
        )

    def prepare(self, context: Context) -> Before:
        stack = load_stack(context.stack_folder)
        if self.place.kind == "text":
            return {}
        held = held_value(stack, self.place)
        if held is not None:
            keep(context, self._held(context), held)
        runs = self.place.service in containers(stack)
        return {"running": [self.place.service] if runs else []}

    def do(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            old = kept(context, f"{self.secret}.old")
            new = kept(context, f"{self.secret}.new")
            if self.place.kind == "text":
                replace_in_text(stack, self.place, old, new)
                return
            keep(context, self._sent(context), SecretValue("sent"))
            try:
                tell(stack, self.place, new)
            except UsenetError as error:
                if error.code in ("app.refused", "app.unauthorised"):
                    # It said no: nothing has changed there.
                    forget(context, self._sent(context))
                raise
            if self.proven:
                try_out(stack, self.place)

    def undo(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            new = kept(context, f"{self.secret}.new")
            if self.place.kind == "text":
                old = kept(context, f"{self.secret}.old")
                replace_in_text(stack, self.place, new, old)
                return
            if self.place.kind == "ini":
                # The Engine may still stop or start it for a killed run.
                come_to_rest(stack.project, before["running"])
            if is_kept(context, self._sent(context)):
                self._take_back(stack, context)
            run_again(stack, before["running"], context.progress)

    def _take_back(self, stack: Stack, context: Context) -> None:
        name = self._held(context)
        clear = is_kept(context, name)
        held = kept(context, name if clear else f"{self.secret}.old")
        if clear and held_value(stack, self.place) == held:
            return
        try:
            tell(stack, self.place, held)
        except UsenetError:
            # It refuses to take the old key: it may have refused the new
            # one as well. That shows while the application has the new.
            known = clear or not self.proven
            if known or not self._holds_old(stack):
                raise

    def _holds_old(self, stack: Stack) -> bool:
        try:
            try_out(stack, self.place)
        except UsenetError as error:
            return error.code == "keys.holder-refused"
        return False

    def verify(self, context: Context) -> bool:
        if self.place.kind == "text":
            return True
        stack = load_stack(context.stack_folder)
        found = held_value(stack, self.place)
        new = kept(context, f"{self.secret}.new")
        return found is None or found == new

    def manual(self, before: Before) -> str:
        return (
            f"in {self.place.service}, {self.place.title}: enter the key "
            f"that `usenet keys show {self.service}` prints"
        )

    def _held(self, context: Context) -> str:
        return f"held-{context.step}"

    def _sent(self, context: Context) -> str:
        return f"sent-{context.step}"
