"""Serving on an inherited socket, and ending without dropping a request."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.deadline import eventually
from support.ports import accepts, free_ports

PROGRAM = Path(__file__).parent / "serve.py"
DRAIN = {"UNDERSTUDY_DRAIN_DELAY_SECONDS": "0.3", "UNDERSTUDY_DRAIN_SECONDS": "1"}


@contextlib.contextmanager
def serving(
    *arguments: str, sock: socket.socket | None = None, port: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The program, on an inherited socket or a port; gone afterwards."""
    listen = {"UNDERSTUDY_LISTEN_FD": str(sock.fileno())} if sock else {"UNDERSTUDY_LISTEN_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **DRAIN, **listen},
        pass_fds=(sock.fileno(),) if sock else (),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], line: str) -> None:
    """Wait for the program's next line."""
    assert process.stdout is not None
    assert process.stdout.readline().strip() == line


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """A listening socket, as a supervisor holds it."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def url(sock: socket.socket, path: str) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}{path}"


def test_a_service_listens_on_its_own_address_and_ends_with_0() -> None:
    [port] = free_ports(1)
    with serving(port=port) as process:
        said(process, "started")
        eventually(lambda: accepts(port), within_seconds=5, what="it listens")
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        said(process, "ended")
    assert not accepts(port)


def test_a_service_takes_as_many_connections_as_it_may(sock: socket.socket) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(sock=sock) as process:
            said(process, "started")
            assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_taken_port_ends_the_service_with_a_reason(sock: socket.socket) -> None:
    with serving(port=sock.getsockname()[1]) as process:
        assert process.wait(10) == 1
        assert process.stderr is not None
        assert "cannot listen" in process.stderr.read()


def test_a_service_that_cannot_start_ends_with_3(sock: socket.socket) -> None:
    with serving("broken", sock=sock) as process:
        assert process.wait(10) == 3


def test_a_service_that_is_still_starting_ends_at_once(sock: socket.socket) -> None:
    with serving("stuck", sock=sock) as process:
        said(process, "starting")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


async def test_an_open_request_is_answered_and_readiness_goes_first(sock: socket.socket) -> None:
    with serving(sock=sock) as process:
        said(process, "started")
        async with httpx.AsyncClient() as http:
            assert (await http.get(url(sock, "/readyz"))).status_code == 200
            slow = asyncio.create_task(http.get(url(sock, "/slow/1.5")))
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert (await http.get(url(sock, "/readyz"))).status_code == 503
            assert (await slow).json() == process.pid
        assert await asyncio.to_thread(process.wait, 5) == 0


async def test_a_successor_on_the_same_socket_refuses_no_connection(sock: socket.socket) -> None:
    answers: list[int] = []
    stop = asyncio.Event()

    async def ask() -> None:
        while not stop.is_set():
            async with httpx.AsyncClient() as http:
                answers.append((await http.get(url(sock, "/slow/0"), timeout=10)).json())

    with serving(sock=sock) as first:
        said(first, "started")
        asking = [asyncio.create_task(ask()) for _ in range(4)]
        await asyncio.sleep(0.3)
        first.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first.wait, 5) == 0
        with serving(sock=sock) as second:
            await asyncio.to_thread(said, second, "started")
            await asyncio.sleep(0.3)
            stop.set()
            await asyncio.gather(*asking)
            assert set(answers) == {first.pid, second.pid}


def test_a_request_that_does_not_end_does_not_hold_up_the_end(sock: socket.socket) -> None:
    with serving(sock=sock) as process, socket.create_connection(sock.getsockname()) as client:
        said(process, "started")
        client.sendall(b"GET /slow/60 HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert 1 < time.monotonic() - started < 6
