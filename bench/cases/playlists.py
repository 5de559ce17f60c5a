"""A playlist from egress, metrics on, beside nginx with the same bytes in a file: whole, and not modified."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from bench.context import Case, Context
from bench.http import Connection, UnexpectedAnswer
from bench.nginx import Nginx, running_nginx
from bench.published import publish_endpoint
from bench.result import Figure, Result, at_least
from bench.rounds import alternate, median_of, median_ratio
from bench.wrk import Load, measure

_SEGMENTS = 36
_DATE_INTERVAL_SECONDS = 4
_EGRESS, _NGINX, _CACHING = "egress", "nginx", "nginx with open_file_cache"
_OPEN_FILE_CACHE = "open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;"
_GOAL_FULL, _GOAL_NOT_MODIFIED = 0.7, 0.6


def _headers_of(answer_headers: Mapping[str, str]) -> str:
    """Directives that make nginx send what egress sends; type, length, ETag and Date it sends by itself."""
    own = ("content-type", "content-length", "etag", "date", "connection", "server")
    return "\n".join(f'add_header {name} "{value}";' for name, value in answer_headers.items() if name not in own)


def _measure(context: Context, *, not_modified: bool) -> Result:
    installation = context.installation()
    published = installation.prepare(
        functools.partial(publish_endpoint, segments=_SEGMENTS, date_interval_seconds=_DATE_INTERVAL_SECONDS)
    )
    path = published.media_playlist_path
    with installation.service("egress") as egress:
        with Connection(egress.port) as connection:
            answer = connection.request("GET", path)
        if answer.status != 200:
            raise UnexpectedAnswer(f"egress: {answer.status} {answer.body!r}")
        file = context.directory / "www" / path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(answer.body)
        server = f"root {context.directory / 'www'};\n{_headers_of(answer.headers)}"
        plain = running_nginx(context.directory / "nginx-plain", cores=context.cores, server=server)
        caching = running_nginx(
            context.directory / "nginx-caching", cores=context.cores, server=server, http=_OPEN_FILE_CACHE
        )
        with plain as nginx, caching as nginx_caching:
            ports = {_EGRESS: (egress.port, egress.pid)} | {
                name: (one.port, one.worker_pid) for name, one in _named(nginx, nginx_caching)
            }
            subjects = {
                name: functools.partial(
                    measure,
                    _load(port, path, not_modified=not_modified),
                    pid=pid,
                    seconds=context.round_seconds,
                    cores=context.cores,
                )
                for name, (port, pid) in ports.items()
            }
            runs = alternate(subjects, rounds=context.rounds)
    goal = at_least(_GOAL_NOT_MODIFIED if not_modified else _GOAL_FULL)
    cpu, speed = "cpu_microseconds_per_request", "requests_per_second"
    # Less CPU time is more speed, so that all ratios mean the same: how much of nginx egress is.
    figures = (
        Figure("x nginx, by CPU time", median_ratio(runs, cpu, of=_NGINX, to=_EGRESS), "x", goal),
        Figure("x nginx, by throughput", median_ratio(runs, speed, of=_EGRESS, to=_NGINX), "x", goal),
        Figure(
            "x nginx with open_file_cache, by CPU time", median_ratio(runs, cpu, of=_CACHING, to=_EGRESS), "x", goal
        ),
        Figure(
            "x nginx with open_file_cache, by throughput", median_ratio(runs, speed, of=_EGRESS, to=_CACHING), "x", goal
        ),
        *(Figure(f"{name}: CPU time a request", median_of(runs, name, cpu), "µs") for name in subjects),
        *(Figure(f"{name}: requests", median_of(runs, name, speed), "1/s") for name in subjects),
    )
    case = NOT_MODIFIED if not_modified else FULL
    return Result(case.name, case.title, figures, runs, (f"the playlist has {len(answer.body)} bytes",))


def _named(nginx: Nginx, caching: Nginx) -> list[tuple[str, Nginx]]:
    return [(_NGINX, nginx), (_CACHING, caching)]


def _load(port: int, path: str, *, not_modified: bool) -> Load:
    """The load on one server, once it has been seen to answer as it should."""
    with Connection(port) as connection:
        first = connection.request("GET", path)
        headers = {"If-None-Match": first.headers["etag"]} if not_modified else {}
        second = connection.request("GET", path, headers)
    expected = 304 if not_modified else 200
    if second.status != expected:
        raise UnexpectedAnswer(f"expected {expected}, found {second.status}")
    return Load(port, [path], headers)


_PROGRAMS = frozenset({"nginx", "wrk", "taskset"})
FULL = Case(
    "playlist-200",
    "a playlist of 2 kB from egress, beside nginx's static file",
    functools.partial(_measure, not_modified=False),
    _PROGRAMS,
)
NOT_MODIFIED = Case(
    "playlist-304",
    "the same playlist, not modified",
    functools.partial(_measure, not_modified=True),
    _PROGRAMS,
)
