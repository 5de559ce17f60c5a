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


@contextlib.contextmanager
def serving(
    *arguments: str, sock: socket.socket | None = None, port: int | None = None, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """The program, on an inherited socket or a port; gone afterwards."""
    listen = {"UNDERSTUDY_LISTEN_FD": str(sock.fileno())} if sock else {"UNDERSTUDY_LISTEN_PORT": str(port)}
    chosen = {"drain_delay_seconds": "0.3", "drain_seconds": "1", **settings}
    environment = {f"UNDERSTUDY_{name.upper()}": value for name, value in chosen.items()}
    process = subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **listen, **environment},
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


async def test_a_kept_connection_stays_until_its_next_answer_and_that_says_that_it_is_the_last(
    sock: socket.socket,
) -> None:
    with serving(sock=sock) as process:
        said(process, "started")
        async with httpx.AsyncClient() as http:
            assert "connection" not in (await http.get(url(sock, "/slow/0"))).headers
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert (await http.get(url(sock, "/slow/0"))).headers["connection"] == "close"
            assert (await http.get(url(sock, "/slow/0"))).headers["connection"] == "close", "another is taken"
        assert await asyncio.to_thread(process.wait, 5) == 0


@pytest.mark.parametrize("reads", [True, False], ids=["slowly", "not at all"])
def test_a_client_that_reads_slowly_gets_its_answer_and_one_that_does_not_read_is_cut_off(
    sock: socket.socket, *, reads: bool
) -> None:
    size = 20 << 20
    with serving(sock=sock) as process, socket.create_connection(sock.getsockname()) as client:
        said(process, "started")
        client.sendall(f"GET /large/{size} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        received = len(client.recv(1 << 16))
        process.send_signal(signal.SIGTERM)
        time.sleep(0.8)  # longer than the delay
        while reads and (data := client.recv(1 << 20)):
            received += len(data)
        assert process.wait(8) == 0
        assert (received > size) is reads
        assert process.stderr is not None
        assert ("cut off 1 requests" in process.stderr.read()) is not reads


def test_ctrl_c_leaves_out_the_delay_and_a_second_one_does_not_wait_for_anybody(sock: socket.socket) -> None:
    with serving(sock=sock, drain_delay_seconds="20", drain_seconds="20") as process:
        said(process, "started")
        with socket.create_connection(sock.getsockname()) as client:
            client.sendall(b"GET /slow/60 HTTP/1.1\r\nHost: test\r\n\r\n")
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None, "an open request is waited for"
            process.send_signal(signal.SIGINT)
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 503 ")
            assert process.wait(5) == 0


def test_a_connection_that_was_just_opened_is_heard(sock: socket.socket) -> None:
    with serving(sock=sock, drain_delay_seconds="0") as process, socket.create_connection(sock.getsockname()) as client:
        said(process, "started")
        eventually(lambda: httpx.get(url(sock, "/healthz")).status_code == 200, within_seconds=5, what="it answers")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.6)
        client.sendall(b"GET /slow/0 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert process.wait(5) == 0
