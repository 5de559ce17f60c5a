"""nginx and Varnish in front of egress, with the configurations that are shipped for them: ports and paths apart."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.browser import MissingProgram
from support.deadline import eventually
from support.ports import accepts, free_ports

SHIPPED = Path(__file__).parents[2] / "deploy" / "cdn"
EXAMPLE_PORTS = ("7072", "7172")
"""Of the two egress processes, in the configurations as they are shipped."""
EXAMPLE_IDENTIFIER = "00000000-0000-0000-0000-000000000000"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_NGINX_LINE = re.compile(
    r'(?P<at>[\d.]+) \S+ "(?P<method>\S+) (?P<path>\S+) [^"]*" .*upstream_status="(?P<statuses>[^"]*)"'
)


@dataclass(frozen=True, slots=True)
class OriginRequest:
    """One request that a CDN has sent to egress, by the CDN's own log."""

    method: str
    path: str
    status: int | None
    """None: there was no answer."""


@dataclass(frozen=True, slots=True)
class Cdn:
    """A running cache."""

    name: str
    port: int
    log: Path
    """Of requests to the origin; complete once the cache has ended."""

    def origin_requests(self) -> list[OriginRequest]:
        """All of them, of a cache that has ended."""
        read = _nginx_requests if self.name == "nginx" else _varnish_requests
        return [request for line in self.log.read_text().splitlines() for request in read(line)]


def find_program(name: str, *, package: str) -> str:
    """A server's program; Debian keeps it out of a user's PATH.

    Raises:
        MissingProgram: it is not installed.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise MissingProgram(f"{name} is not there: apt-get install {package}")
    return found


@contextlib.contextmanager
def running_nginx(directory: Path, *, origins: Sequence[int], identifier: str | None = None) -> Iterator[Cdn]:
    """Nginx as shipped, in front of egress processes on these two ports; ``identifier`` is the CDN's secret.

    Raises:
        MissingProgram: it is not installed.
    """
    program = find_program("nginx", package="nginx-light")
    directory.mkdir(parents=True)
    (port,) = free_ports(1)
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {name}_temp_path {directory}/{name};\n" for name in names)
    configuration = _shipped(
        "nginx.conf",
        origins,
        {
            "http {\n": f"http {{\n{temporary}",
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "/var/log/nginx/": f"{directory}/",
            "/run/nginx.pid": f"{directory}/nginx.pid",
            "/var/cache/nginx/understudy": f"{directory}/cache",
            **_with_identifier("proxy_set_header X-MediaPackage-CDNIdentifier", identifier),
        },
    )
    path = directory / "nginx.conf"
    path.write_text(configuration)
    # Started by root it would give up what it needs to write to a private directory.
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    command = [program, "-c", str(path), "-p", str(directory), "-g", directives]
    with running_server(command, output=directory / "output.log", port=port):
        yield Cdn("nginx", port, directory / "understudy.log")


@contextlib.contextmanager
def running_varnish(directory: Path, *, origins: Sequence[int], identifier: str | None = None) -> Iterator[Cdn]:
    """Varnish as shipped, in front of egress processes on these two ports; ``identifier`` is the CDN's secret.

    Raises:
        MissingProgram: it is not installed.
    """
    program = find_program("varnishd", package="varnish")
    logger = find_program("varnishncsa", package="varnish")
    directory.mkdir(parents=True)
    (port,) = free_ports(1)
    path = directory / "varnish.vcl"
    identified = _with_identifier("set bereq.http.X-MediaPackage-CDNIdentifier", identifier)
    path.write_text(_shipped("varnish.vcl", origins, identified))
    log = directory / "origin.log"
    # A short path: its sockets are in there.
    with tempfile.TemporaryDirectory(prefix="varnish-") as working, contextlib.ExitStack() as stack:
        command = [program, "-F", "-j", "none", "-T", "none", "-n", working, "-f", str(path)]
        command += ["-a", f"127.0.0.1:{port}", "-s", "malloc,256m"]
        stack.enter_context(running_server(command, output=directory / "output.log", port=port))
        with log.open("wb") as output:
            writer = subprocess.Popen([logger, "-b", "-n", working, "-F", "%m %U%q %s %b"], stdout=output)
        stack.callback(_end, writer)
        yield Cdn("varnish", port, log)


def _with_identifier(directive: str, identifier: str | None) -> dict[str, str]:
    """The line that is commented out, as an operator would enter the secret."""
    return {f"# {directive}": directive, EXAMPLE_IDENTIFIER: identifier} if identifier else {}


def _shipped(name: str, origins: Sequence[int], replaced: dict[str, str]) -> str:
    text = (SHIPPED / name).read_text()
    ports = {example: str(port) for example, port in zip(EXAMPLE_PORTS, origins, strict=True)}
    for found, put in {**replaced, **ports}.items():
        assert found in text, f"{name} no longer has {found!r}"
        text = text.replace(found, put)
    return text


@contextlib.contextmanager
def running_server(command: Sequence[str], *, output: Path, port: int) -> Iterator[None]:
    """A program that listens on a port."""
    with output.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_ready() -> bool:
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}:\n{output.read_text()[-2000:]}"
        return accepts(port)

    try:
        eventually(is_ready, within_seconds=_START_SECONDS, what=f"{command[0]} is ready", poll_seconds=0.05)
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _nginx_requests(line: str) -> Iterator[OriginRequest]:
    match = _NGINX_LINE.match(line)
    assert match is not None, line
    if match["statuses"] == "-":  # from the cache
        return
    method = "GET" if match["method"] == "HEAD" else match["method"]
    # Several, where it went on to another process; what went before had no answer, or one that was no use.
    for status in match["statuses"].split(", "):
        answered = int(status) if status.isdigit() else None
        yield OriginRequest(method, match["path"], None if answered in (502, 504) else answered)


def _varnish_requests(line: str) -> Iterator[OriginRequest]:
    method, path, written, size = line.split(" ")
    status = int(written) if written.isdigit() and written != "503" else None
    if status == 200 and method == "GET" and size in ("-", "0"):
        status = 304  # It logs what it has made of the answer: the object that it has.
    yield OriginRequest(method, path, status)
