"""Ports that nothing listens on, and that nothing else takes meanwhile.

They lie below those that the kernel gives to outgoing connections: a port of these may be taken by any connection of
any process between the moment it is found free and the moment a server binds it. Processes of tests that run side by
side claim them in blocks, so that none is given out twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

BLOCK_PORTS: Final = 100
FIRST_PORT: Final = 7070
"""Of the local stack without an offset: each block is where such a stack would have its ports."""

_BLOCKS: Final = range(2, 256)
"""The first two are left to a stack that a user runs; the last one ends below 32,768, where Linux begins by itself."""

_claims: list[IO[bytes]] = []
"""Open as long as this process lives, and locked: the kernel lets go of them however it ends."""
_ports: list[int] = []
"""Of the blocks claimed for single ports: what has not been given out."""


def free_ports(count: int) -> list[int]:
    """As many TCP ports of the loopback address, all different, free, and given to nobody else."""
    return [_next_port() for _ in range(count)]


def claim_block() -> int:
    """The number of ``BLOCK_PORTS`` ports from ``FIRST_PORT + number * BLOCK_PORTS`` on, all free; this process's.

    Raises ``AssertionError`` where all are claimed.
    """
    folder = Path(tempfile.gettempdir()) / f"understudy-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in random.sample(_BLOCKS, len(_BLOCKS)):
        if _claim(folder / str(number)) and all(is_free(port) for port in _ports_of(number)):
            return number
    raise AssertionError(f"every block of ports is claimed or in use: see which processes hold the files in {folder}")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now, on any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as sock:
        sock.settimeout(0.5)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _next_port() -> int:
    while True:
        if not _ports:
            _ports.extend(_ports_of(claim_block()))
        port = _ports.pop()
        if is_free(port):
            return port


def _ports_of(number: int) -> range:
    first = FIRST_PORT + number * BLOCK_PORTS
    return range(first, first + BLOCK_PORTS)


def _claim(path: Path) -> bool:
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("wb"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        stack.pop_all()
    _claims.append(file)
    return True
