"""Entry point of `python -m usenet_stack` and of the `usenet` script."""


def main() -> int:
    from usenet_stack.cli.main import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
