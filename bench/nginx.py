"""The reference: nginx with one worker, on the server's core."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.cores import Cores
from bench.process import running
from support.ports import accepts, free_ports

_CONFIGURATION = """
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 75s;
    keepalive_requests 100000000;
    server_tokens off;
    client_max_body_size 64m;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""


def find_nginx() -> str | None:
    """The program; Debian keeps it out of a user's PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx."""

    port: int
    worker_pid: int


@contextlib.contextmanager
def running_nginx(directory: Path, *, cores: Cores, server: str, http: str = "") -> Iterator[Nginx]:
    """Nginx with these directives in its ``server`` and ``http`` blocks."""
    directory.mkdir(parents=True)
    (port,) = free_ports(1)
    configuration = directory / "nginx.conf"
    # Started by root it would give up what it needs to read files in a private directory.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_CONFIGURATION.format(directory=directory, user=user, http=http, server=server, port=port))
    program = find_nginx()
    assert program is not None
    command = cores.on_server_core([program, "-c", str(configuration), "-p", str(directory)])
    with running(command, log=directory / "output.log", is_ready=lambda: accepts(port)) as pid:
        yield Nginx(port, _worker_of(pid))


def _worker_of(master_pid: int) -> int:
    children = Path(f"/proc/{master_pid}/task/{master_pid}/children").read_text().split()
    assert len(children) == 1, f"nginx has {len(children)} workers"
    return int(children[0])
