"""``python -m understudy_local`` is the ``understudy`` command."""

from understudy_local.cli import main

if __name__ == "__main__":
    main()
