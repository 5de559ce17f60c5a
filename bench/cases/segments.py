"""A segment of 1 MiB from egress' memory, beside nginx with sendfile."""

from __future__ import annotations

import functools
import os

from bench.context import Case, Context
from bench.http import Connection, UnexpectedAnswer
from bench.nginx import running_nginx
from bench.published import publish_endpoint
from bench.result import Figure, Result, at_least
from bench.rounds import alternate, median_of, median_ratio
from bench.wrk import Load, measure

_SIZE = 1 << 20
_CONNECTIONS = 8
_EGRESS, _NGINX = "egress", "nginx"


def _measure(context: Context) -> Result:
    body = os.urandom(_SIZE)
    installation = context.installation()
    published = installation.prepare(functools.partial(publish_endpoint, segments=5, body=body))
    path = published.segment_paths[2]
    file = context.directory / "www" / path.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    server = f"root {context.directory / 'www'};"
    with (
        installation.service("egress") as egress,
        running_nginx(context.directory / "nginx", cores=context.cores, server=server) as nginx,
    ):
        subjects = {}
        for name, port, pid in (
            (_EGRESS, egress.port, egress.pid),
            (_NGINX, nginx.port, nginx.worker_pid),
        ):
            with Connection(port) as connection:
                answer = connection.request("GET", path)
            if answer.status != 200 or answer.body != body:
                raise UnexpectedAnswer(f"{name}: {answer.status}, {len(answer.body)} bytes")
            subjects[name] = functools.partial(
                measure,
                Load(port, [path], {}, connections=_CONNECTIONS),
                pid=pid,
                seconds=context.round_seconds,
                cores=context.cores,
            )
        runs = alternate(subjects, rounds=context.rounds)
    cpu, speed = "cpu_microseconds_per_request", "requests_per_second"
    figures = (
        Figure("x nginx, by CPU time", median_ratio(runs, cpu, of=_NGINX, to=_EGRESS), "x", at_least(1.0)),
        Figure("x nginx, by throughput", median_ratio(runs, speed, of=_EGRESS, to=_NGINX), "x", at_least(1.0)),
        *(Figure(f"{name}: CPU time a segment", median_of(runs, name, cpu), "µs") for name in subjects),
        *(Figure(f"{name}: segments", median_of(runs, name, speed), "1/s") for name in subjects),
    )
    return Result(CASE.name, CASE.title, figures, runs)


CASE = Case(
    "segment-memory",
    "a segment of 1 MiB from egress' memory, beside nginx's sendfile",
    _measure,
    frozenset({"nginx", "wrk", "taskset"}),
)
