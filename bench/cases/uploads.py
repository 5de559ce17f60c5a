"""An encoder's PUT through ingest, beside nginx passing the same PUT on to the same storage."""

from __future__ import annotations

import base64
import contextlib
import functools
import secrets
import time
from statistics import median
from urllib.parse import urlsplit

from bench.context import Case, Context
from bench.installation import Access
from bench.media import make_segment
from bench.nginx import running_nginx
from bench.presigned import presigned_paths, proxy_directives
from bench.result import Figure, Result, at_most
from bench.rounds import alternate, median_of, median_ratio
from bench.upload_load import Uploader, Uploads
from understudy_domain import keys
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_ingest.probe.prober import Prober
from understudy_runtime import clock

_INGEST, _NGINX = "ingest", "nginx"
_TUNED = {
    "nginx with the request in memory": "client_body_buffer_size 2m;",
    "nginx without request buffering": "proxy_request_buffering off;",
}
_BYTES_A_ROUND = 64 << 20
_UPLOADS_A_ROUND_MAX = 160
_CPU = "cpu_milliseconds_per_upload"


async def create_channel(access: Access) -> Channel:
    """A channel with two ingest endpoints."""
    first, second = (IngestEndpoint(secrets.token_hex(16), "user", secrets.token_hex(8)) for _ in range(2))
    channel = Channel(
        id=f"bench-{secrets.token_hex(4)}",
        guid=first.id,
        ingest_endpoints=(first, second),
        created_at=clock.now_ticks(),
    )
    await access.config.create(channel)
    return channel


def authorization(endpoint: IngestEndpoint) -> dict[str, str]:
    """The header that lets an encoder in."""
    encoded = base64.b64encode(f"{endpoint.username}:{endpoint.password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def probe_milliseconds(body: bytes, *, times: int) -> float:
    """CPU time of one look into a segment whose configuration is known, in this process: the median of many."""
    prober = Prober()
    prober.probe(body)
    spent = []
    for _ in range(times):
        started = time.thread_time()
        prober.probe(body)
        spent.append(time.thread_time() - started)
    return median(spent) * 1e3


def _measure(context: Context, *, size: int, goal: float) -> Result:
    body = make_segment(context.directory / "media", size=size)
    count = min(_UPLOADS_A_ROUND_MAX, _BYTES_A_ROUND // size) // (3 if context.is_quick else 1)
    installation = context.installation()
    channel = installation.prepare(create_channel)
    endpoint = channel.ingest_endpoints[0]
    upstream = urlsplit(installation.s3.url).port
    assert upstream is not None
    with installation.service("ingest") as ingest, contextlib.ExitStack() as stack:
        base = keys.ingest_url_path(channel.guid, endpoint.id)
        uploaders = {
            _INGEST: Uploader(
                Uploads(ingest.port, lambda number: f"{base}_{number}.ts", body, authorization(endpoint)),
                pid=ingest.pid,
            )
        }
        for name, further in ({_NGINX: ""} | _TUNED).items():
            http, server = proxy_directives(upstream, further=further)
            directory = context.directory / name.replace(" ", "-")
            nginx = stack.enter_context(running_nginx(directory, cores=context.cores, server=server, http=http))
            total = count * (context.rounds + 1)
            paths = presigned_paths(
                installation.settings, "PUT", [f"bench/{nginx.port}/{number}.ts" for number in range(total)]
            )
            uploaders[name] = Uploader(Uploads(nginx.port, paths.__getitem__, body, {}), pid=nginx.worker_pid)
        subjects = {name: functools.partial(uploader.measure, count) for name, uploader in uploaders.items()}
        runs = alternate(subjects, rounds=context.rounds)
    probing = probe_milliseconds(body, times=100)
    cpu = {name: median_of(runs, name, _CPU) for name in subjects}
    ratio = functools.partial(median_ratio, runs, _CPU, of=_INGEST)
    figures = (
        Figure("CPU time without probe, x nginx", ratio(to=_NGINX, without=probing), "x", at_most(goal)),
        Figure("CPU time with probe, x nginx", ratio(to=_NGINX), "x"),
        *(
            Figure(f"CPU time without probe, x {name}", ratio(to=name, without=probing), "x", at_most(goal))
            for name in _TUNED
        ),
        Figure("probe", probing, "ms"),
        *(Figure(f"{name}: CPU time an upload", value, "ms") for name, value in cpu.items()),
        *(Figure(f"{name}: uploads", median_of(runs, name, "uploads_per_second"), "1/s") for name in subjects),
    )
    case = LARGE if size == _LARGE else SMALL
    return Result(case.name, case.title, figures, runs, (f"the segment has {len(body)} bytes",))


_LARGE, _SMALL = 1 << 20, 200_000
_PROGRAMS = frozenset({"nginx", "taskset"})
LARGE = Case(
    "upload-1mib",
    "an encoder's PUT of 1 MiB through ingest, beside nginx's proxy_pass to the same S3",
    functools.partial(_measure, size=_LARGE, goal=1.25),
    _PROGRAMS,
)
SMALL = Case(
    "upload-200kb",
    "an encoder's PUT of 200 kB through ingest, beside nginx's proxy_pass to the same S3",
    functools.partial(_measure, size=_SMALL, goal=1.7),
    _PROGRAMS,
)
