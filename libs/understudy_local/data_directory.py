"""What a local stack keeps on disk, and the lock that lets one stack at a time work on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from understudy_local.errors import DataDirectoryUnusable, StackNotRunning, StackRunsAlready

DEFAULT: Final = Path(".understudy")
REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The S3 credentials of one data directory. Clients of a control API that takes no signatures may use them too."""

    access_key_id: str
    secret_access_key: str
    region: str = REGION


class DataDirectory:
    """The files of one stack. Paths only, until ``create``."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.nats = self.path / "nats"
        self.s3 = self.path / "s3"
        self.logs = self.path / "logs"
        self.demo = self.path / "demo"
        self.stack_file = self.path / "stack.json"
        self._lock_file = self.path / "lock"
        self._credentials_file = self.path / "credentials.json"

    def create(self) -> None:
        """Make the folders that are not there yet.

        Raises:
            DataDirectoryUnusable: one cannot be made, or the directory is somebody else's: we remove files in ours.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._lock_file.exists() and any(self.path.iterdir()):
                raise DataDirectoryUnusable(
                    f"{self.path} holds other things already: name an empty or a new --data-dir."
                )
            self._lock_file.touch(mode=0o600)
            for folder in (self.nats, self.s3 / "data", self.s3 / "log", self.logs, self.demo):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as err:
            raise DataDirectoryUnusable(
                f"{self.path} cannot hold a stack's data: {err}. Name another --data-dir."
            ) from err

    def log(self, name: str) -> Path:
        """Where a part's output goes."""
        return self.logs / f"{name}.log"

    def access_log(self, name: str) -> Path:
        """Where a service's access logs go, for channels that have them."""
        return self.logs / f"{name}-access.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process; the lock ends with the process, however it ends.

        Raises:
            StackRunsAlready: another process holds it.
        """
        with self._lock_file.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise StackRunsAlready(
                    f"a stack runs on {self.path} already (process {self._holder() or 'unknown'}). "
                    "End it with Ctrl-C where it runs, or give this one another --data-dir and --port-offset."
                ) from err
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def require_running(self) -> None:
        """Look whether a stack works here.

        Raises:
            StackNotRunning: none does.
        """
        with contextlib.suppress(FileNotFoundError), self._lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return
        raise StackNotRunning(f"no stack runs on {self.path}: start one with `understudy up`, or name its --data-dir.")

    def credentials(self) -> Credentials:
        """The directory's own credentials, made up once and readable by their owner alone."""
        with contextlib.suppress(FileNotFoundError):
            return Credentials(**json.loads(self._credentials_file.read_text()))
        made = Credentials(access_key_id=secrets.token_hex(10).upper(), secret_access_key=secrets.token_hex(20))
        write_json(self._credentials_file, asdict(made))
        return made

    def read_stack(self) -> dict[str, Any]:
        """What ``stack.json`` says.

        Raises:
            StackNotRunning: there is none (yet).
        """
        try:
            stack: dict[str, Any] = json.loads(self.stack_file.read_text())
        except FileNotFoundError as err:
            raise StackNotRunning(f"the stack on {self.path} is not ready yet, or none runs there.") from err
        return stack

    def forget_logs(self) -> None:
        """Begin new logs: they tell of one run."""
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir()

    def _holder(self) -> str:
        with contextlib.suppress(OSError):
            return self._lock_file.read_text().strip()
        return ""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file at once, readable by its owner alone: nobody ever reads half of it, or a secret of ours."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    beside.replace(path)
