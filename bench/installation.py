"""The services as they run in earnest: real processes over a real NATS server and a real S3 server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from bench.compiled import compiled_core
from bench.compiled import environment as environment_of
from bench.cores import Cores
from bench.http import Connection, UnexpectedAnswer
from bench.process import running
from support.nats_server import running_nats_server
from support.object_store import S3Server, running_s3_server
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

T = TypeVar("T")

_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Access:
    """What a benchmark prepares a run with."""

    bus: Bus
    config: ConfigStore
    objects: ObjectStore
    settings: CommonSettings


@dataclass(frozen=True, slots=True)
class Installation:
    """A NATS server and an S3 server, on which services can be started."""

    directory: Path
    settings: CommonSettings
    s3: S3Server
    cores: Cores

    @contextlib.contextmanager
    def service(self, name: str, *, pinned: bool = True, ready: bool = True, **extra: str) -> Iterator[Service]:
        """``python -m understudy_<name>``, once it is ``ready``, or at once; ``extra``: further settings.

        ``pinned``: on the server's core.
        """
        secret = self.settings.s3_secret_access_key
        assert secret is not None
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
            fd, port = listening.fileno(), listening.getsockname()[1]
            environment = {
                **environment_of(compiled_core()),
                "UNDERSTUDY_NATS_URL": self.settings.nats_url,
                "UNDERSTUDY_S3_ENDPOINT_URL": str(self.settings.s3_endpoint_url),
                "UNDERSTUDY_S3_BUCKET": self.settings.s3_bucket,
                "UNDERSTUDY_S3_ACCESS_KEY_ID": str(self.settings.s3_access_key_id),
                "UNDERSTUDY_S3_SECRET_ACCESS_KEY": secret.get_secret_value(),
                "UNDERSTUDY_AUTHENTICATION": "none",  # on a socket of this machine alone
                "UNDERSTUDY_LISTEN_FD": str(fd),
                "UNDERSTUDY_LOG_FORMAT": "text",
                **{f"UNDERSTUDY_{key.upper()}": value for key, value in extra.items()},
            }
            command = [sys.executable, "-m", f"understudy_{name}"]
            with running(
                self.cores.on_server_core(command) if pinned else command,
                log=self.directory / f"{name}.log",
                is_ready=lambda: not ready or _is_ready(port),
                environment=environment,
                pass_fds=[fd],
            ) as pid:
                yield Service(port, pid)

    def prepare(self, work: Callable[[Access], Awaitable[T]]) -> T:
        """Do something with bus, configuration and storage before a measurement."""

        async def connected() -> T:
            async with self.access() as access:
                return await work(access)

        return asyncio.run(connected())

    @contextlib.asynccontextmanager
    async def access(self) -> AsyncIterator[Access]:
        """Bus, configuration and storage."""
        bus = await connect(self.settings, name="bench")
        try:
            await bus.ensure_streams()
            config = ConfigStore(bus)
            await config.start()
            try:
                yield Access(bus, config, ObjectStore(self.settings), self.settings)
            finally:
                await config.stop()
        finally:
            await bus.close()


@contextlib.contextmanager
def running_installation(directory: Path, *, cores: Cores) -> Iterator[Installation]:
    """A fresh one; NATS and S3 run where this thread runs."""
    with running_nats_server(directory / "nats") as nats, running_s3_server(directory / "s3") as s3:
        settings = CommonSettings(
            nats_url=nats.url,
            s3_endpoint_url=s3.url,
            s3_bucket=s3.bucket,
            s3_region=s3.region,
            s3_access_key_id=s3.access_key_id,
            s3_secret_access_key=SecretStr(s3.secret_access_key),
        )
        yield Installation(directory, settings, s3, cores)


def _is_ready(port: int) -> bool:
    try:
        with Connection(port) as connection:
            return connection.request("GET", "/readyz").status == 200
    except (OSError, UnexpectedAnswer):
        return False
