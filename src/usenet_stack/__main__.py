"""Entry point of `python -m usenet_stack` and of the `usenet` script."""


def main() -> int:
    import gc

    # What is imported stays: looking through it for garbage, again and
    # again, is a tenth of a short command's time.
    gc.set_threshold(20_000, 20, 20)
    from usenet_stack.cli.main import run

    return run()


def leave(code: int) -> None:
    """End the process, its output written.

    Taking the interpreter apart, object by object, would take as long as
    starting it. Nothing of ours waits for that: files are closed where they
    are used, and threads that are left are those nobody waits for.
    """
    import os
    import sys

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        raise SystemExit(code) from None
    os._exit(code)


def start() -> None:
    """Be the program: what `usenet` and `python -m usenet_stack` call."""
    leave(main())


if __name__ == "__main__":
    start()
