"""The ``understudy`` command, also ``python -m understudy_local``."""

import sys


def main() -> None:
    """Run the command line; a Ctrl-C while it is still being loaded ends it as quietly as one later."""
    try:
        from understudy_local.cli import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
