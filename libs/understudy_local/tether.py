"""Run a command that does not outlive the process that wanted it: ``tether.py <parent> <command> [argument …]``.

A supervisor that is killed cannot end its children; the kernel (Linux's) can. The signal is asked for here and not
between fork and exec of the supervisor, where Python code is not safe. The command takes this process over, with its
pid.

Standard library only, and nothing of ours: it runs with ``python -I -S``, to be quick.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent's life, then become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before the kernel was asked
        sys.exit(1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and the command would inherit that
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
