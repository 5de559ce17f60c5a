"""``python -m support.cdn_soak``: minutes of live programme through nginx and Varnish, and a verdict.

It starts a local stack of its own, listens on 127.0.0.1 alone, and ends by itself.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support.browser import MissingProgram
from support.cdn_report import CdnRun
from support.cdn_run import CdnDirector
from support.control import Control
from support.stack import Stack, free_port_offset

DURATION_SECONDS = 600
VIEWERS = 200
DURATION_SECONDS_MAX = 7200
VIEWERS_MAX = 2000
_SHOWN = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Play; 0 when nothing was wrong, 1 when something was, 2 when nginx or Varnish is missing."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # with all that it has started
    with tempfile.TemporaryDirectory(prefix="understudy-soak-cdn-") as name:
        directory = Path(name)
        (directory / "stack").mkdir()
        stack = Stack(directory / "stack" / "data", port_offset=free_port_offset())
        print(f"{options.viewers} viewers for {options.seconds} s; encoding the programme first", flush=True)
        stack.start()
        try:
            director = CdnDirector(
                stack,
                Control(stack),
                directory,
                duration_seconds=options.seconds,
                viewers=options.viewers,
                say=lambda text: print(text, flush=True),
            )
            return _tell(director.play())
        except MissingProgram as missing:
            print(missing, file=sys.stderr)
            return 2
        finally:
            stack.stop()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m support.cdn_soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=DURATION_SECONDS, help="how long; whole minutes count")
    parser.add_argument("--viewers", type=int, default=VIEWERS, help="of nginx and Varnish together")
    options = parser.parse_args(arguments)
    if not 60 <= options.seconds <= DURATION_SECONDS_MAX:
        parser.error(f"--seconds: from 60 to {DURATION_SECONDS_MAX}, not {options.seconds}")
    if not 10 <= options.viewers <= VIEWERS_MAX:
        parser.error(f"--viewers: from 10 to {VIEWERS_MAX}, not {options.viewers}")
    return options


def _tell(run: CdnRun) -> int:
    print(f"\n{run.table()}\n")
    print(f"{run.failovers} failovers, {run.kills} egress processes killed one at a time, and both at once in the end")
    print(f"The looks at egress itself were {run.truth.longest_look_seconds:.2f} s apart at most.")
    problems = run.problems()
    for problem in problems[:_SHOWN]:
        print(f"  {problem}")
    if len(problems) > _SHOWN:
        print(f"  and {len(problems) - _SHOWN} more")
    print("FAILED" if problems or not run.failovers else "PASSED")
    return 1 if problems or not run.failovers else 0


if __name__ == "__main__":
    sys.exit(main())
