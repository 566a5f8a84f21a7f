"""Operations that give an application a new key.

The old and the new key stand in private files beside the journal (`kept`);
operations know the name of the secret only.
"""

from pathlib import Path
from typing import ClassVar

from usenet_stack.apps.registry import open_app
from usenet_stack.apps.sabnzbd import Sabnzbd
from usenet_stack.errors import UsenetError
from usenet_stack.keys.containers import (
    containers,
    recreate,
    recreate_after_all,
    run_again,
    stopped,
)
from usenet_stack.keys.kept import keep, kept, veiled
from usenet_stack.keys.keyfile import (
    read_text,
    replace_element,
    rewrite,
)
from usenet_stack.keys.verdict import judge
from usenet_stack.keys.ways import declared, differs
from usenet_stack.services import come_to_rest
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import (
    Secrets,
    SecretValue,
    generate,
    read_env,
    read_env_text,
    set_in_env,
    write_env,
)
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before, Context, Operation


class ChangeKey(Operation, frozen=True):
    """Give an application a new key, in `.env` and in itself.

    Args:
        service: whose key it is.
        secret: its name in `.env`.
        others: services that get it from `.env` with their environment.
    """

    service: str
    secret: str
    others: tuple[str, ...] = ()

    def describe(self) -> str:
        also = f" and of {', '.join(self.others)}" if self.others else ""
        return (
            f"make a new {self.secret}, write it to .env, and "
            f"{self.how()}{also}"
        )

    def how(self) -> str:
        """Return what happens to the container: "recreate the container
        of sonarr"."""
        raise NotImplementedError

    @property
    def recreated(self) -> tuple[str, ...]:
        """Return the services whose containers are made anew."""
        return self.others

    def prepare(self, context: Context) -> Before:
        stack, env = self.world(context)
        keep(context, f"{self.secret}.old", env[self.secret])
        keep(context, f"{self.secret}.new", self.made(stack))
        return {
            "env": keep_file(context, stack.env_path.resolve()),
            "running": sorted(
                {self.service, *self.others} & set(containers(stack))
            ),
        }

    def made(self, stack: Stack) -> SecretValue:
        """Return a new key."""
        secret = declared(stack.catalog[self.service])
        assert secret is not None
        return generate(secret)

    def do(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            new = kept(context, f"{self.secret}.new")
            text = read_env_text(stack.folder)
            write_env(stack.folder, set_in_env(text, self.secret, new))
            self.settle(stack, context, new)
            self.update_others(stack, context, before)

    def undo(self, context: Context, before: Before) -> None:
        with veiled(context, self.secret):
            stack = load_stack(context.stack_folder)
            self.put_env_back(stack, context, before)
            old = kept(context, f"{self.secret}.old")
            again = [n for n in self.recreated if n in before["running"]]
            if self.service not in again:
                self.settle(stack, context, old)
            if again:
                secrets = read_env(stack.folder)
                recreate_after_all(stack, again, secrets, context.progress)
            run_again(stack, before["running"], context.progress)

    def put_env_back(
        self, stack: Stack, context: Context, before: Before
    ) -> None:
        """Undo our change of `.env`, and none that somebody made since."""
        text = read_env_text(stack.folder)
        was = Path(before["env"]).read_bytes().decode()
        new = kept(context, f"{self.secret}.new")
        if text == was:
            return
        if text == set_in_env(was, self.secret, new).reveal():
            put_back(before["env"], stack.env_path.resolve())
            return
        old = kept(context, f"{self.secret}.old")
        write_env(stack.folder, set_in_env(text, self.secret, old))

    def settle(
        self, stack: Stack, context: Context, value: SecretValue
    ) -> None:
        """Make the application use a key that stands in `.env` already."""
        raise NotImplementedError

    def update_others(
        self, stack: Stack, context: Context, before: Before
    ) -> None:
        """Recreate those that get the key with their environment."""
        others = [name for name in self.others if name in before["running"]]
        if others:
            secrets = read_env(stack.folder)
            recreate(stack, others, secrets, context.progress)

    def verify(self, context: Context) -> bool:
        stack, env = self.world(context)
        service = stack.catalog[self.service]
        new = kept(context, f"{self.secret}.new")
        old = kept(context, f"{self.secret}.old")
        found = judge(stack, service, env, new)
        if found.state not in ("accepted", "setup"):
            raise UsenetError(
                "keys.new-refused", service=self.service, why=found.reason
            )
        if judge(stack, service, env, old).state == "accepted":
            raise UsenetError("keys.old-accepted", service=self.service)
        return True

    def world(self, context: Context) -> tuple[Stack, Secrets]:
        """Return the stack and what its `.env` holds."""
        stack = load_stack(context.stack_folder)
        return stack, read_env(stack.folder)

    def manual(self, before: Before) -> str:
        kept = Path(before["env"])
        return f"cp -p {kept} .env (in the stack's folder), then: usenet deploy"


class ChangeEnvKey(ChangeKey, frozen=True):
    """The application takes its key from the container's environment."""

    kind: ClassVar[str] = "keys.change-env"

    def how(self) -> str:
        return f"recreate the container of {self.service}"

    @property
    def recreated(self) -> tuple[str, ...]:
        return self.service, *self.others

    def settle(
        self, stack: Stack, context: Context, value: SecretValue
    ) -> None:
        secrets = read_env(stack.folder)
        recreate(stack, (self.service,), secrets, context.progress)


class ChangeFileKey(ChangeKey, frozen=True):
    """The application keeps its key in a file that it writes at its end."""

    kind: ClassVar[str] = "keys.change-file"

    def how(self) -> str:
        return f"put it into the settings of {self.service} while it is stopped"

    def settle(
        self, stack: Stack, context: Context, value: SecretValue
    ) -> None:
        service = stack.catalog[self.service]
        key = service.key
        path = stack.config_folder(service) / key.file

        with stopped(stack, self.service, context.progress):
            text = read_text(path)
            new = replace_element(text, key.format, key.element, value.reveal())
            rewrite(path, new)

    def undo(self, context: Context, before: Before) -> None:
        # The Engine may still stop or start it for a run that was killed.
        stack = load_stack(context.stack_folder)
        come_to_rest(stack.project, (self.service,))
        super().undo(context, before)


class ChangeLiveKey(ChangeKey, frozen=True):
    """SABnzbd takes a key of our choice while it runs."""

    kind: ClassVar[str] = "keys.change-live"

    def how(self) -> str:
        return f"give it to {self.service} while it runs"

    def settle(
        self, stack: Stack, context: Context, value: SecretValue
    ) -> None:
        service, env = stack.catalog[self.service], read_env(stack.folder)
        if judge(stack, service, env, value).state == "accepted":
            return
        for name in ("old", "new"):
            known = kept(context, f"{self.secret}.{name}")
            if judge(stack, service, env, known).state != "accepted":
                continue
            app = open_app(stack, service, env.having(self.secret, known))
            assert isinstance(app, Sabnzbd)
            with app:
                app.http.keep_secret(value)
                section, _, keyword = service.key.element.partition(".")
                app.set_config(section, keyword, value.reveal())
            return
        raise differs(stack, service)
