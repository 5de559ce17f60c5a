"""``understudy up``: start everything, say so in ``stack.json``, keep it running until a signal, end everything."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable
from dataclasses import asdict
from pathlib import Path

from understudy_local import plan
from understudy_local.data_directory import Credentials, DataDirectory, write_json
from understudy_local.demo.show import Demo
from understudy_local.part import Part
from understudy_local.ports import Ports, hold_listening_sockets, require_free
from understudy_local.supervisor import Supervisor, Watcher
from understudy_local.terminal import Terminal

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """One local stack, from start to end."""

    def __init__(
        self,
        directory: DataDirectory,
        ports: Ports,
        *,
        demo: bool,
        terminal: Terminal,
        access_keys: Path | None = None,
    ) -> None:
        """``access_keys``: what the control API takes; None: everything."""
        self._access_keys = access_keys
        self._directory = directory
        self._ports = ports
        self._urls = plan.Urls.at(ports)
        self._demo = Demo(directory, self._urls, terminal=terminal) if demo else None
        self._terminal = terminal
        self._supervisor = Supervisor(Watcher(say=terminal.happened, changed=self._changed))
        self._credentials: Credentials | None = None
        self._is_up = False

    async def run(self, *, until: Awaitable[None], listening: dict[str, socket.socket]) -> None:
        """Start, keep running until ``until`` is done, and end.

        Raises:
            PartFailed: a part could not be started; what was started is ended.
            DemoFailed: the demo channel could not be made; what was started is ended.
        """
        stopping = asyncio.ensure_future(until)
        starting = asyncio.create_task(self._start(listening))
        try:
            await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                await stopping
            self._terminal.happened("ending everything")
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            stopping.cancel()
            self._is_up = False
            self._directory.stack_file.unlink(missing_ok=True)
            if self._demo is not None:
                await self._demo.stop()
            await self._supervisor.stop()

    async def _start(self, listening: dict[str, socket.socket]) -> None:
        credentials = self._credentials = self._directory.credentials()
        self._terminal.step(f"starting in {self._directory.path}, logs in its folder logs")
        descriptors = {name: held.fileno() for name, held in listening.items()}
        await self._supervisor.start(plan.stores(self._directory, self._ports, credentials), ready=self._said_ready)
        await self._supervisor.start(
            plan.services(
                self._directory, self._ports, credentials, listening=descriptors, access_keys=self._access_keys
            ),
            ready=self._said_ready,
        )
        if self._demo is not None:
            keys = self._access_keys
            await self._demo.start(self._supervisor, credentials if keys is None else _writing_credentials(keys))
        self._is_up = True
        self._changed()
        self._terminal.write("")
        self._terminal.write(f"Understudy is up; all of it is described in {self._directory.stack_file}")
        self._terminal.write(f"  control API  {self._urls.api_url}")
        self._terminal.write(f"  ingest       {self._urls.ingest_url}")
        self._terminal.write(f"  egress       {self._urls.egress_url}")
        if self._demo is not None:
            self._terminal.write(self._demo.what_next(credentials if self._access_keys is None else None))
        self._terminal.write("Ctrl-C ends it.")

    def _said_ready(self, part: Part, seconds: float) -> None:
        self._terminal.step(f"{part.name:<10}  ready after {seconds:.1f} s")

    def _changed(self) -> None:
        if not self._is_up or self._credentials is None:
            return
        pids = self._supervisor.pids()
        named = (*plan.SERVICES, "nats", "s3")
        described = {
            **asdict(self._urls),
            "credentials": asdict(self._credentials),
            "authentication": "none" if self._access_keys is None else "sigv4",
            "processes": {name: pids[name] for name in named if name in pids},
        }
        try:
            write_json(self._directory.stack_file, described)
        except OSError as err:  # a full disk ends no stack
            self._terminal.happened(f"{self._directory.stack_file} could not be brought up to date: {err}")


def up(data_directory: Path, *, port_offset: int, demo: bool, access_keys: Path | None = None) -> None:
    """Run a stack until Ctrl-C or SIGTERM; with ``access_keys`` its control API takes signed requests only.

    Raises:
        LocalError: it could not be started; the message says why and what to do.
    """
    if access_keys is not None:
        access_keys = access_keys.resolve()
        _writing_credentials(access_keys)
    directory = DataDirectory(data_directory)
    directory.create()
    ports = Ports.with_offset(port_offset)
    with directory.locked():
        directory.stack_file.unlink(missing_ok=True)  # of a stack that was killed
        directory.forget_logs()
        listening = hold_listening_sockets({name: getattr(ports, name) for name in plan.SERVICES})
        try:
            require_free(ports.of_others())
            stack = Stack(directory, ports, demo=demo, terminal=Terminal(), access_keys=access_keys)
            asyncio.run(_run(stack, listening))
        finally:
            for held in listening.values():
                held.close()


def _writing_credentials(access_keys: Path) -> Credentials:
    from understudy_local.signing import writing_credentials  # noqa: PLC0415  # as long to load as all of this

    return writing_credentials(access_keys)


async def _run(stack: Stack, listening: dict[str, socket.socket]) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        # The handlers stay: a second Ctrl-C while everything ends changes nothing.
        loop.add_signal_handler(number, asked.set)

    async def until_asked() -> None:
        await asked.wait()

    await stack.run(until=until_asked(), listening=listening)
