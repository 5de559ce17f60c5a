"""Windows of the past from egress: the first request to a process that knows nothing, and the next ones beside nginx.

A synthetic programme of 24 h and two-second segments in five renditions: in index pages, as a controller makes them,
and its last entries in the log.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from typing_extensions import override

from bench.context import Case, Context
from bench.http import Connection, UnexpectedAnswer
from bench.installation import Access, Installation
from bench.nginx import running_nginx
from bench.published import endpoint_of, publish_endpoint
from bench.result import Figure, Result, Run, at_least, at_most
from bench.rounds import alternate, median_of, median_ratio
from bench.wrk import Load, measure
from support.program_entries import make_entry, make_piece, make_video
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import PAGE_ENTRIES, IndexPage
from understudy_domain.playlist_request import parse_playlist_request
from understudy_domain.timeshift import TimeWindow
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.programme import Programme
from understudy_egress.startover import Startover
from understudy_runtime import clock
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.objectkeys import ObjectKeys

_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS
_SEGMENT_SECONDS = 2
_RENDITIONS = tuple(f"v{number}" for number in range(1, 6))
_IN_LOG = 300
"""Entries that are in no page yet: less than fill one."""
_EGRESS, _NGINX = "egress", "nginx"
_GOAL_COLD_MILLISECONDS, _GOAL_TURN_MILLISECONDS, _GOAL_RATIO = 1000.0, 20.0, 0.5
_CACHE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Programme:
    guid: str
    beside: str
    """The path of the live playlist of another origin endpoint."""
    end: int
    """Of its newest entry, Unix time."""
    page_bytes: int

    def window(self, seconds: int) -> str:
        """The path of the playlist of its last so many seconds."""
        return f"/out/v1/{self.guid}/start/{self.end - seconds}/index_{_RENDITIONS[0]}.m3u8"


async def _publish(access: Access) -> _Programme:
    endpoint = replace(
        endpoint_of(segments=30, segment_seconds=_SEGMENT_SECONDS, date_interval_seconds=10),
        startover_window_seconds=2 * _DAY_SECONDS,
    )
    await access.config.create(endpoint)
    count = _DAY_SECONDS // _SEGMENT_SECONDS
    end = clock.now_ticks() // ticks.TICKS_PER_SECOND * ticks.TICKS_PER_SECOND
    begin = end - _DAY_SECONDS * ticks.TICKS_PER_SECOND
    page_bytes = 0
    for first in range(0, count - _IN_LOG, PAGE_ENTRIES):
        last = min(first + PAGE_ENTRIES, count - _IN_LOG)
        page = IndexPage.of([_entry(endpoint, number, begin) for number in range(first, last)])
        payload = page.encode()
        page_bytes += len(payload)
        await access.objects.put(page.key.render(), payload)
    subject = keys.program_subject(keys.shard_of(endpoint.channel_guid, shards=access.settings.shards), endpoint.guid)
    for number in range(count - _IN_LOG, count):
        await access.bus.publish(subject, codec.encode(_entry(endpoint, number, begin)))
    beside = await publish_endpoint(access, segments=30)
    return _Programme(endpoint.guid, beside.media_playlist_path, end // ticks.TICKS_PER_SECOND, page_bytes)


def _entry(endpoint: OriginEndpoint, number: int, begin: int) -> ProgramEntry:
    duration = ticks.from_seconds(_SEGMENT_SECONDS)
    date = begin + number * duration
    renditions = [
        make_video(
            replace(
                make_piece(number, duration=duration),
                object_key=keys.media_object_key(
                    endpoint.channel_guid, 1, received_milliseconds=date // 90, upload=secrets.token_hex(8), suffix="ts"
                ),
            ),
            rendition=rendition,
        )
        for rendition in _RENDITIONS
    ]
    entry = make_entry(number, slot_duration=duration, endpoint=endpoint, renditions=renditions)
    available_at = date + duration
    return replace(
        entry,
        program_date_time=date,
        available_at=available_at,
        as_of=replace(entry.as_of, instant=available_at),
    )


class _Beside(threading.Thread):
    """Somebody who watches another programme meanwhile: how long he is kept waiting at most."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(daemon=True)
        self._port, self._path = port, path
        self._done = threading.Event()
        self.longest_milliseconds = 0.0

    @override
    def run(self) -> None:
        """Ask, over and over."""
        with Connection(self._port) as connection:
            while not self._done.is_set():
                asked = time.perf_counter()
                connection.request("GET", self._path)
                self.longest_milliseconds = max(self.longest_milliseconds, (time.perf_counter() - asked) * 1000)
                time.sleep(0.0005)

    def end(self) -> float:
        """The longest wait, ms."""
        self._done.set()
        self.join()
        return self.longest_milliseconds


def _first_request(installation: Installation, programme: _Programme, seconds: int) -> Mapping[str, float]:
    """To a process that has just started."""
    with installation.service("egress") as egress:
        with Connection(egress.port) as connection:
            connection.request("GET", programme.beside)
        before = _memory_mebibytes(egress.pid, "VmRSS")
        beside = _Beside(egress.port, programme.beside)
        beside.start()
        with Connection(egress.port) as connection:
            first = _timed(connection, programme.window(seconds))
            held_up = beside.end()
            again = min(_timed(connection, programme.window(seconds)) for _ in range(20))
        alone = _Beside(egress.port, programme.beside)
        alone.start()
        time.sleep(first / 1000)
        return {
            "first_milliseconds": first,
            "again_milliseconds": again,
            "held_up_milliseconds": held_up,
            "held_up_alone_milliseconds": alone.end(),
            "memory_before_mebibytes": before,
            "memory_peak_mebibytes": _memory_mebibytes(egress.pid, "VmHWM"),
            "memory_after_mebibytes": _memory_mebibytes(egress.pid, "VmRSS"),
        }


async def _turns(access: Access, *, programme: _Programme, seconds: int) -> Mapping[str, float]:
    """The same in this process, to see how long the event loop is busy without a pause: by CPU time."""
    pages = IndexPages(access.objects, ObjectKeys(access.settings), bytes_max=_CACHE_BYTES // 4)
    startover = Startover(
        access.bus,
        pages,
        is_current=lambda _: True,
        shards=access.settings.shards,
        bytes_max=_CACHE_BYTES * 3 // 4,
    )
    found = access.config.origin_endpoint_by_guid(programme.guid)
    if found is None:
        raise UnexpectedAnswer("the origin endpoint is gone")
    shown = Programme(found.value, {}, secrets=CdnSecrets(None))
    request = parse_playlist_request(programme.window(seconds))
    asked = asyncio.create_task(startover.playlist(shown, request, TimeWindow(request.start or 0)))
    longest = 0.0
    used = time.process_time()
    while not asked.done():
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
    used = time.process_time() - used
    await asked
    return {"longest_turn_milliseconds": longest * 1000, "cpu_milliseconds": used * 1000}


def _timed(connection: Connection, path: str) -> float:
    """Milliseconds to the last byte."""
    asked = time.perf_counter()
    answer = connection.request("GET", path)
    if answer.status != 200:
        raise UnexpectedAnswer(f"{path}: {answer.status} {answer.body[:200]!r}")
    return (time.perf_counter() - asked) * 1000


def _memory_mebibytes(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise UnexpectedAnswer(f"/proc/{pid}/status has no {name}")


def _beside_nginx(
    context: Context, installation: Installation, programme: _Programme, directory: Path
) -> tuple[Run, ...]:
    """Half a day, asked for again and again, beside the same bytes in a file."""
    path = programme.window(12 * _HOUR_SECONDS)
    with ExitStack() as stack:
        egress = stack.enter_context(installation.service("egress"))
        with Connection(egress.port) as connection:
            answer = connection.request("GET", path)
        file = directory / "www" / path.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(answer.body)
        nginx = stack.enter_context(
            running_nginx(directory / "nginx", cores=context.cores, server=f"root {directory / 'www'};")
        )
        ports = {_EGRESS: (egress.port, egress.pid), _NGINX: (nginx.port, nginx.worker_pid)}
        subjects = {
            name: functools.partial(
                measure,
                Load(port, [path], {}, connections=8),
                pid=pid,
                seconds=context.round_seconds,
                cores=context.cores,
            )
            for name, (port, pid) in ports.items()
        }
        return alternate(subjects, rounds=context.rounds)


def _measure(context: Context) -> Result:
    installation = context.installation()
    programme = installation.prepare(_publish)
    half, day = "12 h back", "24 h back"
    runs = alternate(
        {
            half: functools.partial(_first_request, installation, programme, 12 * _HOUR_SECONDS),
            day: functools.partial(_first_request, installation, programme, _DAY_SECONDS),
        },
        rounds=context.rounds,
    )
    turns = alternate(
        {
            name: functools.partial(
                installation.prepare, functools.partial(_turns, programme=programme, seconds=seconds)
            )
            for name, seconds in ((half, 12 * _HOUR_SECONDS), (day, _DAY_SECONDS))
        },
        rounds=context.rounds,
    )
    loaded = _beside_nginx(context, installation, programme, context.directory)
    cpu, speed = "cpu_microseconds_per_request", "requests_per_second"
    figures = [
        Figure("x nginx, by CPU time", median_ratio(loaded, cpu, of=_NGINX, to=_EGRESS), "x", at_least(_GOAL_RATIO)),
        Figure(
            "x nginx, by throughput", median_ratio(loaded, speed, of=_EGRESS, to=_NGINX), "x", at_least(_GOAL_RATIO)
        ),
        *(Figure(f"{name}: CPU time a request", median_of(loaded, name, cpu), "µs") for name in (_EGRESS, _NGINX)),
    ]
    for name in (half, day):
        first = median_of(runs, name, "first_milliseconds")
        held_up = median_of(runs, name, "held_up_milliseconds")
        figures += [
            Figure(f"{name}: first request, nothing known", first, "ms", at_most(_GOAL_COLD_MILLISECONDS)),
            Figure(
                f"{name}: longest turn of the event loop, CPU time",
                median_of(turns, name, "longest_turn_milliseconds"),
                "ms",
                at_most(_GOAL_TURN_MILLISECONDS),
            ),
            Figure(f"{name}: others held up meanwhile, at most", held_up, "ms"),
            Figure(f"{name}: by the machine alone, as long", median_of(runs, name, "held_up_alone_milliseconds"), "ms"),
            Figure(f"{name}: the same again", median_of(runs, name, "again_milliseconds"), "ms"),
            Figure(f"{name}: memory before", median_of(runs, name, "memory_before_mebibytes"), "MiB"),
            Figure(f"{name}: memory, peak", median_of(runs, name, "memory_peak_mebibytes"), "MiB"),
            Figure(f"{name}: memory afterwards", median_of(runs, name, "memory_after_mebibytes"), "MiB"),
        ]
    note = f"a day of five renditions takes {programme.page_bytes / (1 << 20):.1f} MiB of index pages"
    return Result(CASE.name, CASE.title, tuple(figures), (*runs, *turns, *loaded), (note,))


CASE = Case(
    "startover",
    "the playlist of the last 12 and 24 h, of two-second segments, from egress",
    _measure,
    frozenset({"nginx", "wrk", "taskset"}),
)
