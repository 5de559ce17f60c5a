"""What keeps a local stack from starting or a command from finding it; each message says what to do next."""

from __future__ import annotations

from typing import ClassVar

from understudy_domain.errors import UnderstudyError


class LocalError(UnderstudyError):
    """The root of what the ``understudy`` command reports to a person."""

    code: ClassVar[str] = "local"
    refusal: str | None = None
    """The control API's own code, where it was the API that refused and its answer has one."""


class AccessKeysRefused(LocalError):
    """The file of access keys that the control API is to take cannot be used."""

    code = "access_keys_refused"


class NoCredentials(LocalError):
    """The stack takes signed requests only, and there is nothing to sign with."""

    code = "no_credentials"


class PortTaken(LocalError):
    """A port of the stack is in use by something else."""

    code = "port_taken"


class DataDirectoryUnusable(LocalError):
    """The data directory cannot be made or written to."""

    code = "data_directory_unusable"


class StackRunsAlready(LocalError):
    """Another stack works on the same data directory."""

    code = "stack_runs_already"


class StackNotRunning(LocalError):
    """A command needs a running stack and there is none on the data directory."""

    code = "stack_not_running"


class PartFailed(LocalError):
    """A part of the stack ended, or did not become ready, while it was started."""

    code = "part_failed"


class ProgramMissing(LocalError):
    """A program that comes with the installation is not there."""

    code = "program_missing"


class DemoFailed(LocalError):
    """The demo channel could not be made or an encoder did not obey."""

    code = "demo_failed"


class PictureFailed(LocalError):
    """A picture could not be drawn."""

    code = "picture_failed"


class NoSuchResource(LocalError):
    """No channel, origin endpoint or slot is what a command names."""

    code = "no_such_resource"


class LogsUnreadable(LocalError):
    """The logs of a stack cannot be read."""

    code = "logs_unreadable"


class ExportUnusable(LocalError):
    """An export cannot be written or read."""

    code = "export_unusable"


class NothingToReplay(LocalError):
    """A log holds too little to replay it."""

    code = "nothing_to_replay"


class NothingToTry(LocalError):
    """The numbers of a what-if contradict each other."""

    code = "nothing_to_try"


class ApiRefused(LocalError):
    """The stack's control API refuses a request; the message is its own."""

    code = "api_refused"

    def __init__(self, message: str, refusal: str | None = None) -> None:
        """With the API's own code, where its answer has one."""
        super().__init__(message)
        self.refusal = refusal


class ApiUnreachable(LocalError):
    """The stack's control API gives no answer."""

    code = "api_unreachable"
