"""The ports of a local stack: a fixed plan from a base, so that two stacks 100 apart never meet."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from understudy_local.errors import PortTaken

BASE_PORT: Final = 7070
HOST: Final = "127.0.0.1"

_BACKLOG: Final = 2048
_PATIENCE_SECONDS: Final = 2.0
_INTERVAL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port that a stack listens on, by what listens there."""

    controller: int
    ingest: int
    egress: int
    nats: int
    s3: int
    s3_grpc: int
    s3_master: int
    s3_master_grpc: int
    s3_filer: int
    s3_filer_grpc: int
    s3_volume: int
    s3_volume_grpc: int
    s3_admin: int
    s3_admin_grpc: int
    harvester: int

    @classmethod
    def with_offset(cls, offset: int = 0) -> Ports:
        """The plan, ``offset`` above the default."""
        return cls(*range(BASE_PORT + offset, BASE_PORT + offset + len(fields(cls))))

    def of_others(self) -> dict[str, int]:
        """The ports that programs other than the services listen on, by name."""
        own = ("controller", "ingest", "egress", "harvester")
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in own}


def hold_listening_sockets(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """A listening socket for each name; while they are open, no connection to these ports is refused.

    Waits a moment for a port that a stack just ended may still hold.

    Raises:
        PortTaken: one stays taken.
    """
    held: dict[str, socket.socket] = {}
    try:
        for name, port in ports.items():
            held[name] = _bind(name, port)
            held[name].listen(_BACKLOG)
    except PortTaken:
        for listener in held.values():
            listener.close()
        raise
    return held


def require_free(ports: Mapping[str, int]) -> None:
    """Look whether each port can be had, for programs that bind theirs themselves.

    Raises:
        PortTaken: one cannot.
    """
    for name, port in ports.items():
        with contextlib.closing(_bind(name, port)):
            pass


def _bind(name: str, port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(1)  # on Linux a port that another listens on refuses here at the latest
        except OSError as err:
            listener.close()
            if err.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_INTERVAL_SECONDS)
                continue
            raise PortTaken(
                f"port {port}, meant for {name.replace('_', ' ')}, cannot be used: {err.strerror}. "
                f"See who has it with `ss -ltnp sport = :{port}`, or move the whole stack with --port-offset."
            ) from err
        return listener
