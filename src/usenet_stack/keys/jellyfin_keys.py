"""Operations on the keys of Jellyfin, which makes them itself.

The new key is made beside the old one, everybody is told, and then the old
one is deleted: from there on there is only the way forward.
"""

from typing import ClassVar

from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.errors import UsenetError
from usenet_stack.keys.changing import ChangeKey
from usenet_stack.keys.containers import containers
from usenet_stack.keys.kept import is_kept, keep, kept, veiled
from usenet_stack.keys.verdict import judge
from usenet_stack.keys.ways import secret_name
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import (
    Secrets,
    SecretValue,
    read_env,
    read_env_text,
    set_in_env,
    write_env,
)
from usenet_stack.transaction.files import keep_file
from usenet_stack.transaction.operation import Before, Context, Operation


class MakeJellyfinKey(ChangeKey, frozen=True):
    """Jellyfin makes keys itself: the new one first, beside the old one."""

    kind: ClassVar[str] = "keys.make-jellyfin"

    def describe(self) -> str:
        return (
            f"let {self.service} make a new {self.secret}, and write it to .env"
        )

    def made(self, stack: Stack) -> SecretValue:
        # Only the names of the keys that were there: the new one is made
        # by `do`, after this is journalled.
        with self.client(stack) as app:
            there_are = app.keys()
            there = [str(each.get("AccessToken")) for each in there_are]
        return SecretValue("\n".join(there))

    def prepare(self, context: Context) -> Before:
        stack, env = self.world(context)
        none = SecretValue("")  # the first one: there is no old key
        keep(context, f"{self.secret}.old", env.get(self.secret, none))
        keep(context, f"{self.secret}.there", self.made(stack))
        kept_env = keep_file(context, stack.env_path.resolve())
        return {"env": kept_env, "running": sorted(containers(stack))}

    def do(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            if not is_kept(context, f"{self.secret}.new"):
                with self.client(stack) as app:
                    for stray in self.strays(context, app):
                        app.delete_key(stray)
                    made = app.create_key()
                keep(context, f"{self.secret}.new", made)
            new = kept(context, f"{self.secret}.new")
            text = read_env_text(stack.folder)
            write_env(stack.folder, set_in_env(text, self.secret, new))
            self.update_others(stack, context, before)

    def undo(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            if is_kept(context, f"{self.secret}.new"):
                self.put_env_back(stack, context, before)
            self.update_others(stack, context, before)
            with self.client(stack) as app:
                for stray in self.strays(context, app):
                    app.delete_key(stray)

    def verify(self, context: Context) -> bool:
        stack, env = self.world(context)
        found = judge(stack, stack.catalog[self.service], env)
        return found.state == "accepted"

    def strays(self, context: Context, app: Jellyfin) -> list[SecretValue]:
        """Return the keys of ours that were not there before."""
        there = kept(context, f"{self.secret}.there").reveal().split("\n")
        found = app.keys()
        return [
            SecretValue(str(each["AccessToken"]))
            for each in found
            if each.get("AppName") == "usenet"
            and each.get("AccessToken") not in there
        ]

    def client(self, stack: Stack) -> Jellyfin:
        """Return a client with the key that `.env` holds."""
        return jellyfin_client(stack, self.service, read_env(stack.folder))


class DropJellyfinKey(Operation, frozen=True):
    """Take the old key from Jellyfin, once nobody holds it any more.

    Args:
        service: Jellyfin's name in the stack.
        secret: the name of its key in `.env`.
    """

    kind: ClassVar[str] = "keys.drop-jellyfin"
    service: str
    secret: str

    def describe(self) -> str:
        return f"delete the old key in {self.service}"

    def do(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            env = read_env(stack.folder)
            with jellyfin_client(stack, self.service, env) as app:
                app.delete_key(kept(context, f"{self.secret}.old"))

    def undo(self, context: Context, before: Before) -> None:
        """A key that is gone cannot come back under its old name."""
        stack = load_stack(context.stack_folder)
        env, old = read_env(stack.folder), kept(context, f"{self.secret}.old")
        service = stack.catalog[self.service]
        if judge(stack, service, env, old).state != "accepted":
            raise UsenetError("keys.new-refused", service=self.service)

    def verify(self, context: Context) -> bool:
        stack = load_stack(context.stack_folder)
        env, old = read_env(stack.folder), kept(context, f"{self.secret}.old")
        service = stack.catalog[self.service]
        return judge(stack, service, env, old).state == "refused"


def check_first(stack: Stack, service: str, env: Secrets) -> None:
    """Check that Jellyfin lets us in to make the first key.

    Raises:
        UsenetError: keys.not-set-up, keys.login-refused, app.*.
    """
    try:
        with jellyfin_client(stack, service, env) as app:
            app.keys()
    except UsenetError as error:
        if error.code == "app.setup-pending":
            raise UsenetError("keys.not-set-up", service=service) from error
        if error.code not in ("app.no-key", "app.unauthorised"):
            raise
        raise UsenetError(
            "keys.login-refused",
            service=service,
            username=stack.catalog[service].key.username,
            name=secret_name(stack.catalog[service]),
            path=stack.env_path,
        ) from error


def jellyfin_client(stack: Stack, service: str, env: Secrets) -> Jellyfin:
    """Return the client of Jellyfin.

    Raises:
        UsenetError: app.no-key.
    """
    app = open_app(stack, stack.catalog[service], env)
    if not isinstance(app, Jellyfin):
        raise UsenetError("app.no-key", service=service)
    return app
