"""HAProxy as the way in: it learns late, by itself, that a process ends, and counts what a process refuses or breaks.

It never tries again and goes nowhere else: what a client would have noticed without it is in its counters.
"""

from __future__ import annotations

import contextlib
import csv
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.cdn import find_program, running_server
from support.ports import free_ports

CHECK_SECONDS = 0.5
NOTICED_AFTER_CHECKS = 2
"""A process that is not ready gets new connections for up to so many checks: as long as a cluster takes, or longer."""
_SLOTS = 4
"""Processes of a service at a time, those that are ending among them."""
_LOG_FORMAT = '    log global\n    log-format "%Ts.%ms %Ti %Ta %HM %HP %ST"\n'
"""Of an exchange: when the one before was over, how long nothing came then, and how long it took."""
_LINE = re.compile(r"(?P<over>\d+\.\d+) (?P<idle>\d+) (?P<took>\d+) (?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d+)")
_FAULTS = ("econ", "eresp", "wretr", "wredis", "hrsp_5xx")

_GLOBAL = f"""
global
    stats socket %s mode 600 level admin
    maxconn 2000
    nbthread 1
    log stdout format raw local0
defaults
    retries 0
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout client-fin 60s
    timeout server-fin 60s
    timeout http-request 1h
    timeout check 2s
    option httpchk GET /readyz
    default-server check inter {int(CHECK_SECONDS * 1000)}ms fall {NOTICED_AFTER_CHECKS} rise 1 disabled
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A way into a service."""

    name: str
    service: str
    passes_connections: bool
    """As a Service of type LoadBalancer does: a connection stays with its process. Else request by request, as an
    Ingress."""


@dataclass(frozen=True, slots=True)
class PassedRequest:
    """A request that was passed on, and its answer."""

    method: str
    path: str
    status: int
    sent_at: float
    """When its first byte came, seconds since the epoch."""
    took_seconds: float
    """From there to the last byte of its answer."""


class LoadBalancer:
    """A running HAProxy."""

    def __init__(self, ways: Sequence[Way], ports: Sequence[int], command_socket: Path, log: Path) -> None:
        self._ways = ways
        self._log = log
        self._command_socket = command_socket
        self._taken: Counter[str] = Counter()
        self.urls = {way.name: f"http://127.0.0.1:{port}" for way, port in zip(ways, ports, strict=True)}
        """By name of the way."""

    def add(self, service: str, port: int) -> None:
        """Send connections to a process, too, until it says that it is not ready."""
        slot = self._taken[service]
        assert slot < _SLOTS, f"more than {_SLOTS} processes of {service}"
        self._taken[service] += 1
        for way in self._ways:
            if way.service == service:
                self._command(f"set server {way.name}/s{slot} addr 127.0.0.1 port {port}")
                self._command(f"set server {way.name}/s{slot} state ready")

    def faults(self) -> dict[str, int]:
        """What any process refused, broke off, or answered with a 5xx, by way, process and kind."""
        found: dict[str, int] = {}
        lines = self._command("show stat").removeprefix("# ").splitlines()
        for row in csv.DictReader(lines):
            if row["svname"] != "FRONTEND":
                counts = {kind: int(row[kind] or 0) for kind in _FAULTS}
                found |= {f"{row['pxname']}/{row['svname']} {kind}": count for kind, count in counts.items() if count}
        return found

    def requests(self) -> list[PassedRequest]:
        """All that were passed on request by request so far."""
        matches = map(_LINE.fullmatch, self._log.read_text().splitlines())
        return [
            PassedRequest(
                match["method"],
                match["path"],
                int(match["status"]),
                float(match["over"]) + int(match["idle"]) / 1000,
                int(match["took"]) / 1000,
            )
            for match in matches
            if match is not None
        ]

    def _command(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._command_socket))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()


@contextlib.contextmanager
def running_haproxy(directory: Path, ways: Sequence[Way]) -> Iterator[LoadBalancer]:
    """HAProxy with a port for each way, and no process behind any.

    Raises:
        MissingProgram: it is not installed.
    """
    program = find_program("haproxy", package="haproxy")
    directory.mkdir(parents=True)
    ports = free_ports(len(ways))
    with tempfile.TemporaryDirectory(prefix="haproxy-") as sockets:  # a socket's path must be short
        command_socket = Path(sockets) / "commands"
        configuration = directory / "haproxy.cfg"
        configuration.write_text(_GLOBAL % command_socket + "".join(map(_listen, ways, ports)))
        command = [program, "-db", "-f", str(configuration)]
        log = directory / "haproxy.log"
        with running_server(command, output=log, port=ports[0]):
            yield LoadBalancer(ways, ports, command_socket, log)


def _listen(way: Way, port: int) -> str:
    servers = "".join(f"    server s{slot} 127.0.0.1:1\n" for slot in range(_SLOTS))
    mode = "    mode tcp\n" if way.passes_connections else f"    mode http\n{_LOG_FORMAT}"
    return f"listen {way.name}\n{mode}    bind 127.0.0.1:{port}\n    balance roundrobin\n{servers}"
