"""Three real nats-servers that are one cluster, on this machine; each can be killed and started again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from support import plain_http
from support.deadline import eventually
from support.nats_server import NatsServer
from support.ports import free_ports

_SECONDS = 20.0


class NatsCluster:
    """Three servers, named ``n1`` to ``n3``."""

    def __init__(self, directory: Path, *, size: int = 3) -> None:
        routes = free_ports(size)
        self.servers = {
            f"n{number}": NatsServer(directory / f"n{number}", config=_config(number, routes))
            for number in range(1, size + 1)
        }

    @property
    def url(self) -> str:
        """For clients: all of them."""
        return ",".join(server.url for server in self.servers.values())

    def start(self) -> None:
        """Start, and wait until each is ready."""
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_until_ready()

    def kill(self) -> None:
        """SIGKILL to all."""
        for server in self.servers.values():
            server.kill()

    def leader(self, stream: str) -> str:
        """The name of the server that leads a stream, once there is one that all agree upon."""
        return eventually(lambda: self._leader(stream) or "", within_seconds=_SECONDS, what=f"{stream} has a leader")

    def _leader(self, stream: str) -> str | None:
        named = {found["leader"] for found in self._clusters(stream) if "leader" in found}
        return named.pop() if len(named) == 1 else None

    def is_whole(self, stream: str) -> bool:
        """Whether every copy of a stream is current, as its leader sees it."""
        leader = self._leader(stream)
        clusters = [] if leader is None else self._clusters(stream, of=[leader])
        copies = [copy for found in clusters for copy in found.get("replicas", ())]
        return len(copies) == len(self.servers) - 1 and all(copy["current"] for copy in copies)

    def _clusters(self, stream: str, *, of: list[str] | None = None) -> list[dict[str, Any]]:
        """How the servers that answer, or those of these names, see a stream."""
        return [
            found["cluster"]
            for name in of or self.servers
            for found in _streams(self.servers[name].monitor_port)
            if found["name"] == stream and "cluster" in found
        ]


def _config(number: int, routes: list[int]) -> str:
    others = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
    return f"""
        server_name: n{number}
        cluster {{ name: test, listen: "127.0.0.1:{routes[number - 1]}", routes: [{others}] }}
    """


def _streams(monitor_port: int) -> list[dict[str, Any]]:
    try:
        answer = plain_http.get(f"http://127.0.0.1:{monitor_port}/jsz?streams=true", timeout=2).json()
    except httpx.HTTPError:
        return []
    return [found for account in answer.get("account_details", ()) for found in account.get("stream_detail", ())]


@contextlib.contextmanager
def running_nats_cluster(directory: Path) -> Iterator[NatsCluster]:
    """A started cluster that is gone afterwards."""
    cluster = NatsCluster(directory)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
