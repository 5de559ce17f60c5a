"""Segments that egress has to read from the storage, beside nginx passing on the same objects."""

from __future__ import annotations

import functools
import os
from urllib.parse import urlsplit

from bench.context import Case, Context
from bench.http import Connection, UnexpectedAnswer
from bench.nginx import running_nginx
from bench.presigned import presigned_paths, proxy_directives
from bench.published import publish_endpoint
from bench.result import Figure, Result, at_most
from bench.rounds import alternate, median_of, median_ratio
from bench.wrk import Load, measure

_SIZE = 1 << 20
_SEGMENTS = 64
_CACHE_BYTES = 8 << 20
"""Far less than all segments: asked for in turn, each has gone again before its turn comes."""
_CONNECTIONS = 8
_EGRESS, _NGINX = "egress", "nginx"


def _measure(context: Context) -> Result:
    body = os.urandom(_SIZE)
    installation = context.installation()
    published = installation.prepare(functools.partial(publish_endpoint, segments=_SEGMENTS, body=body))
    upstream = urlsplit(installation.s3.url).port
    assert upstream is not None
    http, server = proxy_directives(upstream)
    with (
        installation.service("egress", segment_cache_bytes=str(_CACHE_BYTES)) as egress,
        running_nginx(context.directory / "nginx", cores=context.cores, server=server, http=http) as nginx,
    ):
        subjects = {}
        for name, port, pid, paths in (
            (_EGRESS, egress.port, egress.pid, published.segment_paths),
            (
                _NGINX,
                nginx.port,
                nginx.worker_pid,
                presigned_paths(installation.settings, "GET", published.object_keys),
            ),
        ):
            with Connection(port) as connection:
                answer = connection.request("GET", paths[0])
            if answer.status != 200 or answer.body != body:
                raise UnexpectedAnswer(f"{name}: {answer.status}, {len(answer.body)} bytes")
            subjects[name] = functools.partial(
                measure,
                Load(port, paths, {}, connections=_CONNECTIONS),
                pid=pid,
                seconds=context.round_seconds,
                cores=context.cores,
            )
        runs = alternate(subjects, rounds=context.rounds)
        with Connection(egress.port) as connection:
            metrics = connection.request("GET", "/metrics").body.decode()
    cpu = "cpu_microseconds_per_request"
    figures = (
        Figure("CPU time, x nginx proxy_pass", median_ratio(runs, cpu, of=_EGRESS, to=_NGINX), "x", at_most(1.1)),
        *(Figure(f"{name}: CPU time a MiB", median_of(runs, name, cpu) / 1000, "ms") for name in subjects),
        *(Figure(f"{name}: segments", median_of(runs, name, "requests_per_second"), "1/s") for name in subjects),
        Figure("share of requests that found the segment in memory", _hit_share(metrics), ""),
    )
    return Result(CASE.name, CASE.title, figures, runs)


def _hit_share(metrics: str) -> float:
    counts = {
        result: float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        for result in ("hit", "miss", "collapsed")
        if line.startswith(f'understudy_egress_segment_cache_requests_total{{result="{result}"}}')
    }
    return counts["hit"] / sum(counts.values())


CASE = Case(
    "segment-storage",
    "segments of 1 MiB read from S3, beside nginx's proxy_pass to the same S3",
    _measure,
    frozenset({"nginx", "wrk", "taskset"}),
)
